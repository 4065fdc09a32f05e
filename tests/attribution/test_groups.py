"""Strongest units, decisive units and groups, on small networks whose answers are known."""

import pytest
import torch
from torch import nn

import featviz as fv
from featviz.attribution.groups import channel_attribution, find_groups, strongest


def colors() -> fv.Network:
    """Three units that are the three colors, before a unit that is red less blue."""
    net = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.ReLU(), nn.Conv2d(3, 1, 1, bias=False))
    net[0].weight.data = torch.eye(3).view(3, 3, 1, 1)
    net[2].weight.data = torch.tensor([1.0, 0, -1]).view(1, 3, 1, 1)
    return fv.Network(net, (0, 0, 0), (1, 1, 1), {"colors": "0", "warm": "2"}, name="colors")


@pytest.fixture
def flag() -> torch.Tensor:
    """Red, white-ish green, blue stripes."""
    image = torch.zeros(3, 4, 6)
    image[0, :, :2], image[1, :, 2:4], image[2, :, 4:] = 0.9, 0.6, 0.3
    image[0, :, 2:4] = 0.2
    return image


def test_the_strongest_units_of_each_place(flag):
    found = strongest(colors(), flag, "colors:relu", count=2)
    assert found.units[0, :, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert found.units[0, 2].tolist() == [1, 0]
    assert torch.allclose(found.values[0, 2], torch.tensor([0.6, 0.2]))
    first = strongest(colors(), flag, "colors:relu", count=1)
    assert first.units.equal(found.units[..., :1])


def test_five_units_and_six_groups_unless_told(small):
    photos = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    assert strongest(small, photos[0], "conv1").units.shape == (12, 12, 5)
    found = find_groups(small, photos, "conv1")
    assert found.maps.shape == (2, 6, 12, 12)
    assert found.directions.equal(find_groups(small, photos, "conv1", 6, seed=0).directions)


def test_the_largest_group_has_the_largest_square_and_not_the_widest_spread():
    image = torch.zeros(3, 4, 6)
    image[0, :, :5], image[1, :, 5] = 0.3, 0.9
    found = find_groups(colors(), image[None], "colors:relu", count=2)
    assert found.directions.argmax(1).tolist() == [1, 0]


def test_channel_attribution_of_a_linear_objective_is_exact(flag):
    net = colors()
    found = channel_attribution(net, flag, fv.Channel("warm", 0), "colors")
    red, green, blue = flag.flatten(1).mean(1).tolist()
    assert found.tolist() == pytest.approx([red, 0 * green, -blue], abs=1e-6)


def test_layers_without_places_have_contributions_and_no_strongest_places(small):
    photo = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    found = channel_attribution(small, photo, "bee", "classifier.2")
    value = fv.activations(small, photo, "classifier.2")[0]
    torch.testing.assert_close(found, small.module.classifier[3].weight[1].detach() * value)
    with pytest.raises(ValueError, match=r"classifier\.2 of small has no map whose places"):
        strongest(small, photo, "classifier.2", 2)


def test_groups_find_units_that_answer_together(flag):
    found = find_groups(colors(), flag[None], "colors:relu", count=3)
    assert found.maps.shape == (1, 3, 4, 6)
    assert found.explained == pytest.approx(1, abs=1e-3)
    assert torch.allclose(found.directions.norm(dim=1), torch.ones(3))
    rebuilt = torch.einsum("nghw,gu->nuhw", found.maps, found.directions)
    assert torch.allclose(rebuilt[0], flag, atol=0.02)
    sizes = found.maps.square().sum((0, 2, 3))
    assert (sizes.diff() <= 0).all()


def test_what_groups_explain_is_the_part_of_the_square_that_they_rebuild(flag):
    found = find_groups(colors(), flag[None], "colors:relu", count=1)
    rebuilt = torch.einsum("nghw,gu->nuhw", found.maps, found.directions)[0]
    expected = 1 - (flag - rebuilt).square().sum() / flag.square().sum()
    assert isinstance(found.explained, float)
    assert found.explained == pytest.approx(expected.item(), abs=1e-5)
    assert 0.3 < found.explained < 0.9
    dark = find_groups(colors(), 0 * flag[None], "colors:relu", count=1)
    assert dark.maps.max() == 0
    assert dark.directions.isfinite().all()


def test_maps_of_several_photos_are_each_photos_own(flag):
    photos = torch.stack([flag, flag.flip(2), flag / 2])
    found = find_groups(colors(), photos, "colors:relu", count=3)
    assert found.maps.shape == (3, 3, 4, 6)
    rebuilt = torch.einsum("nghw,gu->nuhw", found.maps, found.directions)
    assert torch.allclose(rebuilt, photos, atol=0.02)


def test_a_groups_direction_can_be_visualized(flag):
    net = colors()
    (objective, *_) = find_groups(net, flag[None], "colors:relu", count=2).objectives
    assert objective.layer == "colors"
    assert fv.parse(str(objective)) == objective
    found = fv.maximize(net, objective, size=8, steps=2, progress=False)
    assert found.images.shape == (1, 3, 8, 8)


def test_groups_have_a_seed(flag):
    one, two = (find_groups(colors(), flag[None], "colors", 2, seed=5) for _ in range(2))
    assert torch.equal(one.maps, two.maps)


@pytest.mark.parametrize("count", [0, 4])
def test_counts_are_those_of_the_layer(flag, count):
    message = "colors of colors has 3 units.*, so count is 1 to 3"
    with pytest.raises(ValueError, match=message):
        strongest(colors(), flag, "colors", count)
    with pytest.raises(ValueError, match=message):
        find_groups(colors(), flag[None], "colors", count)


def test_what_has_no_places_for_groups_is_told(flag):
    with pytest.raises(ValueError, match="3 units at 1 places of these photos, so count is 1 to 1"):
        find_groups(colors(), flag[None, :, :1, :1], "colors", 2)
    net = fv.Network(nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), layers={"logits": "1"})
    with pytest.raises(ValueError, match=r"logits of .* has no map"):
        find_groups(net, torch.rand(1, 3, 2, 2), "logits", 2)
