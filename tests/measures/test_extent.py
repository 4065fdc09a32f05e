"""How large the part of a picture is that a unit needs."""

import math

import pytest
import torch
from torch import nn

import featviz as fv
from featviz.measures.extent import extents
from featviz.measures.gratings import GRAY

SIDE, WINDOW, SPREAD = 64, 21, 4.0


def bell():
    """A network whose first unit adds up pixels by a bell curve; the second takes them off."""
    net = nn.Sequential(nn.Conv2d(3, 2, WINDOW, stride=2, padding=WINDOW // 2, bias=False))
    at = torch.arange(WINDOW) - WINDOW // 2
    weights = torch.exp(-(at[:, None] ** 2 + at**2) / (2 * SPREAD**2))
    net[0].weight.data[:] = weights * torch.tensor([1.0, -1.0]).view(2, 1, 1, 1)
    return fv.Network(net, layers={"conv": "0"}, size=SIDE)


def spot(center, diameter):
    """A white disk on gray (3, SIDE, SIDE)."""
    at = torch.arange(SIDE)
    distance = ((at[:, None] - center[0]) ** 2 + (at - center[1]) ** 2).sqrt()
    return (GRAY + (1 - GRAY) * ((diameter + 1) / 2 - distance).clamp(0, 1)).expand(3, -1, -1)


@pytest.mark.parametrize("center", [(32, 32), (20, 44), (10, 52)])
@pytest.mark.parametrize("diameter", [8, 12, 18])
def test_half_of_what_a_bell_curve_adds_up_lies_where_it_should(center, diameter):
    (found,) = extents(bell(), "conv", [0], spot(center, diameter)[None])
    whole = 1 - math.exp(-(diameter**2) / (8 * SPREAD**2))
    half = math.sqrt(-8 * SPREAD**2 * math.log(1 - whole / 2))
    assert found == pytest.approx(half, abs=0.2)


def test_more_of_the_same_motif_elsewhere_changes_nothing():
    one = spot((16, 16), 10)
    two = torch.maximum(one, spot((48, 48), 10))
    alone, among = extents(bell(), "conv", [0, 0], torch.stack([one, two]))
    assert alone == pytest.approx(among.item(), rel=1e-4)


def test_a_place_beside_the_picture_does_not_count():
    """A unit that sees what lies right of it is excited most left of a spot, outside at the rim."""
    network = bell()
    with torch.no_grad():
        network.module[0].weight[:, :, :, : WINDOW // 2 + 6] = 0
    rim, inside = (
        extents(network, "conv", [0], spot((32, column), 8)[None]).item() for column in (4, 40)
    )
    assert abs(rim - inside) > 1


def test_a_unit_that_its_picture_silences_needs_none_of_it():
    assert extents(bell(), "conv", [1], spot((32, 32), 60)[None]).isnan().all()
