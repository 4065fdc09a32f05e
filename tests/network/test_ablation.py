import copy
import pickle

import pytest
import torch
from torch import nn

import featviz as fv
from tests.networks import Fire


@pytest.fixture(scope="module")
def images():
    return torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))


UNITS = {"conv2": [1, 5], "conv1:relu": [3]}


@pytest.mark.parametrize("mode", ["mean", "zero", "resample"])
def test_units_give_what_is_set_and_others_what_follows(small, images, mode):
    ablated = fv.ablate(small, UNITS, mode, images=images, seed=3)
    values = fv.activations(ablated, images, ["conv1:relu", "conv2", "conv3"])
    before = fv.activations(small, images, ["conv1:relu", "conv2"])
    donor = int(torch.randint(len(images), (), generator=torch.Generator().manual_seed(3)))
    for layer, units in UNITS.items():
        expected = {
            "mean": before[layer].mean((0, 2, 3))[units, None, None],
            "zero": torch.zeros(len(units), 1, 1),
            "resample": before[layer][donor, units],
        }[mode]
        given = values[layer][:, units]
        torch.testing.assert_close(given, expected.expand_as(given), rtol=1e-5, atol=1e-6)
    others = [unit for unit in range(8) if unit not in UNITS["conv1:relu"]]
    assert torch.equal(values["conv1:relu"][:, others], before["conv1:relu"][:, others])
    # By hand: what conv3 gives, from the values that conv2 now has.
    parts = copy.deepcopy(small.module.features).eval()
    expected = parts[3:7](values["conv2"])
    torch.testing.assert_close(values["conv3"], expected, rtol=1e-5, atol=1e-5)


def test_the_callers_network_stays_as_it_is(small, images):
    before = fv.activations(small, images, "conv3")
    kinds = [type(part) for part in small.module.modules()]
    fv.ablate(small, UNITS, "zero")
    assert [type(part) for part in small.module.modules()] == kinds
    assert torch.equal(fv.activations(small, images, "conv3"), before)


def test_everything_accepts_it(small, images):
    ablated = fv.ablate(small, UNITS, "mean", images=images)
    assert ablated.layers == small.layers
    assert ablated.units("conv2") == 12
    assert ablated.receptive_field("conv3") == small.receptive_field("conv3")
    assert ablated.fingerprint != small.fingerprint
    assert ablated.fingerprint != fv.ablate(small, UNITS, "zero").fingerprint
    result = fv.maximize(ablated, ["conv3:2", "conv2:0"], size=32, steps=8)
    start = fv.maximize(ablated, ["conv3:2", "conv2:0"], size=32, steps=1)
    assert (result.values > start.values).all()
    heat = fv.attribute(ablated, images[0], "conv3:2", layer="conv2", method="gradient")
    assert not heat.map.isnan().any()


def test_an_ablated_unit_has_no_gradient(alexnet):
    images = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    ablated = fv.ablate(alexnet, {"conv4:relu": range(256)}, "mean", images=images)
    values = fv.activations(ablated, images, "conv5")
    assert torch.equal(values[0], values[1])


def test_it_can_be_copied_and_sent_to_other_processes(small, images):
    ablated = fv.ablate(small, UNITS, "resample", images=images)
    other = pickle.loads(pickle.dumps(ablated))
    assert torch.equal(*(fv.activations(one, images, "conv3") for one in (ablated, other)))


def test_ablations_add_up(small, images):
    once = fv.ablate(small, {"conv2": [1, 5], "conv1": [2]}, "resample", images=images)
    first = fv.ablate(small, {"conv2": [1]}, "resample", images=images)
    twice = fv.ablate(first, {"conv2": [5], "conv1": [2]}, "resample", images=images)
    assert torch.equal(
        fv.activations(twice, images, "conv1"), fv.activations(once, images, "conv1")
    )
    marks = fv.activations(twice, images, "conv2")[:, [1, 5]]
    assert torch.equal(marks[:1].expand_as(marks), marks)
    assert torch.equal(marks[:, 0], fv.activations(once, images, "conv2")[:, 1])


class Shared(nn.Module):
    """A ReLU that runs twice, and two branches: values that no module of its own gives."""

    def __init__(self):
        super().__init__()
        self.first, self.fire, self.last = nn.Conv2d(3, 4, 3), Fire(), nn.Conv2d(8, 5, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.first(x))
        return self.last(self.relu(self.fire(x) * 2))


@pytest.mark.parametrize("layer", ["first:relu", "fire"])
def test_values_behind_shared_modules_and_of_blocks(layer, images):
    with torch.random.fork_rng():
        torch.manual_seed(0)  # a unit that is never active changes nothing when it is set
        module = Shared().eval()
    net = fv.Network(module, layers={name: name for name in ("first", "fire", "last")})
    ablated = fv.ablate(net, {layer: [2]}, "mean", images=images)
    mean = fv.activations(net, images, layer)[:, 2].mean()
    values = fv.activations(ablated, images, [layer, "last"])
    torch.testing.assert_close(values[layer][:, 2], mean.expand_as(values[layer][:, 2]))
    assert not torch.equal(values["last"], fv.activations(net, images, "last"))


def test_what_cannot_be_set_is_said(small):
    net = fv.Network(Shared().eval())
    with pytest.raises(ValueError, match=r"relu#2 of Shared can't be ablated, because no module"):
        fv.ablate(net, {"relu#2": [0]}, "zero")
    with pytest.raises(ValueError, match="mode is one of mean, zero, resample, not 'noise'"):
        fv.ablate(small, UNITS, "noise")
    with pytest.raises(ValueError, match="takes values from photographs"):
        fv.ablate(small, UNITS)
    with pytest.raises(ValueError, match="units 0 to 11, not 12"):
        fv.ablate(small, {"conv2": [12]}, "zero")
