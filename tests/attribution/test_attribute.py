"""Attribution against torch-cam's and captum's own answers, and against what must be true."""

import io
from typing import ClassVar

import captum.attr
import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import nn
from torchcam import methods

import featviz as fv
from featviz import photos
from featviz.attribution.attribute import METHODS, Attribution, attribute, one_scale
from featviz.attribution.cams import CAMS
from featviz.attribution.checks import random_map, side_by_side
from featviz.attribution.gradients import occlusion
from featviz.attribution.probe import Probe
from featviz.network.graph import Graph
from featviz.objectives.resemblance import Resemblance
from featviz.objectives.units import Direction, Logit

CLASSES = ("ant", "bee", "cat", "dog")
LAYERS = {"first": "0", "second": "2"}


def classifier(*, inplace: bool = False) -> fv.Network:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2, padding=2),
        nn.ReLU(inplace=inplace),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.ReLU(inplace=inplace),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(12 * 16, 4),
    )
    return fv.Network(module.eval(), layers=LAYERS, name="small", classes=CLASSES)


@pytest.fixture(scope="module")
def photo() -> torch.Tensor:
    return torch.rand(3, 32, 40, generator=torch.Generator().manual_seed(1))


def leaf(net: fv.Network, photo: torch.Tensor) -> torch.Tensor:
    return net.normalize(photo[None]).requires_grad_()


@pytest.mark.parametrize(
    "method", [name for name in CAMS if name not in ("sscam", "smoothgradcam++")]
)
@pytest.mark.parametrize("layer", ["first", "second"])
def test_cams_equal_torchcams_own(photo, method, layer):
    net = classifier()
    with CAMS[method](net.module, LAYERS[layer]) as extractor:
        scores = net.module(leaf(net, photo))
        (own,) = extractor(2, scores, normalized=False)
    found = attribute(net, photo, "cat", layer, method)
    assert torch.allclose(found.map, own[0], atol=1e-5)
    assert found.value == pytest.approx(scores[0, 2].item(), abs=1e-6)


@pytest.mark.parametrize("layer", ["first", "second"])
def test_gradcam_equals_captums(photo, layer):
    net = classifier()
    module = net.module.get_submodule(LAYERS[layer])
    own = captum.attr.LayerGradCam(net.module, module).attribute(
        leaf(net, photo), target=1, relu_attributions=True
    )
    assert torch.allclose(attribute(net, photo, 1, layer).map, own[0, 0].detach(), atol=1e-5)


def test_in_place_relus_change_nothing(photo):
    plain, inplace = classifier(), classifier(inplace=True)
    for method in METHODS:
        wanted = None if method == "activation" else "bee"
        expected = attribute(plain, photo, wanted, "second", method).map
        assert torch.equal(attribute(inplace, photo, wanted, "second", method).map, expected)


def test_where_torchcam_reads_the_relu_we_read_the_convolution():
    alexnet = torchvision.models.alexnet(weights=None).eval()
    alexnet.load_state_dict(fv.load("alexnet").module.state_dict(), strict=False)
    net = fv.Network(
        alexnet, layers={"conv5": "features.10"}, classes=[str(i) for i in range(1000)]
    )
    image = photos.load("chelsea", 224).image
    with methods.GradCAM(alexnet, "features.10") as extractor:
        (theirs,) = extractor(7, alexnet(leaf(net, image)), normalized=False)
    before, after = (attribute(net, image, 7, f"conv5{which}").map for which in ("", ":relu"))
    assert torch.allclose(theirs[0], after, atol=1e-6)
    assert not torch.allclose(theirs[0], before, atol=1e-3 * before.abs().max().item())


@pytest.mark.parametrize("layer", ["image", "first", "second:relu"])
def test_integrated_gradients_are_complete_and_equal_captums(photo, layer):
    net = classifier()
    found = attribute(net, photo, "dog", layer, "integrated")
    assert found.change is not None
    assert found.map.sum().item() == pytest.approx(found.change, rel=0.01)
    if layer == "image":
        own = captum.attr.IntegratedGradients(net.module).attribute(
            leaf(net, photo), target=3, n_steps=512
        )
        assert torch.allclose(found.map, own.sum(1)[0].detach().float(), atol=2e-3)


def test_integrated_gradients_are_complete_on_a_real_network(squeezenet):
    found = attribute(squeezenet, photos.load("chelsea", 224).image, "tabby", "image", "integrated")
    assert found.map.shape == (224, 224)
    assert found.map.sum().item() == pytest.approx(found.change, rel=0.01)


class Jump(nn.Module):
    """Adds 1 where it is given more than a half; no gradient tells of it."""

    def forward(self, value):
        return value + (value > 0.5).to(value)


def test_integrated_gradients_that_do_not_sum_say_by_how_much():
    convolution = nn.Conv2d(3, 1, 1, bias=False)
    nn.init.constant_(convolution.weight, 1 / 3)
    net = fv.Network(nn.Sequential(convolution, Jump()), (0.25,) * 3, (1,) * 3)
    photo = torch.ones(3, 8, 8)
    # From the mean color to white the value goes from 0 to 0.75, and jumps by 1.
    said = r"in 0 sum to 0\.75, not to the objective's change, 1\.75: after .* a gap of 1\."
    with pytest.warns(UserWarning, match=said) as warned:
        found = attribute(net, photo, fv.Channel("1", 0), "0", "integrated")
    assert warned[0].filename == __file__
    assert (found.map.sum().item(), found.change) == pytest.approx((0.75, 1.75))


@pytest.mark.parametrize(("patch", "stride"), [(8, 8), (8, 4), (7, 3)])
def test_occlusion_equals_captums(photo, patch, stride):
    net = classifier()
    own = captum.attr.Occlusion(net.module).attribute(
        net.normalize(photo[None]), (3, patch, patch), (3, stride, stride), baselines=0, target=0
    )
    probe = Probe(net, photo, Logit(0), "image")
    assert torch.allclose(occlusion(probe, patch, stride), own[0, 0].float(), atol=1e-5)


def test_squares_are_of_32_px_or_of_one_place_unless_told():
    net = classifier()
    large = torch.rand(3, 48, 64, generator=torch.Generator().manual_seed(2))
    image, layer = (Probe(net, large, Logit(0), name) for name in ("image", "second"))
    assert occlusion(image).equal(occlusion(image, 32, 16))
    assert occlusion(image, 9).equal(occlusion(image, 9, 4))
    assert occlusion(layer).equal(occlusion(layer, 1, 1))


@pytest.mark.parametrize(("size", "patch"), [(32, 32), (31, 7), (28, 7), (3, 1)])
def test_squares_on_small_photos_are_a_quarter_of_the_side(size, patch):
    small = torch.rand(3, size, 40, generator=torch.Generator().manual_seed(2))
    image = Probe(classifier(), small, Logit(0), "image")
    assert occlusion(image).equal(occlusion(image, patch))


@pytest.mark.parametrize(("patch", "stride"), [(4, 5), (33, 8), (4, -1), (-3, 1)])
def test_squares_that_skip_places_or_do_not_fit_are_refused(photo, patch, stride):
    probe = Probe(classifier(), photo, Logit(0), "image")
    message = (
        rf"image, 32 x 40, takes 1 <= stride <= patch <= 32, not stride {stride} and .* {patch}"
    )
    with pytest.raises(ValueError, match=message):
        occlusion(probe, patch, stride)
    assert occlusion(probe, 32, 32).isfinite().sum() == 32 * 40


def test_gradient_times_value_of_a_linear_objective_is_its_value(photo):
    net = classifier()
    found = attribute(net, photo, fv.Channel("second", 3), "second", "gradient")
    assert found.map.sum().item() == pytest.approx(found.value, abs=1e-6)


def test_activation_maps_are_the_layers_values(photo):
    net = classifier()
    value = fv.activations(net, photo, ["second"])["second"][0]
    assert torch.equal(attribute(net, photo, None, "second", "activation").map, value.norm(dim=0))
    channel = attribute(net, photo, fv.Channel("second", 5), "second", "activation")
    assert torch.equal(channel.map, value[5])
    vector = tuple(float(i) for i in range(12))
    along = attribute(net, photo, Direction("second", vector), "second", "activation")
    assert torch.allclose(along.map, torch.einsum("uhw,u->hw", value, torch.tensor(vector)))


def test_any_objective_can_be_explained(photo):
    net = classifier()
    wanted = 0.5 * fv.Channel("second", 1) - fv.Channel("second:relu", 2)
    for method in ("gradcam", "layercam", "integrated"):
        assert attribute(net, photo, wanted, "first", method).map.abs().sum() > 0


def test_noise_has_a_seed(photo):
    net = classifier()
    before = torch.get_rng_state()
    one, same, other = (
        attribute(net, photo, "cat", "second", "smoothgradcam++", seed=seed).map
        for seed in (3, 3, 4)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_network_comes_back_as_it_was(photo):
    net = classifier(inplace=True)
    net.module.train()
    before = net.fingerprint
    for method in ("gradcam", "scorecam", "integrated"):
        attribute(net, photo, "cat", "second", method)
    assert net.module.training
    assert all(p.requires_grad and p.grad is None for p in net.module.parameters())
    assert all(m.inplace for m in net.module.modules() if isinstance(m, nn.ReLU))
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.module.modules())
    assert net.fingerprint == before


def test_one_scale_compares_layers_and_keeps_zeros_and_signs():
    def made(layer: str, values: list[float]) -> Attribution:
        return Attribution(torch.tensor([values]), layer, "gradient", None, None)

    loud, quiet, other = one_scale([
        made("a", [0.0, 30.0]), made("a", [0.0, 10.0]), made("b", [-0.1, 0.3])
    ])  # fmt: skip
    assert loud.map.tolist() == [[0, 3]]
    assert quiet.map.tolist() == [[0, 1]]
    assert np.allclose(other.map, [[-0.5, 1.5]])


def test_one_scale_takes_what_a_map_sums_to_along(photo):
    made = attribute(classifier(), photo, "cat", "second", "integrated")
    (scaled,) = one_scale(one for one in [made])
    assert scaled.change / made.change == pytest.approx((scaled.map.sum() / made.map.sum()).item())


def test_objectives_that_compare_images_are_refused(photo):
    objective = fv.Channel("second", 0) + 0.5 * fv.Diversity("second")
    for method in ("gradient", "occlusion"):
        with pytest.raises(ValueError, match="one photo is alone: leave the diversity out"):
            attribute(classifier(), photo, objective, "second", method)


def test_one_objective_is_explained_at_a_time(photo):
    for wanted in ([], ["second:0", "second:1"]):
        with pytest.raises(
            ValueError, match=f"one objective is explained at a time, not {len(wanted)}"
        ):
            attribute(classifier(), photo, wanted, "second")


def test_evidence_for_the_cat_lies_on_the_cat(squeezenet):
    # The animal of `chelsea` at 300 x 451 px: head and body, as shares of height and width.
    top, left, bottom, right = 0.0, 0.15, 1.0, 0.95
    image = photos.load("chelsea").image
    row, column = attribute(squeezenet, image, "tabby", "features.12").center()
    assert top < row < bottom
    assert left < column < right


def test_evidence_finds_the_cat_beside_a_cup_and_a_random_map_does_not(squeezenet):
    cat, cup = (photos.load(name, 224).image for name in ("chelsea", "coffee"))
    for left, right, low, high in ((cat, cup, 0.0, 0.45), (cup, cat, 0.55, 1.0)):
        found = attribute(squeezenet, side_by_side(left, right), "Egyptian cat", "features.12")
        assert low < found.center()[1] < high
        noise = Attribution(random_map(found.map.shape, 0), "features.12", "random", None, None)
        assert not low < noise.center()[1] < high


def test_no_evidence_has_its_center_in_the_middle():
    empty = Attribution(torch.zeros(4, 6), "a", "gradcam", None, None)
    assert empty.center() == (0.5, 0.5)


def test_a_map_is_resized_to_its_photo_or_as_told(photo):
    found = attribute(classifier(), photo, "cat", "second")
    assert found.photo.equal(photo)
    assert found.resize().shape == photo.shape[1:]
    assert found.resize((5, 7)).shape == (5, 7)
    assert found.resize(9).shape == (9, 9)
    ramp = Attribution(torch.tensor([[0.0, 4.0]]), "a", "gradient", None, None)
    assert ramp.resize((1, 4)).tolist() == [[0, 1, 3, 4]]
    with pytest.raises(ValueError, match="this map of a comes without a photo"):
        ramp.resize()
    assert found.resize([5, 7]).equal(found.resize((5, 7)))
    for size in (0, (5,), (5, 7.5)):
        with pytest.raises(ValueError, match="a map's size is a whole number of pixels"):
            found.resize(size)


def test_a_map_lies_over_its_photo(photo):
    bright = torch.zeros(4, 5)
    bright[0, 0] = 2.0
    found = Attribution(bright, "a", "gradcam", None, None, photo=torch.full_like(photo, 0.5))
    shown = np.asarray(found.overlay()).astype(int)
    assert shown.shape == (*photo.shape[1:], 3)
    assert np.ptp(shown[0, 0]) > 30 > np.ptp(shown[-1, -1])  # color where the map speaks
    calm = np.asarray(found.overlay(limit=20.0)).astype(int)
    assert np.ptp(calm[0, 0]) < np.ptp(shown[0, 0])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(found._repr_png_()))), shown)


def test_a_map_without_a_photo_is_shown_in_words():
    empty = Attribution(torch.zeros(4, 6), "a", "gradcam", None, None)
    assert empty._repr_png_() is None
    assert "gradcam" in repr(empty)
    with pytest.raises(ValueError, match="this map of a comes without a photo"):
        empty.overlay()


@pytest.mark.parametrize("wanted", ["logit:cat", "cat", Logit("cat"), Logit(2), 2])
def test_what_is_explained_may_be_said_in_many_ways(photo, wanted):
    net = classifier()
    found = attribute(net, photo, wanted, "second")
    assert found.objective == Logit(net.classes.index("cat"))
    assert torch.equal(found.map, attribute(net, photo, "cat", "second").map)


class Watched(nn.Module):
    """Notes how many images come in; the last layer is read beside another, or alone."""

    batches: ClassVar = []

    def __init__(self, around):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.third, self.around = nn.Conv2d(4 + 4 * around, 4, 3, padding=1), around
        self.count = Counted()

    def forward(self, images):
        value = self.count(self.first(images)).relu()
        bent = self.second(value).relu()
        return self.third(torch.cat([bent, value], 1) if self.around else bent)


class Counted(nn.Module):
    def forward(self, value):
        Watched.batches.append(len(value))
        return value


@pytest.mark.parametrize("method", ["occlusion", "integrated"])
@pytest.mark.parametrize("around", [False, True])
def test_what_comes_before_a_layer_runs_once_where_nothing_bypasses_it(monkeypatch, method, around):
    torch.manual_seed(0)
    network = fv.Network(Watched(around).eval())
    image = torch.rand(3, 12, 12)
    assert network.takes_channels_last  # what is found out once
    assert network.graph.module
    Watched.batches.clear()
    found = fv.attribute(network, image, "third:1", "second", method)
    assert (max(Watched.batches) == 1) is not around
    monkeypatch.setattr(Graph, "is_gate", lambda *_: False)
    Watched.batches.clear()
    assert fv.attribute(network, image, "third:1", "second", method).map.equal(found.map)
    assert max(Watched.batches) > 1


class Viewing(nn.Module):
    """Views a map, which works with channels last at the network's own size alone."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 4, stride=4), nn.Linear(8, 4)

    def forward(self, images):
        maps = nn.functional.avg_pool2d(self.conv(images), 8)
        return self.head(maps.view(len(maps), -1)[:, :8])


class Frozen(Viewing):
    """Its convolution computes in inference mode, as features that are never trained may."""

    def __init__(self):
        super().__init__()
        self.conv = Inference(3, 8, 4, stride=4)


class Inference(nn.Conv2d):
    @torch.inference_mode()
    def forward(self, images):
        return super().forward(images)


@pytest.mark.parametrize("make", [Viewing, Frozen])
@pytest.mark.parametrize("side", [32, 64])
def test_values_that_are_viewed_or_know_no_gradients_are_explained(make, side):
    torch.manual_seed(0)
    net = fv.Network(make().eval(), size=32, layers={"conv": "conv"}, classes=CLASSES)
    assert net.takes_channels_last
    photo = torch.rand(3, side, side)
    value = net.module.conv(net.normalize(photo[None])).clone().requires_grad_()
    scores = net.module.head(nn.functional.avg_pool2d(value, 8).flatten(1)[:, :8])
    (slope,) = torch.autograd.grad(scores[0, 2], value)
    by_hand = (slope * value)[0].sum(0).detach()
    found = attribute(net, photo, "cat", "conv", "gradient")
    torch.testing.assert_close(found.map, by_hand, rtol=1e-4, atol=1e-6)
    integrated = attribute(net, photo, "cat", "conv", "integrated")
    assert integrated.map.sum().item() == pytest.approx(integrated.change, abs=1e-5)
    own = (slope.mean((2, 3), keepdim=True) * value)[0].sum(0).relu().detach()
    torch.testing.assert_close(attribute(net, photo, "cat", "conv").map, own, rtol=1e-4, atol=1e-6)


class Beside(nn.Module):
    """Two layers side by side, and one of whole numbers."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
        self.signs = Signs()

    def forward(self, images):
        right = self.right(images)
        return self.left(images) + right * self.signs(right).float()


class Signs(nn.Module):
    def forward(self, value):
        return value > 0


@pytest.mark.parametrize("method", ["gradcam", "gradient", "integrated", "occlusion"])
@pytest.mark.parametrize(
    ("layer", "objective"),
    [
        ("right", Resemblance("left", torch.ones(4, 30, 38, requires_grad=True))),
        ("signs", fv.Channel("left", 0)),
    ],
)
def test_what_does_not_lead_to_the_objective_is_refused(photo, method, layer, objective):
    net = fv.Network(Beside().eval())
    with pytest.raises(ValueError, match=f"can't be explained in {layer}"):
        attribute(net, photo, objective, layer, method)
