"""What the chapter on shallow and deep measures is what it says."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import featviz as fv
from featviz.article.studies import shallow_versus_deep_evidence as evidence
from featviz.article.studies import shallow_versus_deep_turning as turning


@pytest.mark.parametrize("bias", [0.0, 5.0, -7.0])
def test_exaggeration_is_above_gray_of_all_units(monkeypatch, bias):
    synthetic, natural, gray = np.array([[9.0, 20, 30], [3, 5, 10], [1, 0, -5]]) + bias
    pictures = SimpleNamespace(values=synthetic[:, None])
    monkeypatch.setattr(evidence, "scope", lambda: SimpleNamespace(pictures=lambda *_: pictures))
    patches = SimpleNamespace(values=natural[:, None])
    monkeypatch.setattr(evidence, "natural_patches", lambda _: patches)
    monkeypatch.setattr(evidence, "plain", lambda _: torch.from_numpy(gray))
    ratios = evidence.exaggeration.__wrapped__("conv5")
    assert ratios == pytest.approx([4, 4, 35 / 15])


ANGLES = (0, 10, 20, 30, 45, 60, 90)
SIZE = 11


def adding(*weights):
    """A network whose units add up squares of `SIZE` px under weights (SIZE, SIZE) each."""
    conv = nn.Conv2d(3, len(weights), SIZE, stride=4, padding=2, bias=False)
    conv.weight.data = torch.stack(weights)[:, None].expand(-1, 3, -1, -1).clone()
    return fv.Network(nn.Sequential(conv), (0.5, 0.5, 0.5), (1, 1, 1), {"only": "0"})


def bars():
    """Vertical bars, bright in the middle column."""
    columns = (torch.arange(SIZE) - SIZE // 2).abs()
    return (columns <= 1).float().expand(SIZE, SIZE)


def test_a_turn_takes_nothing_from_a_picture_by_its_corners():
    # All of the picture counts alike: whatever is lost would be lost at the border.
    values = turning.on_pictures(
        adding(torch.ones(SIZE, SIZE)), "only", [0], torch.ones(1, 3, SIZE, SIZE), ANGLES
    )
    assert values[0, 0] > 0
    torch.testing.assert_close(values, values[:, :1].expand_as(values), rtol=1e-5, atol=0)


def test_a_turn_of_a_picture_is_by_its_angle():
    picture = bars().expand(1, 3, -1, -1)
    across, along = turning.on_pictures(
        adding(bars() - bars().mean(), bars().T - bars().mean()),
        "only",
        [0, 1],
        picture.expand(2, -1, -1, -1),
        ANGLES,
    )
    assert (across.diff() < 0).all()
    torch.testing.assert_close(across[0], along[-1], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(across[-1], along[0], rtol=1e-4, atol=1e-4)


def test_a_patch_is_turned_within_its_photograph():
    # Stripes that go on beyond the patch: turned by 90 degrees they are the other unit's.
    stripes = ((torch.arange(60) // 3) % 2).float().expand(3, 60, 60).clone()
    weights = stripes[0, 20 : 20 + SIZE, 20 : 20 + SIZE] - 0.5
    place = ("a", (20, 20, 20 + SIZE, 20 + SIZE))
    across, along = turning.on_patches(
        adding(weights, weights.T.flip(0)), "only", [0, 1], [place] * 2, {"a": stripes}, ANGLES
    )
    assert across[0] == pytest.approx(3 * weights.abs().sum().item() * 0.5, rel=1e-5)
    assert across.argmax() == 0
    assert along.argmax() == len(ANGLES) - 1
    assert along[-1] == pytest.approx(across[0].item(), rel=1e-4)
