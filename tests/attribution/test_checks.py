"""Measures of maps, on a network and on maps whose answers are known."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

import featviz as fv
from featviz.attribution import checks
from featviz.network import controls
from featviz.objectives.units import Logit


def left_side() -> fv.Network:
    """A classifier that weighs how bright the left quarter is against a constant."""
    linear = nn.Linear(3, 2)
    linear.weight.data = torch.tensor([[4.0, 4, 4], [0, 0, 0]])
    linear.bias.data = torch.tensor([-4.0, 0])

    class Left(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.same, self.linear = nn.Conv2d(3, 3, 1, bias=False), linear
            self.same.weight.data = torch.eye(3).view(3, 3, 1, 1)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.linear(self.same(images)[..., : images.shape[-1] // 4].mean((2, 3)))

    return fv.Network(Left(), (0, 0, 0), (1, 1, 1), classes=("left", "none"))


@pytest.fixture
def photo() -> torch.Tensor:
    image = torch.zeros(3, 128, 128)
    image[..., :32] = 1
    return image


def test_curves_of_a_right_map_beat_a_wrong_one(photo):
    net, objective = left_side(), Logit(0)
    right = photo.mean(0)
    deletions, insertions = checks.curves(net, photo, objective, [right, -right])
    assert deletions.shape == insertions.shape == (2, checks.STEPS + 1)
    (deleted, wrongly_deleted), (inserted, wrongly_inserted) = deletions, insertions
    assert checks.area(deleted) < checks.area(wrongly_deleted)
    assert checks.area(inserted) > checks.area(wrongly_inserted)


def test_curves_start_and_end_at_the_photo_and_the_blur(photo):
    net, objective = left_side(), Logit(0)
    (deleted,), (inserted,) = checks.curves(net, photo, objective, [photo.mean(0)], steps=4)
    whole, hidden = checks.scores(
        net, torch.stack([photo, checks.blurred(photo)]), objective
    ).tolist()
    assert deleted[[0, -1]].tolist() == pytest.approx([whole, hidden])
    assert inserted[[0, -1]].tolist() == pytest.approx([hidden, whole])
    # A quarter of the photo is all that counts: one step of four shows it.
    assert inserted[1].item() == pytest.approx(whole, abs=0.02)
    assert deleted[1].item() == pytest.approx(hidden, abs=0.02)


@pytest.mark.parametrize(("count", "steps"), [(0, 8), (1, 1)])
def test_curves_of_nothing_are_refused(photo, count, steps):
    with pytest.raises(ValueError, match=f"not {count} and {steps}"):
        checks.curves(left_side(), photo, Logit(0), [photo[0]] * count, steps=steps)


def test_curves_by_hand():
    generator = torch.Generator().manual_seed(3)
    photo = torch.rand(3, 16, 16, generator=generator)
    map = torch.randperm(256, generator=generator).view(16, 16).float()
    net, soft = left_side(), checks.blurred(photo)
    (deleted,), (inserted,) = checks.curves(net, photo, fv.Channel("same", 1), [map], steps=4)
    for step in range(5):
        first = map >= 256 - 64 * step  # the most important quarters
        shown = torch.where(first, photo, soft)[1].mean().item()
        hidden = torch.where(first, soft, photo)[1].mean().item()
        assert inserted[step].item() == pytest.approx(shown, abs=1e-6)
        assert deleted[step].item() == pytest.approx(hidden, abs=1e-6)


def test_an_objective_that_is_no_class_is_scored_by_its_value(photo):
    net = left_side()
    found = checks.scores(net, photo[None], fv.Channel("same", 1))
    assert found.item() == pytest.approx(0.25)


def test_a_class_of_every_place_is_scored_by_its_mean_probability(photo):
    net = fv.Network(nn.Conv2d(3, 4, 3, padding=1), classes=("a", "b", "c", "d"))
    found = checks.scores(net, photo[None, :, :32, :32], Logit("b"))
    shares = fv.activations(net, photo[:, :32, :32], "output").softmax(1)
    assert found.tolist() == pytest.approx([shares[0, 1].mean().item()])


def test_penalties_are_part_of_a_score(photo):
    net = left_side()
    found = checks.scores(net, photo[None], fv.parse("same:1 + 2*penalty:l2"))
    assert found.item() == pytest.approx(0.25 - 2 * 0.25)


def test_equal_places_are_not_hidden_from_top_to_bottom():
    before = torch.get_rng_state()
    order = checks._order(torch.zeros(4, 4), (64, 64))
    assert torch.get_rng_state().equal(before)
    first = (order < 64 * 64 // 2).float()
    assert first[:32].mean().item() == pytest.approx(0.5, abs=0.05)


def test_area_of_a_straight_line():
    assert checks.area(torch.linspace(1, 0, 9)) == pytest.approx(0.5)


def test_area_as_a_share_counts_nothing_above_the_whole_photo():
    # "brain coral" at 0.3 on the whole photo, and up to 0.9 on a part of it
    curve = torch.tensor([0.0, 0.3, 0.9, 0.9, 0.3])
    assert checks.area(curve, whole=0.3) == pytest.approx((0.5 + 3) / 4)
    assert checks.area(curve / 3, whole=0.3) == pytest.approx(checks.area(curve / 3) / 0.3)


def test_a_blur_keeps_the_mean_and_loses_the_detail():
    noise = torch.rand(3, 96, 96, generator=torch.Generator().manual_seed(0))
    soft = checks.blurred(noise)
    assert soft.mean().item() == pytest.approx(noise.mean().item(), abs=0.01)
    assert soft.std() < noise.std() / 10


def test_a_blur_spreads_a_point_by_its_standard_deviation():
    point = torch.zeros(3, 101, 101)
    point[:, 50, 50] = 1
    offset = torch.arange(101.0) - 50
    for axis in (1, 2):
        spread = checks.blurred(point)[0].sum(axis - 1)
        assert spread.sum().item() == pytest.approx(1, abs=1e-4)
        # 10 px, less what a kernel that ends after 3 standard deviations leaves out.
        assert (spread @ offset**2).sqrt().item() == pytest.approx(10, rel=0.02)


def test_a_blur_is_scipys_gaussian_up_to_the_border():
    from scipy.ndimage import gaussian_filter

    photo = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(0))
    expected = gaussian_filter(photo.numpy(), 10.0, axes=(1, 2), mode="nearest", truncate=3)
    torch.testing.assert_close(checks.blurred(photo), torch.from_numpy(expected))


def test_controls():
    assert torch.equal(checks.random_map((5, 6), 1), checks.random_map((5, 6), 1))
    blob = checks.center_map((9, 7))
    assert blob.shape == (9, 7)
    assert blob[4, 3] == blob.max() == 1
    # A quarter of the side is one standard deviation: the borders' middles are two away.
    assert blob[[0, 8, 4, 4], [3, 3, 0, 6]].tolist() == pytest.approx([math.exp(-2)] * 4)
    noise = checks.random_map((50, 60), 1)
    assert noise.shape == (50, 60)
    assert noise.std().item() == pytest.approx(1, abs=0.05)
    assert not noise.equal(checks.random_map((50, 60), 2))
    step = torch.zeros(3, 8, 8)
    step[..., 4:] = 1
    edges = checks.edge_map(step)
    assert edges.shape == (8, 8)
    assert (edges[:, 3:5] == 4).all()
    assert edges[:, :3].sum() == edges[:, 5:].sum() == 0


@pytest.mark.parametrize(
    ("values", "share"),
    [
        ([3.0, 1], 0.75),
        ([3.0, 2, 1], 2 / 3),
        ([4.0, 2, 1, 1], 0.75),
        ([1.0, 2, 2, 1, 2], 0.5),
        ([0.0, 0], 0.5),
        ([-5.0, 1], 0),
    ],
)
def test_share_of_the_left_half(values, share):
    assert checks.share_left(torch.tensor([values])) == pytest.approx(share)


def test_spread_is_the_area_of_half_the_mass():
    assert checks.spread(torch.ones(10, 10)) == pytest.approx(0.5)
    spike = torch.zeros(10, 10)
    spike[3, 3] = 1
    assert checks.spread(spike) == pytest.approx(0.01)
    assert checks.spread(torch.tensor([[4.0, 1, 1, 1], [1, -9, 0, 0]])) == 1 / 8
    assert checks.spread(torch.tensor([[3.0, 2, 2, 1], [1, 1, -9, 0]])) == 2 / 8
    assert checks.spread(-torch.ones(2, 2)) == checks.spread(torch.zeros(2, 2)) == 0.5


def test_shuffled_weights_are_the_same_numbers_elsewhere(squeezenet):
    before = squeezenet.fingerprint
    twin = controls.shuffled(squeezenet, 0, ["classifier.1"])
    assert squeezenet.fingerprint == before != twin.fingerprint
    assert twin.classes == squeezenet.classes
    assert twin.layers == squeezenet.layers
    own, other = (n.module.classifier[1].weight.detach().flatten() for n in (squeezenet, twin))
    assert torch.equal(own.sort().values, other.sort().values)
    assert not torch.equal(own, other)
    assert torch.equal(squeezenet.module.features[0].weight, twin.module.features[0].weight)
    assert twin.fingerprint == controls.shuffled(squeezenet, 0, ["classifier.1"]).fingerprint


def test_each_control_is_active_as_its_docstring_says(photo, alexnet):
    names = [f"{layer}:relu" for layer in alexnet.layers]
    shares = [
        [(value > 0).float().mean().item() for value in fv.activations(twin, photo, names).values()]
        for twin in (controls.shuffled(alexnet, 0), controls.initialized(alexnet, 0))
    ]
    assert min(shares[0]) < 0.1
    assert max(shares[0]) > 0.5
    assert all(0.4 < share < 0.6 for share in shares[1])


def test_nothing_that_was_learned_is_left_in_an_initialized_network(module):
    """Batch norm and the classifier are no layers of the network, and were learned all the same."""
    for value in module.state_dict().values():
        value.fill_(7)
    twin = controls.initialized(fv.Network(module, layers={"block": "features"}), 0)
    assert not any((value == 7).any() for value in twin.module.state_dict().values())
    assert all((value == 7).all() for value in module.state_dict().values())


class Attentive(nn.Module):
    """PyTorch's attention, which draws its weights by a method of its own."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 4, stride=4)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, images):
        tokens = self.conv(images).flatten(2).mT
        return self.attention(tokens, tokens, tokens)[0]


class Token(Attentive):
    """A parameter that the network's own code draws."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, 8))


def test_attention_is_initialized_as_pytorch_makes_it():
    module = Attentive()
    with torch.no_grad():
        for value in module.parameters():
            value.fill_(7)
    made = controls.initialized(fv.Network(module, size=16), 0).module.attention
    assert made.in_proj_weight.abs().max() < 1
    assert made.in_proj_weight.std() > 0
    assert made.in_proj_bias.eq(0).all()
    assert made.out_proj.bias.eq(0).all()  # which the part alone would draw at random


def test_what_no_module_draws_is_refused_by_its_name():
    with pytest.raises(ValueError, match="token of Token is drawn by no reset_parameters, so it"):
        controls.initialized(fv.Network(Token(), size=16), 0)
    normed = parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
    with pytest.raises(ValueError, match=r"parametrizations\.weight\.original0 of .* is drawn by"):
        controls.initialized(fv.Network(nn.Sequential(normed), size=16), 0)


def test_a_pruned_network_is_shuffled():
    module = nn.Sequential(nn.Conv2d(3, 4, 3))
    prune.l1_unstructured(module[0], "weight", 0.5)
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    before = module(image)
    twin = controls.shuffled(fv.Network(module, (0,) * 3, (1,) * 3, size=8), 0)
    assert not fv.activations(twin, image, "0").allclose(before)
    assert module(image).equal(before)
    assert twin.module.training
    assert all(value.requires_grad for value in twin.module.parameters())


def test_graphics_cards_are_not_seeded(photo, monkeypatch):
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("seeded"))
    net = left_side()
    controls.initialized(net, np.int64(0))
    fv.attribute(net, photo, "left", "same", "smoothgradcam++", seed=np.int64(0))


def test_shuffling_moves_biases_too(alexnet):
    twin = controls.shuffled(alexnet, 0)
    biases = [net.module.get_parameter("features.0.bias") for net in (alexnet, twin)]
    assert not torch.equal(*biases)
    assert torch.equal(*(bias.sort().values for bias in biases))


def test_what_has_no_weights_cannot_be_shuffled(squeezenet):
    with pytest.raises(ValueError, match=r"no module 'classifier\.2' with weights"):
        controls.shuffled(squeezenet, 0, ["classifier.2"])
