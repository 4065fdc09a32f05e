"""Layers by name, values before and after the ReLU, and a module that comes back untouched."""

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

import featviz as fv
from featviz import photos
from featviz.network import fingerprint as fingerprint_module
from featviz.network.inputs import check_images
from featviz.network.network import (
    UnknownLayerError,
    UnknownUnitError,
    check_unit,
    private_view,
    reads_image,
)
from featviz.network.passes import OverwritingReLU, run_to
from featviz.network.values import map_by_map
from tests.networks import CLASSES, LAYERS, SmallCNN


@pytest.fixture(scope="module")
def photo():
    return photos.load("chelsea", size=96).image


def by_hand(module, images):
    """AlexNet's trunk, written out: layer -> value before its ReLU."""
    mean, std = (
        torch.tensor(x).view(3, 1, 1) for x in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    f, values = module.features, {}
    x = (images - mean) / std
    values["conv1"] = F.conv2d(x, f[0].weight, f[0].bias, stride=4, padding=2)
    x = F.max_pool2d(values["conv1"].relu(), 3, 2)
    values["conv2"] = F.conv2d(x, f[3].weight, f[3].bias, padding=2)
    x = F.max_pool2d(values["conv2"].relu(), 3, 2)
    values["conv3"] = F.conv2d(x, f[6].weight, f[6].bias, padding=1)
    values["conv4"] = F.conv2d(values["conv3"].relu(), f[8].weight, f[8].bias, padding=1)
    values["conv5"] = F.conv2d(values["conv4"].relu(), f[10].weight, f[10].bias, padding=1)
    return values


def state(module):
    """Everything about a module that a caller could notice."""
    parts = dict(module.named_modules())
    return {
        "parameters": {k: v.detach().numpy().tobytes() for k, v in module.named_parameters()},
        "places": {k: v.data_ptr() for k, v in module.named_parameters()},
        "buffers": {k: v.numpy().tobytes() for k, v in module.named_buffers()},
        "requires_grad": {k: v.requires_grad for k, v in module.named_parameters()},
        "grad": {k: v.grad for k, v in module.named_parameters()},
        "training": {k: m.training for k, m in parts.items()},
        "inplace": {k: m.inplace for k, m in parts.items() if hasattr(m, "inplace")},
        "identity": {k: id(m) for k, m in parts.items()},
        "hooks": {
            k: [list(getattr(m, kind)) for kind in vars(m) if kind.endswith("_hooks")]
            for k, m in parts.items()
        },
    }


def test_layers_and_units(alexnet):
    assert alexnet.layers == ("conv1", "conv2", "conv3", "conv4", "conv5")
    assert [alexnet.units(layer) for layer in alexnet.layers] == [64, 192, 384, 256, 256]
    assert alexnet.units("features.8") == alexnet.units("conv4:relu") == 256
    assert alexnet.units("features.2") == 64  # a pooling's, found by a pass


def test_values_before_and_after_the_relu_are_those_of_a_slow_pass(alexnet, photo):
    expected = by_hand(alexnet.module, photo[None])
    expected["conv5:relu"] = expected["conv5"].relu()
    found = fv.activations(alexnet, photo, list(expected))
    for layer in expected:
        torch.testing.assert_close(found[layer], expected[layer].detach(), rtol=1e-4, atol=1e-4)
    assert all(found[layer].min() < 0 for layer in alexnet.layers)
    alone = fv.activations(alexnet, photo, ["conv5"])["conv5"]
    torch.testing.assert_close(alone, found["conv5"], rtol=1e-4, atol=1e-4)


def test_the_value_after_the_relu_is_the_one_behind_batch_norm(module):
    network = fv.Network(module.eval(), layers=LAYERS)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    hooked = []
    with torch.no_grad():
        module.features[3].running_mean.fill_(0.1)
        copied = copy.deepcopy(module)
        copied.features[4].register_forward_hook(lambda m, i, value: hooked.append(value.clone()))
        copied(network.normalize(images))
    found = fv.activations(network, images, ["conv2", "conv2:relu"])
    torch.testing.assert_close(found["conv2:relu"], hooked[0])
    assert (found["conv2:relu"] - found["conv2"].relu()).abs().max() > 0.05


class Functional(nn.Module):
    """In-place where no module's flag says so."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)
        self.second = nn.Conv2d(4, 4, 3)

    def forward(self, images):
        return F.relu(self.second(F.relu(self.first(images), inplace=True)), inplace=True)


def test_in_place_functions_do_not_reach_what_was_read():
    found = fv.activations(
        fv.Network(Functional()), torch.rand(2, 3, 16, 16), ["first", "second", "output"]
    )
    assert found["first"].min() < 0
    assert found["second"].min() < 0
    assert found["output"].equal(found["second"].relu())


class Rectified(nn.Module):
    """Only the first of its ReLUs may overwrite what it is given."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))
        self.one, self.two, self.three, self.four = (nn.ReLU() for _ in range(4))

    def forward(self, images):
        value = self.one(self.first(images))
        second, third = self.second(value), self.third(value)
        kept = self.two(second) + second + self.three(third.flatten(2)).view_as(third) + third
        return self.four(kept)


def test_relus_overwrite_what_nobody_else_reads():
    net, images = fv.Network(Rectified().eval()), torch.rand(2, 3, 16, 16)
    assert net.graph.sole_rectifiers == ["one"]
    layers = ["first", "second", "third", "one", "output"]
    view = private_view(net, in_place=True)
    assert [n for n, part in view.named_modules() if isinstance(part, OverwritingReLU)] == ["one"]
    with torch.no_grad():
        expected = net.module(net.normalize(images))
    found = fv.activations(net, images, layers)
    assert found["first"].min() < 0
    assert found["one"].equal(found["first"].relu())
    torch.testing.assert_close(found["output"], expected)
    assert fv.activations(net, images, "output").equal(found["output"])


class Backbone(Rectified):
    """What nobody else reads was made where it can't be overwritten later."""

    def forward(self, images):
        with torch.inference_mode():
            value = self.first(images)
        return self.one(value)


def test_relus_leave_alone_what_inference_mode_made():
    net, images = fv.Network(Backbone().eval()), torch.rand(2, 3, 16, 16)
    assert net.graph.sole_rectifiers == ["one"]
    found = fv.activations(net, images, ["first", "output"])
    assert found["output"].equal(found["first"].relu())
    values = fv.evaluate(net, "one:1", images)
    torch.testing.assert_close(values, found["output"][:, 1].mean((1, 2)))


@pytest.mark.parametrize(
    "layers", [["conv2", "conv5:relu"], ["features.3", "features.12.expand3x3:relu", "output"]]
)
def test_passes_in_place_give_the_same_bits(alexnet, squeezenet, layers):
    network = alexnet if "conv2" in layers else squeezenet
    images = torch.rand(2, 3, 96, 96)
    refs = [network.resolve(layer) for layer in layers]
    with torch.no_grad():
        plain = run_to(private_view(network, refs), network.normalize(images), refs)
    assert network.graph.sole_rectifiers
    for layer, value in fv.activations(network, images, layers).items():
        assert value.equal(plain[layer])


def test_the_view_shares_the_weights_and_nothing_else(module):
    network = fv.Network(module)
    view = private_view(network)
    for (name, mine), (_, theirs) in zip(
        view.named_parameters(), module.named_parameters(), strict=True
    ):
        assert mine.data_ptr() == theirs.data_ptr(), name
        assert mine is not theirs
        assert not mine.requires_grad
    parts = list(view.modules())
    assert not any(part.training or getattr(part, "inplace", False) for part in parts)
    assert not {id(part) for part in parts} & {id(part) for part in module.modules()}


def test_short_and_dotted_names_mean_the_same(alexnet, photo):
    found = fv.activations(alexnet, photo, ["conv3", "features.6", "features.6:relu", "features.7"])
    assert found["conv3"].equal(found["features.6"])
    assert found["features.6:relu"].equal(found["features.7"])


def test_output_is_what_the_module_returns(small):
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = copy.deepcopy(small.module)(small.normalize(images))
    found = fv.activations(small, images, ["conv1", "output", "classifier.3"])
    torch.testing.assert_close(found["output"], expected)
    assert found["classifier.3"].equal(found["output"])
    assert small.units("output") == small.units("classifier.3") == len(CLASSES)


def test_one_name_gives_the_value_itself(small):
    images = torch.rand(2, 3, 32, 32)
    found = fv.activations(small, images, ["conv1", "conv3:relu"])
    assert list(found) == ["conv1", "conv3:relu"]
    assert fv.activations(small, images, "conv3:relu").equal(found["conv3:relu"])


def test_values_lie_map_by_map_whatever_the_pass_leaves(small):
    found = fv.activations(small, torch.rand(3, 3, 32, 32), ["conv1", "output"], batch=2)
    assert all(value.is_contiguous() for value in found.values())
    for shape in ((5, 4, 6), (0, 4, 6), (5, 0, 0), (5, 4), (5,)):
        parts = [torch.rand(count, *shape) for count in (2, 0, 1)]
        if len(shape) == 3:
            parts = [part.contiguous(memory_format=torch.channels_last) for part in parts]
        assert map_by_map(parts).equal(torch.cat(parts))


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_the_batch_bounds_the_memory_and_leaves_the_values_alone(
    alexnet, monkeypatch, threads, batch
):
    images = torch.rand(7, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    whole = fv.activations(alexnet, images, "conv5")
    seen = []

    def watched(view, inputs, refs):
        seen.append(len(inputs))
        return run_to(view, inputs, refs)

    monkeypatch.setattr("featviz.network.values.run_to", watched)
    # Threads share a batch's work by its size, and add in another order.
    torch.testing.assert_close(fv.activations(alexnet, images, "conv5", batch=batch), whole)
    assert max(seen) == max(2, batch)  # what is alone goes with its double
    threads(1)
    whole = fv.activations(alexnet, images, "conv5")
    assert fv.activations(alexnet, images, "conv5", batch=batch).equal(whole)
    with pytest.raises(ValueError, match="batch is a whole number of images, at least 1, not 0"):
        fv.activations(alexnet, images, "conv5", batch=0)


def test_a_network_moves_as_a_copy(module):
    small = fv.Network(module, (0.1,) * 3, (0.2,) * 3, LAYERS, name="small", classes=CLASSES)
    before, weights = state(module), small.fingerprint
    moved = small.to("meta")
    assert {p.device.type for p in moved.module.parameters()} == {"meta"}
    assert (moved.name, moved.layers, moved.classes) == ("small", small.layers, CLASSES)
    assert state(module) == before
    same = small.to("cpu")
    assert same.fingerprint == small.fingerprint == weights
    assert same.module is not module


def test_values_are_those_of_evaluation_mode(module):
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    network = fv.Network(module)
    evaluated = fv.Network(copy.deepcopy(module).eval())
    found = fv.activations(network, images, ["output"])["output"]
    assert found.equal(fv.activations(evaluated, images, ["output"])["output"])


def test_the_module_comes_back_untouched(module):
    module.features[0].weight.requires_grad_(False)
    module.features[6].eval()
    module.features[2].register_forward_hook(lambda m, i, value: None)
    before = state(module)
    network = fv.Network(module, layers=LAYERS)
    images = torch.rand(2, 3, 32, 32)
    fv.activations(network, images, ["conv2", "conv3:relu", "output"])
    with pytest.raises(ValueError, match="too small"):
        fv.activations(network, images[..., :1, :1], ["conv3"])
    network.receptive_field("conv3")
    network.fingerprint  # noqa: B018
    fv.maximize(network, fv.Channel("conv3", 1), size=24, steps=2, precision="bfloat16")
    assert state(module) == before


class Boom(Exception):
    pass


@pytest.mark.parametrize("error", [Boom, KeyboardInterrupt])
def test_the_module_comes_back_untouched_after_a_callback_raised(module, error):
    def callback(step, values):
        if step == 1:
            raise error

    before = state(module)
    network = fv.Network(module, layers=LAYERS)
    objectives = [fv.Channel("conv3", 1), fv.Neuron("conv3", 2)]
    arguments = {"size": 24, "steps": 4, "callback": callback, "progress": False}
    if error is KeyboardInterrupt:
        assert fv.maximize(network, objectives, **arguments).interrupted
    else:
        with pytest.raises(Boom):
            fv.maximize(network, objectives, **arguments)
    assert state(module) == before


class Unnamed(nn.Module):
    """An activation that is no module, behind batch norm."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, images):
        return torch.relu(self.norm(self.conv(images)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_values_behind_functions_follow_the_weights(dtype):
    module = Unnamed().eval().to(dtype)
    network, images = fv.Network(module), torch.rand(2, 3, 16, 16)
    before = fv.activations(network, images, "conv:relu")
    if dtype == torch.float32:
        state = {key: value * 3 for key, value in Unnamed().state_dict().items()}
        module.load_state_dict(state, assign=True)
    else:
        with torch.no_grad():
            module.conv.weight.mul_(3)
    found = fv.activations(network, images, "conv:relu")
    assert not found.allclose(before)
    assert found.equal(fv.activations(network, images, "norm").relu())
    ref = network.resolve("conv:relu")
    assert not any(value.requires_grad for value in private_view(network, [ref]).parameters())


class Broken(nn.Module):
    def forward(self, images):
        raise Boom


def test_a_module_that_raises_in_its_pass_comes_back_untouched(module):
    module.features[7] = Broken()
    before = state(module)
    with pytest.raises(Boom):
        fv.activations(fv.Network(module), torch.rand(1, 3, 32, 32), ["features.0", "output"])
    assert state(module) == before


def test_nothing_runs_behind_the_deepest_layer_asked_for(module):
    module.classifier[0] = Broken()
    network = fv.Network(module, layers=LAYERS)
    found = fv.activations(network, torch.rand(1, 3, 32, 32), ["conv1", "conv3:relu"])
    assert found["conv3:relu"].shape == (1, 10, 8, 8)


def test_unknown_layers_and_units_say_what_there_is(alexnet):
    with pytest.raises(UnknownLayerError) as caught:
        fv.activations(alexnet, torch.rand(3, 64, 64), ["conv6"])
    message = str(caught.value)
    assert "alexnet has no layer 'conv6'; did you mean 'conv5'" in message
    assert "Its layers are conv1, conv2, conv3, conv4, conv5 (network.layers)" in message
    with pytest.raises(UnknownUnitError, match="conv5 of alexnet has units 0 to 255, not 256; net"):
        check_unit(alexnet, "conv5", 256)
    with pytest.raises(UnknownUnitError, match="not -1"):
        check_unit(alexnet, "conv5", -1)
    with pytest.raises(ValueError, match=r"layers are short names -> .*, not \['features\.0'\]"):
        fv.Network(SmallCNN(), layers=["features.0"])
    with pytest.raises(UnknownLayerError, match="alexnet has no layer ''"):
        alexnet.units("")
    with pytest.raises(UnknownLayerError, match=r"called by its name, 'conv1' say .*, not 3"):
        fv.activations(alexnet, torch.rand(3, 64, 64), [3])
    with pytest.raises(UnknownLayerError, match=r"'a' stands for module 'b', which SmallCNN lacks"):
        fv.Network(SmallCNN(), layers={"a": "b"})


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(8, 8), r"\(N, 3, H, W\) or \(3, H, W\), not \(8, 8\)"),
        (torch.rand(1, 4, 8, 8), r"not \(1, 4, 8, 8\)"),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), r"not torch\.uint8; divide bytes by 255"),
        (torch.full((3, 8, 8), 255.0), r"values in \[0, 1\], not from 255 to 255"),
        (torch.full((3, 8, 8), torch.nan), r"values in \[0, 1\], not from nan to nan"),
        (torch.rand(3, 5, 7), "an image of 7 x 5 px is too small to reach conv1"),
        (torch.rand(3, 20, 20), "an image of 20 x 20 px is too small to reach conv5"),
    ],
)
def test_bad_images_say_what_is_wrong(alexnet, images, message):
    with pytest.raises(ValueError, match=message):
        fv.activations(alexnet, images, ["conv1" if "conv5" not in message else "conv5"])


def test_gray_arrays_may_have_their_channel_last(alexnet):
    gray = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    expected = fv.activations(alexnet, gray, "conv1")
    last = gray.permute(0, 2, 3, 1).numpy()
    assert fv.activations(alexnet, last, "conv1").equal(expected)
    assert fv.activations(alexnet, last[0], "conv1").allclose(expected[:1], atol=1e-4)


@pytest.mark.parametrize("size", [(5, 1), (5, 3), (1, 5)])
def test_a_small_picture_is_in_color(size):
    picture = Image.new("RGB", size, (255, 0, 0))
    images = check_images(picture)
    assert images.shape == (1, 3, size[1], size[0])
    assert images[0, :, 0, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize("layer", ["conv1#0", "conv1#²", "conv1#x", "output#1"])
def test_what_names_no_call_is_no_layer(small, layer):
    with pytest.raises(UnknownLayerError, match=f"has no layer '{layer}'"):
        small.resolve(layer)


@pytest.mark.parametrize("size", [(32, 32), 0, 32.0])
def test_a_size_is_one_number_of_pixels(size):
    with pytest.raises(ValueError, match=r"size is the side of square images in pixels, .* not "):
        fv.Network(SmallCNN(), size=size)
    assert fv.Network(SmallCNN(), size=np.int64(32)).size == 32


def test_a_layer_that_never_runs_says_so():
    module = SmallCNN()
    module.spare = nn.Conv2d(3, 2, 1)
    with pytest.raises(ValueError, match="the network has spare but never runs it"):
        fv.activations(fv.Network(module), torch.rand(3, 32, 32), ["spare"])


def test_every_convolution_is_a_layer_by_default():
    assert fv.Network(SmallCNN()).layers == tuple(LAYERS.values())


def test_means_are_numbers_whatever_holds_them():
    one, other, same = (
        fv.Network(SmallCNN(), mean=mean, layers=LAYERS)
        for mean in (torch.tensor([0.48501] * 3), torch.tensor([0.48504] * 3), np.float32(0.48501))
    )
    assert one.fingerprint == same.fingerprint != other.fingerprint
    held = torch.full((3,), 0.5, dtype=torch.bfloat16, requires_grad=True)
    for mean in (held, {"a": 0.5, "b": 0.5, "c": 0.5}.values(), np.float64(0.5), torch.tensor(0.5)):
        assert fv.Network(SmallCNN(), mean=mean, layers=LAYERS).mean == (0.5, 0.5, 0.5)


def test_the_fingerprint_is_that_of_weights_and_normalization(small):
    again = fv.Network(SmallCNN(), layers=LAYERS, name="other")
    assert small.fingerprint == again.fingerprint
    assert len(small.fingerprint) == 64
    assert small.fingerprint != fv.Network(SmallCNN(), mean=(0, 0, 0), layers=LAYERS).fingerprint
    changed = SmallCNN()
    with torch.no_grad():
        changed.features[0].weight[0, 0, 0, 0] += 1e-6
    assert small.fingerprint != fv.Network(changed, layers=LAYERS).fingerprint


def bent(x, by):
    return getattr(torch, by)(x)


class Leaf(nn.Module):
    def forward(self, x):
        return x.relu()


class OtherLeaf(nn.Module):
    __qualname__ = "Leaf"

    def forward(self, x):
        return x.sin()


OtherLeaf.__name__ = "Leaf"


class Written(nn.Module):
    """One convolution; what follows it is code."""

    def __init__(self, by, leaf):
        super().__init__()
        self.conv, self.leaf, self.by = nn.Conv2d(3, 2, 3), leaf, lambda x: bent(x, by)
        nn.init.ones_(self.conv.weight)
        nn.init.zeros_(self.conv.bias)

    def forward(self, x):
        return self.leaf(self.by(self.conv(x)))


def test_the_fingerprint_covers_the_code_of_the_pass():
    first = fv.Network(Written("relu", Leaf())).fingerprint
    assert fv.Network(Written("relu", Leaf())).fingerprint == first
    assert fv.Network(Written("sin", Leaf())).fingerprint != first
    assert repr(Written("relu", OtherLeaf())) == repr(Written("relu", Leaf()))
    assert fv.Network(Written("relu", OtherLeaf())).fingerprint != first


def test_the_fingerprint_of_code_is_the_same_in_every_process():
    program = (
        "import featviz as fv; from tests.network.test_network import Leaf, Written\n"
        "print(fv.Network(Written('relu', Leaf())).fingerprint)"
    )
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    told = subprocess.check_output([sys.executable, "-c", program], env=environment, text=True)
    assert told.strip() == fv.Network(Written("relu", Leaf())).fingerprint


def test_weights_are_hashed_once_and_again_when_they_change(monkeypatch):
    hashed = []
    real = fingerprint_module._digest
    monkeypatch.setattr(
        fingerprint_module, "_digest", lambda state: hashed.append(1) or real(state)
    )
    network = fv.Network(SmallCNN(), layers=LAYERS)
    first = network.fingerprint
    assert network.fingerprint == first
    assert len(hashed) == 1
    weight = network.module.features[0].weight
    kept = weight.detach().clone()
    with torch.no_grad():
        weight.mul_(2)
    assert network.fingerprint != first
    network.module.features[0].weight = nn.Parameter(kept)
    assert network.fingerprint == first
    network.module.load_state_dict(fv.Network(SmallCNN()).module.state_dict(), assign=True)
    weight.data = torch.zeros_like(weight)  # of the module no longer
    assert network.fingerprint == first
    network.module.features[0].weight.data = kept * 3
    assert network.fingerprint != first
    assert pickle.loads(pickle.dumps(network)).fingerprint == network.fingerprint


def test_weights_made_in_inference_mode_have_a_fingerprint():
    with torch.inference_mode():
        network = fv.Network(SmallCNN(), layers=LAYERS)
        first = network.fingerprint
        network.module.features[0].weight.mul_(2)
    assert network.fingerprint != first


def test_only_the_first_convolution_reads_the_image(alexnet):
    assert reads_image(alexnet, "conv1")
    assert reads_image(alexnet, "features.0")
    assert not reads_image(alexnet, "conv2")
    assert not reads_image(alexnet, "features.1")


class Undecided(SmallCNN):
    """Code that torch.fx can't follow."""

    def forward(self, images):
        return super().forward(images if images.sum() < 1e9 else -images)


def test_where_the_code_cannot_be_followed_a_pass_tells_what_reads_the_image():
    network = fv.Network(Undecided(), layers=LAYERS, size=32)
    before = torch.get_rng_state()
    assert reads_image(network, "conv1")
    assert not reads_image(network, "conv2")
    assert torch.get_rng_state().equal(before)
