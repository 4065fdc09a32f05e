"""Receptive fields are what gradients say they are; values behind activations the network's own."""

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from torch import nn

import featviz as fv
from featviz.attribution.attribute import attribute
from featviz.measures.activity import measure_activity
from featviz.network.graph import Graph
from featviz.network.padding import unpadded_places
from featviz.network.receptive_fields import ReceptiveField, known_fields
from tests.networks import Branched, seen

ALEXNET = {
    "conv1": ReceptiveField(11, 4, 3),
    "conv2": ReceptiveField(51, 8, 7),
    "conv3": ReceptiveField(99, 16, 15),
    "conv4": ReceptiveField(131, 16, 15),
    "conv5": ReceptiveField(163, 16, 15),
}
ALEXNET_MODULES = [f"features.{index}" for index in (0, 3, 6, 8, 10)]
LARGE = 240
"""Pixels in which the widest of these fields, conv5's 163, fits with room on both sides."""


@pytest.mark.parametrize("layer", ALEXNET)
def test_alexnets_fields_are_the_known_ones(alexnet, layer):
    assert alexnet.receptive_field(layer) == ALEXNET[layer]


@pytest.mark.parametrize("layer", ALEXNET)
def test_alexnets_fields_are_those_of_gradients(alexnet, layer):
    field = alexnet.receptive_field(layer)
    for position in (0, 1, round((LARGE / 2 - field.start) / field.stride)):
        first, end = field.span(position)
        expected = (max(0, first), min(LARGE, end))
        _, rows, columns = seen(alexnet, layer, LARGE, (position, position))
        assert rows == columns == expected


@pytest.mark.parametrize("layer", ALEXNET)
def test_on_alexnets_canvas_the_center_sees_no_padding(alexnet, layer):
    field = alexnet.receptive_field(layer)
    size = field.canvas()
    (row, column), rows, columns = seen(alexnet, layer, size)
    assert row == column
    assert rows == columns == field.span(row)
    assert rows[1] - rows[0] == field.size  # nothing cut off
    _, rows, _ = seen(alexnet, layer, size - 1)
    assert rows[1] - rows[0] < field.size  # and no smaller one would do


@pytest.mark.parametrize("layer", ["features.4.squeeze", "features.7.expand3x3", "classifier.1"])
def test_squeezenets_canvas_holds_the_field_of_the_center(squeezenet, layer):
    field = squeezenet.receptive_field(layer)
    (row, _), rows, columns = seen(squeezenet, layer, field.canvas())
    assert rows == columns == field.span(row)
    assert rows[1] - rows[0] == field.size


def test_relus_and_poolings_have_fields_too(alexnet):
    assert alexnet.receptive_field("features.1") == ALEXNET["conv1"]
    assert alexnet.receptive_field("conv1:relu") == ALEXNET["conv1"]
    assert alexnet.receptive_field("features.2") == ReceptiveField(19, 8, 7)


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        ("fire.expand1x1", 3),
        ("after_fire", 7),  # the 3 x 3 branch, at stride 2
        ("residual.branch.3", 7 + 2 * 2 * 2),
        ("after_residual", 7 + 2 * 2 * 3),  # the wider branch
    ],
)
def test_branches_give_the_union_of_their_fields(layer, size):
    network = fv.Network(Branched().eval())
    field = network.receptive_field(layer)
    assert field.size == size
    (row, _), rows, _ = seen(network, layer, 64)
    assert rows == field.span(row)


@pytest.mark.parametrize("padding", [0, 4, "same", "valid"])
@pytest.mark.parametrize(("kernel", "dilation"), [(3, 1), (5, 2), (4, 1), (2, 3)])
def test_dilation_and_named_padding(kernel, dilation, padding):
    if padding == "same" and dilation * (kernel - 1) % 2:
        padding = dilation * (kernel - 1) // 2
    conv = nn.Conv2d(3, 2, kernel, dilation=dilation, padding=padding)
    network = fv.Network(nn.Sequential(conv, nn.ReLU(inplace=True)))
    field = network.receptive_field("0")
    assert field.size == dilation * (kernel - 1) + 1
    (row, _), rows, _ = seen(network, "0", 41)
    assert rows == field.span(row)


@st.composite
def chains(draw):
    """Convolutions and poolings one after the other."""
    modules, channels = [], 3
    for _ in range(draw(st.integers(1, 4))):
        kernel, stride = draw(st.integers(1, 5)), draw(st.integers(1, 3))
        padding = draw(st.integers(0, kernel // 2))
        if draw(st.booleans()):
            ceil = draw(st.booleans())
            modules.append(nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil))
        else:
            modules += [nn.Conv2d(channels, 2, kernel, stride, padding), nn.ReLU(inplace=True)]
            channels = 2
    return nn.Sequential(*modules)


@with_settings(max_examples=60)
@given(chains())
def test_any_chains_center_sees_its_whole_field_on_its_canvas(chain):
    network = fv.Network(chain)
    layer = str(len(chain) - 1)
    field = network.receptive_field(layer)
    (row, _), rows, _ = seen(network, layer, field.canvas())
    assert rows == field.span(row)


@pytest.mark.parametrize("layer", ["classifier.0", "classifier.3", "output"])
def test_a_layer_that_sees_the_whole_image_has_no_field(small, layer):
    message = f"{layer} of small has no receptive field in pixels: its units see the whole image."
    with pytest.raises(ValueError, match=message):
        small.receptive_field(layer)


class Undecided(nn.Module):
    """Code that torch.fx can't follow."""

    def __init__(self, channels=3):
        super().__init__()
        self.conv = nn.Conv2d(channels, 2, 3)
        self.second = nn.Conv2d(2, 2, 5, stride=2)

    def forward(self, images):
        return self.second(self.conv(images if images.sum() > 0 else -images).relu())


class Rolled(nn.Module):
    """Code that torch.fx can follow, with a step whose geometry isn't known."""

    def __init__(self, channels):
        super().__init__()
        self.conv, self.second = nn.Conv2d(channels, 2, 3), nn.Conv2d(2, 2, 5, stride=2)

    def forward(self, images):
        return self.second(self.conv(images).roll(1, 2))


@pytest.mark.parametrize(("channels", "mean"), [(3, (0.5, 0.5, 0.5)), (1, (0.5,))])
def test_fields_that_geometry_does_not_tell_are_measured_with_and_without_color(channels, mean):
    field = fv.Network(Rolled(channels), mean, (1,)).receptive_field("second")
    assert (field.size, field.stride) == (8, 2)  # the square around 7 columns and 7 rows, moved


@pytest.mark.parametrize(("channels", "mean"), [(3, (0.5, 0.5, 0.5)), (1, (0.5,))])
def test_an_untraceable_modules_fields_are_measured(channels, mean):
    network = fv.Network(Undecided(channels), mean, (1,))
    assert network.receptive_field("conv") == ReceptiveField(3, 1, 1)
    assert network.receptive_field("second") == ReceptiveField(7, 2, 3)


def test_windows_that_differ_between_the_axes_give_the_square_around_both():
    module = nn.Sequential(
        nn.Conv2d(3, 2, (3, 5)), nn.ReLU(), nn.Conv2d(2, 2, (7, 1), padding=(3, 0))
    )
    network = fv.Network(module)
    assert network.receptive_field("0") == ReceptiveField(5, 1, 2)
    assert network.receptive_field("2") == ReceptiveField(9, 1, 1)


def test_strides_that_differ_between_the_axes_have_no_field():
    network = fv.Network(nn.Sequential(nn.Conv2d(3, 2, 3, stride=(2, 1))))
    with pytest.raises(ValueError, match="its fields differ from place to place in size or dist"):
        network.receptive_field("0")


class Odd(nn.Conv2d):
    """A convolution with a pass of its own: it sees further than its kernel says."""

    def forward(self, images):
        return F.conv2d(images, self.weight, self.bias, dilation=3)


class Scrambled(nn.Module):
    """Functional pooling and activation, channels moved about, and a parameter in between."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, images):
        x = F.max_pool2d(F.relu(self.first(images)), kernel_size=2, stride=2)
        return self.second((x.permute(0, 2, 3, 1) * self.scale).permute(0, 3, 1, 2))


class Gated(Scrambled):
    """Squeeze and excitation: a gate that looks at the whole map."""

    def forward(self, images):
        x = self.first(images)
        return self.second(x * x.mean((2, 3), keepdim=True).sigmoid())


@pytest.mark.parametrize(
    ("module", "layer", "field"),
    [
        (nn.Sequential(Odd(3, 2, 3), nn.Conv2d(2, 2, 3)), "1", ReceptiveField(9, 1, 4)),
        (nn.Sequential(nn.Sequential(nn.Conv2d(3, 2, 3), nn.Tanh())), "0", ReceptiveField(3, 1, 1)),
        (Scrambled(), "second", ReceptiveField(8, 2, 3.5)),
        (Scrambled(), "first:relu", ReceptiveField(3, 1, 1)),
        (
            nn.Sequential(nn.Conv2d(3, 4, 3), nn.LocalResponseNorm(3), nn.Conv2d(4, 2, 3)),
            "2",
            ReceptiveField(5, 1, 2),
        ),
        (Gated(), "first", ReceptiveField(3, 1, 1)),
        (Gated(), "second", "its units see the whole image"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4)), "1", "see the whole image"),
        (nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.Upsample(scale_factor=2)), "1", "differ from pla"),
    ],
)
def test_where_geometry_ends_fields_are_measured(module, layer, field):
    network = fv.Network(module)
    if isinstance(field, ReceptiveField):
        assert network.receptive_field(layer) == field
    else:
        with pytest.raises(ValueError, match=field):
            network.receptive_field(layer)


ZOO = {
    "alexnet": (5, "features.10"),
    "vgg16": (13, "features.14"),
    "resnet50": (53, "layer2.1.conv2"),
    "densenet121": (120, "features.denseblock2.denselayer3.conv2"),
    "googlenet": (57, "inception4a.branch4.1.conv"),
    "inception_v3": (94, "Mixed_6b.branch7x7_3.conv"),
    "mobilenet_v3_small": (2, "features.1.block.0.0"),
    "efficientnet_b0": (2, "features.1.0.block.0.0"),
    "shufflenet_v2_x0_5": (56, "stage2.1.branch2.3"),
    "convnext_tiny": (22, "features.3.1.block.0"),
}
"""torchvision's networks: convolutions that have a field, and one to hold against gradients; the
others see the whole image, or are heads that run in training only."""


def from_torchvision(name):
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    torch.manual_seed(0)
    return fv.Network(getattr(torchvision.models, name)(weights=None, **options).eval(), name=name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_every_convolution_of_torchvisions_networks_has_a_field_or_sees_everything(name):
    network = from_torchvision(name)
    fields, reasons = {}, []
    for layer in network.layers:
        try:
            fields[layer] = network.receptive_field(layer)
        except ValueError as error:
            reasons.append(str(error))
    assert len(fields) == ZOO[name][0]
    assert all("see the whole image" in why or "never runs it" in why for why in reasons)
    layer = ZOO[name][1]
    size = fields[layer].canvas() + 2 * fields[layer].stride
    (row, column), rows, columns = seen(network, layer, size)
    spans = fields[layer].span(row), fields[layer].span(column)
    assert min(rows[0], columns[0]) == spans[0][0]
    assert max(rows[1], columns[1]) == spans[0][1]


# ---- the value after the activation -------------------------------------------------------------


def hooked(network, module, images):
    """What a module of the caller's network gives, call by call."""
    calls = []
    handle = network.module.get_submodule(module).register_forward_hook(
        lambda _module, _inputs, value: calls.append(value.detach().clone())
    )
    with torch.no_grad():
        network.module(network.normalize(images))
    handle.remove()
    return calls


@pytest.fixture(scope="module")
def resnet():
    """A small residual network whose batch norm does something."""
    torch.manual_seed(0)
    module = torchvision.models.resnet18(num_classes=5).eval()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 0.5)
            nn.init.normal_(part.bias)
            nn.init.normal_(part.running_mean, 0, 0.5)
    return fv.Network(module, classes=list("abcde"), name="resnet")


IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
# As passes lay images out: a convolution rounds by the layout.
IMAGES = IMAGES.contiguous(memory_format=torch.channels_last)


def test_the_value_after_the_activation_is_the_networks_own(resnet):
    names = ["conv1:relu", "layer1.0.conv1:relu", "layer1.0.conv1"]
    found = fv.activations(resnet, IMAGES, names)
    assert found["conv1:relu"].equal(hooked(resnet, "relu", IMAGES)[0])
    first, second = hooked(resnet, "layer1.0.relu", IMAGES)
    assert found["layer1.0.conv1:relu"].equal(first)
    assert found["layer1.0.conv1"].equal(hooked(resnet, "layer1.0.conv1", IMAGES)[0])
    runs = fv.activations(resnet, IMAGES, ["layer1.0.relu#1", "layer1.0.relu#2", "layer1.0"])
    assert runs["layer1.0.relu#1"].equal(first)
    assert runs["layer1.0.relu#2"].equal(second)
    assert runs["layer1.0"].equal(second)


def test_a_module_that_runs_twice_is_named_by_its_runs(resnet):
    with pytest.raises(ValueError, match=r"layer1\.0\.relu runs 2 times in a pass, .*relu#1, lay"):
        fv.activations(resnet, IMAGES, ["layer1.0.relu"])
    with pytest.raises(ValueError, match="runs 2 times"):
        fv.activations(resnet, IMAGES, ["layer1.0.relu#3"])
    wanted = fv.parse("layer1.0.relu#2:5")
    assert fv.parse(str(wanted)) == wanted == fv.Channel("layer1.0.relu#2", 5)


@pytest.mark.parametrize("layer", ["layer1.0.conv2:relu", "maxpool:relu", "output:relu"])
def test_a_layer_without_an_activation_says_so(resnet, layer):
    with pytest.raises(ValueError, match=f"{layer} has no value, because no activation follows"):
        fv.activations(resnet, IMAGES, [layer])


def test_an_untraceable_network_does_not_know_what_follows():
    network = fv.Network(Undecided())
    with pytest.raises(ValueError, match=r"conv:relu stands for isn't known, .* follow Undecided"):
        network.resolve("conv:relu")
    assert fv.activations(network, torch.rand(3, 8, 8), ["conv"])["conv"].shape == (1, 2, 6, 6)


class Activated(nn.Module):
    def __init__(self, activate, norm=None):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), norm or nn.Identity()
        self.last, self.activate = nn.Conv2d(4, 5, 3), activate

    def forward(self, images):
        bent = self.activate(self.norm(self.conv(images)))
        return self.last(bent).mean((2, 3))


ACTIVATIONS = {
    "nn.GELU": nn.GELU(),
    "nn.SiLU": nn.SiLU(inplace=True),
    "nn.Hardswish": nn.Hardswish(),
    "F.relu": F.relu,
    "F.gelu": F.gelu,
    "torch.relu_": torch.relu_,
    "torch.tanh": torch.tanh,
    "x.relu": lambda x: x.relu(),
    "F.leaky_relu": lambda x: F.leaky_relu(x, 0.2, inplace=True),
}
NORMS = {"none": None, "batch": nn.BatchNorm2d(4), "group": nn.GroupNorm(2, 4)}


@pytest.mark.parametrize("activate", ACTIVATIONS.values(), ids=ACTIVATIONS)
@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_any_activation_is_read_and_explained(activate, norm):
    torch.manual_seed(0)
    network = fv.Network(Activated(activate, norm).eval(), classes=list("abcde"))
    module, photo = network.module, IMAGES[0]
    with torch.no_grad():
        expected = activate(module.norm(module.conv(network.normalize(photo[None]))))
        logit = module.last(expected).mean((2, 3))[0, 3].item()
    found = fv.activations(network, photo, ["conv:relu"])["conv:relu"]
    torch.testing.assert_close(found, expected)
    leaf = expected.clone().requires_grad_()
    (slope,) = torch.autograd.grad(module.last(leaf).mean((2, 3))[0, 3], leaf)
    explained = attribute(network, photo, 3, "conv:relu", "gradient")
    assert explained.value == pytest.approx(logit, abs=1e-6)
    torch.testing.assert_close(explained.map, (slope * expected).sum(1)[0].detach())
    integrated = attribute(network, photo, 3, "conv:relu", "integrated")
    assert integrated.map.sum().item() == pytest.approx(integrated.change, rel=0.01, abs=1e-6)
    assert attribute(network, photo, 3, "conv:relu", "gradcam").map.shape == found.shape[2:]


def test_behind_batch_norm_attribution_explains_the_network_itself(resnet):
    photo, layer = IMAGES[0], "layer1.0.conv1:relu"
    with torch.no_grad():
        logits = resnet.module(resnet.normalize(torch.stack([photo, torch.zeros(3, 64, 64)])))
    found = attribute(resnet, photo, 2, layer, "integrated")
    assert found.value == pytest.approx(logits[0, 2].item(), abs=1e-5)
    inner = attribute(resnet, photo, fv.Channel("layer1.0.relu#2", 3), layer)
    assert inner.map.shape == (16, 16)


def test_activity_counts_what_passes_the_networks_own_relu(resnet):
    found = measure_activity(resnet, ["layer1.0.conv1"], [IMAGES[0]])["layer1.0.conv1"]
    value = hooked(resnet, "layer1.0.relu", IMAGES[:1])[0][0]
    rows = unpadded_places(resnet, "layer1.0.conv1", 64)
    inside = value[:, rows.start : rows.stop, rows.start : rows.stop].flatten(1)
    torch.testing.assert_close(found.share, (inside > 0).float().mean(1))
    torch.testing.assert_close(found.mean, inside.mean(1))


def test_ascent_starts_from_dead_relus_behind_batch_norm(resnet):
    """Without the redirected gradient nothing would move."""
    dead = copy.deepcopy(resnet.module)
    nn.init.constant_(dead.layer1[0].bn1.bias, -100)
    network = fv.Network(dead)
    found = fv.maximize(
        network, fv.Channel("layer1.0.conv1:relu", 1), size=32, steps=2, progress=False
    )
    assert (found.gradients > 0).all()


# ---- who reads whom -----------------------------------------------------------------------------


def test_layers_before_are_those_whose_values_arrive(resnet, alexnet):
    before = resnet.graph.before({"layer2.0.downsample.0"})
    assert {"conv1", "layer1.1.conv2", "layer2.0.downsample.0"} <= before
    assert not before & {"layer2.0.conv1", "layer2.0.conv2", "layer3.0.conv1"}
    assert "features.10" in alexnet.graph.before({""})


class Remembers(nn.Module):
    """Changes itself in its pass."""

    def __init__(self):
        super().__init__()
        self.conv, self.kept, self.calls = nn.Conv2d(3, 4, 3), None, 0

    def forward(self, images):
        self.calls += 1
        self.kept = self.conv(images)
        return F.relu(self.kept)


def test_tracing_leaves_the_callers_module_alone_and_happens_once(monkeypatch):
    module, traced = Remembers(), []
    real = Graph.__init__
    monkeypatch.setattr(Graph, "__init__", lambda self, *of: traced.append(1) or real(self, *of))
    network = fv.Network(module)
    network.receptive_field("conv")
    fv.activations(network, IMAGES, ["conv:relu"])
    assert (module.kept, module.calls) == (None, 0)
    assert traced == [1]
    again = pickle.loads(pickle.dumps(network))
    assert again.receptive_field("conv") == network.receptive_field("conv")


def test_where_the_geometry_is_known_nothing_is_measured(alexnet):
    class Pooled(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.last = nn.Conv2d(3, 4, 3, padding="same"), nn.Conv2d(4, 2, 1)

        def forward(self, images):
            x = F.max_pool2d(self.conv(images), 3, stride=2)
            return self.last(F.adaptive_avg_pool2d(x, [1, 1]))

    branched = fv.Network(Branched().eval())
    assert {k: v for k, v in known_fields(alexnet.graph).items() if k in ALEXNET_MODULES} == (
        dict(zip(ALEXNET_MODULES, ALEXNET.values(), strict=True))
    )
    assert known_fields(branched.graph)["after_residual"].size == 7 + 2 * 2 * 3
    pooled = known_fields(fv.Network(Pooled().eval()).graph)
    assert pooled["conv"] == ReceptiveField(3, 1, 0)
    assert pooled["last"] == "its units see the whole image"


def test_a_center_between_two_pixels_ends_in_a_half():
    field = fv.Network(nn.Sequential(nn.Conv2d(3, 2, 4, stride=2))).receptive_field("0")
    assert field == ReceptiveField(4, 2, 1.5)
    assert field.span(0) == (0, 4)
    assert field.span(3) == (6, 10)
