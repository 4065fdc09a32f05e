"""What networks do in the field: one tiny network per trait, and the right value for each."""

import collections
import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import featviz as fv
from featviz.ascent.effective_field import used_field
from featviz.ascent.plan import plan
from featviz.ascent.precision import suiting_precision
from featviz.ascent.score import Scorer
from featviz.attribution.attribute import attribute
from featviz.network.inputs import LUMA
from featviz.network.returned import units_axis

PHOTO = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1))
CPU = torch.device("cpu")


def seeded(make, *arguments, **options):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make(*arguments, **options).eval()


def climb(network, objective, **options):
    return fv.maximize(network, objective, **({"steps": 8, "progress": False} | options))


def rises(network, objective, **options):
    """What an ascent gives, once it has been seen to go up and to be no gray."""
    found = climb(network, objective, **options)
    start = fv.evaluate(network, objective, torch.full_like(found.images, 0.5))
    assert found.values > start
    assert found.images.std() > 0.01
    return found


# ---- what goes in -------------------------------------------------------------------------------


class Lenet(nn.Module):
    """A head of a fixed size, as in every tutorial."""

    def __init__(self, channels, side):
        super().__init__()
        self.conv, self.side = nn.Conv2d(channels, 6, 5), (side - 4) // 2
        self.fc = nn.Linear(6 * self.side**2, 10)

    def forward(self, images):
        return self.fc(F.max_pool2d(self.conv(images).relu(), 2).flatten(1))


def test_a_class_of_a_network_of_gray_digits_is_drawn_in_gray():
    network = fv.Network(seeded(Lenet, 1, 28), (0.1307,), (0.3081,))
    found = rises(network, fv.Logit(3))
    assert found.images.shape == (1, 3, 28, 28)
    assert found.images[:, 0].equal(found.images[:, 2])
    with torch.no_grad():
        logit = network.module((found.images[:, :1] - 0.1307) / 0.3081)[0, 3]
    torch.testing.assert_close(found.values[0], logit)
    assert rises(network, fv.Channel("conv", 2)).images.shape[-1] == 28


def test_a_network_of_one_channel_sees_the_gray_of_photos_and_gray_images():
    network = fv.Network(seeded(nn.Conv2d, 1, 4, 3), (0.5,), (0.25,))
    weights = torch.tensor(LUMA).view(3, 1, 1)
    expected = network.module(((PHOTO * weights).sum(0, keepdim=True) - 0.5)[None] / 0.25)
    torch.testing.assert_close(fv.activations(network, PHOTO, "output"), expected.detach())
    alone = fv.activations(network, PHOTO[:1], "output")
    torch.testing.assert_close(
        alone, fv.activations(network, PHOTO[:1].expand(3, 32, 32), "output")
    )


def test_a_mean_of_one_number_is_that_of_all_channels():
    conv = seeded(nn.Conv2d, 3, 4, 3)
    one, three = fv.Network(conv, (0.5,), (0.25,)), fv.Network(conv, (0.5,) * 3, (0.25,) * 3)
    assert one.mean == three.mean == fv.Network(conv, 0.5, 0.25).mean
    assert fv.activations(one, PHOTO, "output").equal(fv.activations(three, PHOTO, "output"))


def test_three_maps_inside_a_gray_network_make_it_no_color_network():
    module = seeded(lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Conv2d(3, 8, 3)))
    network = fv.Network(module, (0.5,), (0.25,))
    assert network.units("2") == 8
    found = rises(network, fv.Channel("2", 1), size=24)
    assert found.images[:, 0].equal(found.images[:, 2])


def test_a_gray_network_that_gray_leaves_silent_is_woken_too():
    module = seeded(lambda: nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.Conv2d(8, 4, 3)))
    module[0].bias.data.fill_(-0.6)
    found = climb(fv.Network(module, (0.5,), (0.25,)), fv.Channel("2", 1), size=24, steps=32)
    assert found.gradients[0, 0] == 0
    assert found.gradients[-1, 0] > 0


class Demanding(nn.Conv2d):
    """Says with a bare assertion which sizes it takes."""

    def forward(self, images):
        assert images.shape[-1] % 32 == 0
        return super().forward(images)


def test_a_bare_assertion_is_a_size_that_does_not_fit():
    network = fv.Network(seeded(nn.Sequential, Demanding(3, 4, 3)), layers={"first": "0"})
    assert climb(network, fv.Channel("first", 1), size=64).images.shape[-1] == 64
    with pytest.raises(ValueError, match=r"takes no image of 33 x 33 px .*: AssertionError"):
        network.shape("first", 33)


@pytest.mark.parametrize(
    ("conv", "message"),
    [
        (nn.Conv2d(1, 4, 3), r"takes images of one channel, so mean and std are one number each"),
        (nn.Conv2d(4, 4, 3), r"takes images of 4 channels, and only color and gray can be drawn"),
    ],
    ids=["one", "four"],
)
def test_other_channels_are_told_at_once(conv, message):
    with pytest.raises(ValueError, match=message):
        fv.Network(conv)


def test_a_network_of_one_size_is_drawn_at_that_size():
    network = fv.Network(seeded(Lenet, 3, 32), classes=list("abcdefghij"))
    assert network.size == 32
    assert network.units("output") == 10
    for options in ({}, {"size": 32}):
        # In bfloat16 so small a logit first falls by rounding.
        assert rises(network, "d", steps=16, **options).images.shape == (1, 3, 32, 32)
    # As far as the convolution, any size will do.
    assert climb(network, fv.Channel("conv", 2), size=50).images.shape[-1] == 50
    with pytest.raises(ValueError, match=r"Lenet takes no image of 50 x 50 px as far as output: "):
        climb(network, "d", size=50)


def test_a_vision_transformer_is_drawn_and_its_tokens_have_units():
    make = torchvision.models.VisionTransformer
    network = fv.Network(seeded(make, 48, 8, 2, 2, 16, 32, num_classes=5), classes=list("abcde"))
    assert network.size == 48  # as it says itself
    chance = torch.Generator().manual_seed(0)
    nn.init.normal_(network.module.heads.head.weight, generator=chance)
    found = climb(network, "c", steps=32)
    assert found.images.shape[-1] == 48
    assert found.history[-4:].mean() > found.history[:4].mean()
    layer = "encoder.layers.encoder_layer_0"
    tokens = fv.activations(network, torch.rand(2, 3, 48, 48), layer)
    assert tokens.shape == (2, network.units(layer), 37) == (2, 16, 37)
    value = fv.evaluate(network, fv.Channel(layer, 5), torch.ones(3, 48, 48))
    assert value.item() == pytest.approx(
        fv.activations(network, torch.ones(3, 48, 48), layer)[0, 5].mean().item(), abs=1e-6
    )
    with pytest.raises(ValueError, match="has no places, so it has no map"):
        attribute(network, torch.rand(3, 48, 48), 1, layer)


class Skipping(nn.Module):
    """A U-Net of one step: it takes multiples of 2, and says so by a crash."""

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Conv2d(3, 4, 3, padding=1), nn.ConvTranspose2d(4, 4, 16, 16)
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, images):
        before = self.down(images).relu()
        return self.head(torch.cat([before, self.up(F.max_pool2d(before, 16))], 1))


def test_a_network_of_whole_multiples_keeps_its_canvas():
    network = fv.Network(seeded(Skipping), classes=("sky", "sea"))
    found = rises(network, fv.Channel("head", 1), size=64)
    assert found.images.shape[-1] == 64
    scored = fv.evaluate(network, "sea", found.images)  # the mean of its map
    torch.testing.assert_close(scored, found.values)


def test_a_size_that_is_given_is_taken_and_one_that_fits_none_is_told():
    assert fv.Network(seeded(Lenet, 3, 50), size=50).size == 50
    with pytest.raises(ValueError, match=r"Lenet takes no image of the usual sizes \(RuntimeError"):
        climb(fv.Network(seeded(Lenet, 3, 50)), fv.Logit(1))


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.Sequential(*(nn.Conv2d(3, 3, 9, padding=4) for _ in range(4)))

    def forward(self, images):
        return self.convs(images)


def test_a_field_larger_than_the_networks_images_makes_no_larger_canvas():
    network = fv.Network(seeded(Deep), size=24)
    assert network.receptive_field("convs.3").size == 33
    assert used_field(network, "convs.3").canvas() <= 24
    assert climb(network, fv.Neuron("convs.3", 1)).images.shape[-1] <= 24
    assert climb(network, fv.Channel("convs.3", 1)).images.shape[-1] == 24
    assert climb(network, fv.Channel("convs.3", 1), size=40).images.shape[-1] == 40


def test_photos_smaller_than_a_field_are_explained():
    network = fv.Network(seeded(Deep))
    assert attribute(network, PHOTO[:, :20, :20], fv.Channel("convs.3", 1), "convs.2").map.any()


class Viewing(nn.Module):
    """Flattens its maps as tutorials do, which only maps that lie one after the other allow."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm = nn.Conv2d(3, 6, 5, stride=2), nn.BatchNorm2d(6)
        self.conv2, self.last = nn.Conv2d(6, 8, 5), nn.Linear(8 * 5 * 5, 4)

    def forward(self, images):
        maps = self.conv2(self.norm(self.conv1(images)).relu()).relu()
        return self.last(F.max_pool2d(maps, 2).view(-1, 8 * 5 * 5))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_network_that_views_its_maps_is_scored_explained_and_maximized(precision):
    module = seeded(Viewing)
    network = fv.Network(module, size=32, classes=list("abcd"))
    assert not network.takes_channels_last
    images = torch.stack([PHOTO, PHOTO.flip(2)])
    assert fv.activations(network, images, "output").equal(module(network.normalize(images)))
    values = fv.evaluate(network, fv.Logit("b"), images)
    torch.testing.assert_close(values, module(network.normalize(images))[:, 1])
    assert attribute(network, PHOTO, fv.Logit("b"), "conv1", "gradcam").map.any()
    rises(network, fv.Logit("b"), precision=precision)
    rises(network, fv.Channel("conv1", 1), precision=precision)


class ViewingAnySize(nn.Module):
    """A trunk whose map is one place at its own size, which may be viewed however it lies."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3, stride=4), nn.Conv2d(6, 8, 6)

    def forward(self, images):
        maps = self.conv2(self.conv1(images).relu())
        return maps.view(len(maps), -1)


def test_a_map_that_is_viewed_at_larger_sizes_alone_is_read():
    module = seeded(ViewingAnySize)
    network = fv.Network(module, size=24)
    images = torch.rand(2, 3, 40, 40)
    assert fv.activations(network, images, "output").equal(module(network.normalize(images)))


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, images):
        images.sub_(0.1)
        images *= 2
        return self.conv(images)


def test_a_network_that_changes_what_it_is_given_is_given_a_copy():
    network = fv.Network(seeded(InPlace), (0, 0, 0), (1, 1, 1))
    expected = network.module.conv((PHOTO[None] - 0.1) * 2).mean((0, 2, 3))[1]
    assert fv.evaluate(network, fv.Channel("conv", 1), PHOTO).item() == pytest.approx(
        expected.item(), abs=1e-6
    )
    rises(network, fv.Channel("conv", 1), size=32)
    assert attribute(network, PHOTO, fv.Channel("output", 1), "conv").map.shape == (30, 30)


# ---- what comes out -----------------------------------------------------------------------------


@dataclasses.dataclass
class Detected:
    features: torch.Tensor
    logits: torch.Tensor


@dataclasses.dataclass
class ModelOutput(collections.OrderedDict):
    """Of Hugging Face's kind: a mapping and a dataclass."""

    loss: object = None
    logits: object = None

    def __post_init__(self):
        self.update(loss=self.loss, logits=self.logits)


class Structured(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.conv, self.head, self.shape = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1), shape

    def forward(self, images):
        features = self.conv(images).relu()
        return self.shape(features, self.head(features))


OUTPUTS = {
    "map": (lambda f, z: z, None),
    "out": (lambda f, z: {"aux": f, "out": z}, None),
    "logits": (lambda f, z: {"features": f, "logits": z.mean((2, 3))}, None),
    "dataclass": (lambda f, z: Detected(f, z.mean((2, 3))), None),
    "ModelOutput": (lambda f, z: ModelOutput(None, z.mean((2, 3))), None),
    "tuple": (lambda f, z: (z.mean((2, 3)), f), None),
    "nested list": (lambda f, z: [{"name": "x"}, [z.mean((2, 3)), f]], None),
    "own": (lambda f, z: {"features": f, "scores": z.mean((2, 3))}, lambda out: out["scores"]),
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_scores_are_found_in_what_a_network_returns(kind):
    shape, output = OUTPUTS[kind]
    module = seeded(Structured, shape)
    network = fv.Network(module, classes=list("abcd"), output=output)
    with torch.no_grad():
        features = module.conv(network.normalize(PHOTO[None])).relu()
        logit = module.head(features).mean((2, 3))[0, 2].item()
    assert network.units("output") == 4
    assert fv.evaluate(network, fv.Logit(2), PHOTO).item() == pytest.approx(logit, abs=1e-6)
    assert attribute(network, PHOTO, "c", "conv").value == pytest.approx(logit, abs=1e-6)
    rises(network, "c", size=32)


def test_one_number_for_each_image_is_one_unit():
    network = fv.Network(seeded(Structured, lambda f, z: z.mean((1, 2, 3))))
    assert fv.activations(network, PHOTO, "output").shape == (1, 1)
    rises(network, fv.Logit(0), size=32)
    with pytest.raises(ValueError, match="Structured scores classes 0 to 0, not 1"):
        climb(network, fv.Logit(1), size=32)


def test_what_holds_no_tensor_is_told():
    network = fv.Network(seeded(Structured, lambda f, z: "none"))
    with pytest.raises(
        ValueError, match=r"value of output has no units .* it is str, with no tens"
    ):
        fv.activations(network, PHOTO, "output")


def test_classes_go_by_number_without_names_and_no_further_than_the_scores():
    module = seeded(Lenet, 3, 32)
    assert rises(fv.Network(module), fv.Logit(9)).objectives == (fv.Logit(9),)
    with pytest.raises(ValueError, match="Lenet scores classes 0 to 9, not 10"):
        climb(fv.Network(module), fv.Logit(10))
    named = fv.Network(module, classes=[f"class {number}" for number in range(12)])
    with pytest.raises(ValueError, match=r"0 to 9, not 'class 11', though 12 are named"):
        climb(named, "class 11")


# ---- what layers give ---------------------------------------------------------------------------


class LastBlock(nn.Module):
    """ConvNeXt's: channels last inside, and a map on the way out."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 4, 4)
        self.norm, self.wide, self.back = nn.LayerNorm(6), nn.Linear(6, 12), nn.Linear(12, 6)
        self.bend, self.fold = nn.GELU(), nn.Identity()

    def forward(self, images):
        places = self.norm(self.stem(images).permute(0, 2, 3, 1))
        return self.fold(self.back(self.bend(self.wide(places)))).permute(0, 3, 1, 2).mean((2, 3))


@pytest.mark.parametrize("side", [32, 24])  # at 24 px a map is 6 x 6, as many as units
@pytest.mark.parametrize(("layer", "units"), [("wide", 12), ("bend", 12), ("fold", 6), ("norm", 6)])
def test_units_of_channels_last_are_the_last(layer, units, side):
    module, hooked = seeded(LastBlock), []
    network = fv.Network(module, size=side)
    photo = torch.rand(3, 16, 24)
    handle = module.get_submodule(layer).register_forward_hook(lambda m, i, v: hooked.append(v))
    with torch.no_grad():
        logits = module(network.normalize(photo[None]))
    handle.remove()
    assert network.units(layer) == units
    found = fv.activations(network, photo, layer)
    torch.testing.assert_close(found, hooked[0].permute(0, 3, 1, 2))
    value = fv.evaluate(network, fv.Channel(layer, 5), photo).item()
    assert value == pytest.approx(hooked[0][..., 5].mean().item(), abs=1e-6)
    rises(network, fv.Neuron(layer, 5))
    whole = attribute(network, photo, fv.Logit(2), layer, "integrated")
    assert whole.map.shape == (4, 6)
    assert whole.value == pytest.approx(logits[0, 2].item(), abs=1e-6)
    assert whole.map.sum().item() == pytest.approx(whole.change, rel=0.01, abs=1e-5)
    leaf = found.clone().requires_grad_()  # of the whole network only the head is behind `fold`
    if layer == "fold":
        (slope,) = torch.autograd.grad(leaf.mean((2, 3))[0, 2], leaf)
        expected = (slope.mean((2, 3), keepdim=True) * found).sum(1)[0].relu()
        torch.testing.assert_close(attribute(network, photo, 2, layer).map, expected)


class Recurrent(nn.Module):
    """A layer that returns a tuple, and one that puts the images second."""

    def __init__(self):
        super().__init__()
        self.conv, self.rnn = nn.Conv2d(3, 8, 3, padding=1), nn.LSTM(8, 5, batch_first=True)
        self.second, self.fc = nn.LSTM(5, 4), nn.Linear(4, 3)

    def forward(self, images):
        tokens, _ = self.rnn(self.conv(images).mean(2).mT)
        return self.fc(self.second(tokens.transpose(0, 1))[0][-1])


def test_a_layer_of_several_values_is_its_first():
    network = fv.Network(seeded(Recurrent))
    hooked = []
    network.module.rnn.register_forward_hook(lambda m, i, value: hooked.append(value[0]))
    with torch.no_grad():
        network.module(network.normalize(PHOTO[None]))
    torch.testing.assert_close(fv.activations(network, PHOTO, "rnn"), hooked[0].mT)
    with pytest.raises(ValueError, match="for 2 images, which don't come first"):
        fv.activations(network, PHOTO, "second")


def test_where_sides_are_equal_nothing_is_guessed():
    assert units_axis(nn.Identity(), torch.zeros(2, 8, 8, 8), 2) == 0
    assert units_axis(nn.Conv2d(3, 8, 3), torch.zeros(2, 8, 8, 8), 2) == 1
    assert units_axis(nn.Identity(), torch.zeros(2, 8, 8, 5), 2) == -1
    assert units_axis(nn.Identity(), torch.zeros(2, 5, 8, 8), 2) == 1


class Auxiliary(nn.Module):
    """A head that runs in training only, and modules written in another order than they run."""

    def __init__(self):
        super().__init__()
        self.last, self.aux = nn.Conv2d(4, 2, 3), nn.Conv2d(4, 2, 1)
        self.first = nn.Conv2d(3, 4, 3)

    def forward(self, images):
        x = self.first(images)
        return (self.last(x), self.aux(x)) if self.training else self.last(x)


def test_layers_are_what_runs_in_the_order_in_which_it_runs():
    assert fv.Network(Auxiliary()).layers == ("first", "last")


class Twice(nn.Module):
    """Code that torch.fx can't follow, and a module that runs twice."""

    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 3, 3), nn.ReLU()

    def forward(self, images):
        x = self.relu(self.conv(images if images.sum() > 0 else -images))
        return self.relu(x - x.mean())


def test_runs_that_cannot_be_told_apart_are_refused():
    with pytest.raises(
        ValueError, match=r"relu runs 2 times .* can't be told apart, because torch"
    ):
        fv.activations(fv.Network(Twice()), PHOTO, "relu")


@pytest.mark.parametrize("layer", ["relu", "block", "conv:relu"])
def test_a_dead_relu_is_brought_to_life_under_every_name(layer):
    module = nn.Sequential()
    module.conv, module.relu = nn.Conv2d(3, 4, 3), nn.ReLU()
    module.block = nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU())
    for conv in (module.conv, module.block[0]):
        nn.init.constant_(conv.bias, -1 if layer != "block" or conv is not module.conv else 1)
        nn.init.normal_(conv.weight, std=0.01)
    found = climb(fv.Network(module.eval()), fv.Channel(layer, 1), size=24, steps=2)
    assert (found.gradients > 0).all()


@pytest.mark.parametrize("part", [nn.BatchNorm2d(4, track_running_stats=False), nn.Identity()])
def test_what_depends_on_the_batch_or_on_chance_is_told(part):
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.part = nn.Conv2d(3, 4, 3), part

        def forward(self, images):
            x = self.conv(images)
            return part(x) if isinstance(part, nn.BatchNorm2d) else F.dropout(x, training=True)

    module, before = seeded(Noisy), torch.random.get_rng_state()
    network = fv.Network(module)
    assert not network.is_steady
    assert torch.random.get_rng_state().equal(before)
    with pytest.warns(UserWarning, match="Noisy says of an image depends on the others in its bat"):
        climb(network, fv.Channel("conv", 1), size=24)
    assert fv.Network(seeded(Lenet, 3, 32)).is_steady


# ---- what shortcuts and names must bear ---------------------------------------------------------


class Padded(nn.Module):
    """TensorFlow's padding, computed from the convolution's own attributes."""

    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 4, 5, stride=2), nn.Conv2d(4, 2, 1)

    def forward(self, images):
        kernel, stride, side = self.conv.kernel_size[0], self.conv.stride[0], images.shape[-1]
        missing = max(0, (-(-side // stride) - 1) * stride + kernel - side)
        images = F.pad(images, (missing // 2, missing - missing // 2) * 2)
        return self.last(self.conv(images).tanh())


class StandardizedWeights(Padded):
    def forward(self, images):
        weight = self.conv.weight - self.conv.weight.mean((1, 2, 3), keepdim=True)
        return self.last(F.conv2d(images, weight, None, self.conv.stride).tanh())


@pytest.mark.parametrize("kind", [Padded, StandardizedWeights])
def test_networks_may_read_the_attributes_of_a_convolution(kind):
    network = fv.Network(seeded(kind))
    objective = fv.Channel("last", 1)
    images = torch.rand(2, 3, 33, 33)
    scorer = Scorer(network, [objective] * 2, CPU, torch.float32)
    torch.testing.assert_close(
        scorer(network.normalize(images), images), fv.evaluate(network, objective, images)
    )


@pytest.mark.parametrize("name", ["block-1", "stage/2", "größe"])
def test_names_of_any_letters_are_read_back(name):
    for wanted in (
        fv.Channel(f"{name}.conv", 2),
        fv.Channel(f"{name}:relu", 2),
        fv.Neuron(f"{name}#2", 3, (1, 2)),
        0.5 * fv.Channel(name, 1) - fv.Channel("conv-2", 3),
    ):
        assert fv.parse(str(wanted)) == wanted


@pytest.mark.parametrize("name", ["image", "output", "logit"])
def test_names_that_mean_something_else_are_refused(name):
    module = nn.Sequential()
    module.add_module(name, nn.Conv2d(3, 2, 3))
    with pytest.raises(ValueError, match=f"is called '{name}', which stands for something else"):
        fv.Network(module)
    assert fv.Network(module, layers={"own": name}).units("own") == 2


def test_a_replaced_forward_is_told():
    module = seeded(Auxiliary)
    own = module.forward
    module.forward = lambda images: own(images)[:, :1]
    with pytest.raises(ValueError, match="the forward of Auxiliary was replaced by a function"):
        fv.activations(fv.Network(module), PHOTO, "first")


class Quantized(nn.Module):
    __module__ = "torch.ao.nn.quantized.dynamic.modules.linear"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: torch.jit.trace(nn.Conv2d(3, 2, 3), PHOTO[None]), "Module is scripted, so that"),
        (lambda: nn.Sequential(nn.Conv2d(3, 2, 3), Quantized()), "is quantized, so that it has no"),
    ],
    ids=["scripted", "quantized"],
)
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_modules_that_cannot_be_worked_with_are_told_at_once(make, message):
    with pytest.raises(ValueError, match=message):
        fv.Network(make())


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.last = nn.Conv2d(3, 64, 1), nn.Conv2d(64, 2, 1)

    def forward(self, images):
        return self.last(self.wide(images).tanh())


def test_batches_hold_what_the_memory_does(monkeypatch):
    network = fv.Network(seeded(Wide))
    # The images, and 64 values of 4 bytes that both tanh and the last convolution keep.
    assert network.kept_bytes == pytest.approx(4 * (3 + 64), rel=0.05)
    wanted = (fv.Channel("last", 0),) * 6
    sizes = [len(job.rows) for job in plan(network, wanted, None, 2, 64, None)]
    assert sizes == [6]
    monkeypatch.setattr("featviz.ascent.plan.MEMORY", 4.5 * network.kept_bytes * 64**2)
    sizes = [len(job.rows) for job in plan(network, wanted, None, 2, 64, None)]
    assert sizes == [4, 2]


# ---- number formats -----------------------------------------------------------------------------


class Constant(nn.Module):
    """Makes a float32 filter by itself, so that it can't compute in bfloat16."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, images):
        blur = torch.full((4, 1, 3, 3), 1 / 9)
        return F.conv2d(self.conv(images), blur, groups=4)


@pytest.fixture
def native(monkeypatch):
    """A machine that has bfloat16."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})


@pytest.mark.usefixtures("native")
def test_auto_falls_back_where_bfloat16_fails_or_is_slower():
    plain, own = seeded(nn.Conv2d, 3, 4, 3), seeded(Constant)
    depthwise = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, groups=4))
    formats = [suiting_precision(fv.Network(m), "auto", CPU) for m in (plain, own, depthwise)]
    assert formats == [torch.bfloat16, torch.float32, torch.float32]
    found = climb(fv.Network(own), fv.Channel("output", 1), size=32)
    assert found.precision == "float32"
    asked = climb(fv.Network(depthwise), fv.Channel("1", 1), size=32, precision="bfloat16")
    assert asked.precision == "bfloat16"


def test_bfloat16_by_hand_says_why_it_fails():
    with pytest.raises(ValueError, match=r"Constant can't compute in bfloat16 \(.*say precision="):
        climb(fv.Network(seeded(Constant)), fv.Channel("output", 1), precision="bfloat16")


class Picky(nn.Conv2d):
    """Says by a bare assertion that it computes in float32 alone."""

    def forward(self, images):
        if images.dtype != torch.float32:
            raise AssertionError  # as a bare assert does where nobody rewrites it
        return super().forward(images)


def test_a_bare_assertion_against_bfloat16_is_an_obstacle():
    network = fv.Network(seeded(Picky, 3, 4, 3))
    with pytest.raises(ValueError, match=r"can't compute in bfloat16 \(AssertionError: \)"):
        climb(network, fv.Channel("output", 1), size=32, precision="bfloat16")


# ---- what a copy or a trace could miss ----------------------------------------------------------


class Rewriting(nn.Module):
    """What its ReLU changes in place another convolution reads afterwards, as in MiDaS's blocks."""

    def __init__(self, traceable, twice=False):
        super().__init__()
        self.twice = twice
        self.stem, self.relu = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True)
        self.conv, self.skip = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 1)
        self.traceable = traceable

    def forward(self, images):
        value = self.stem(images)
        if self.traceable or value.mean() < 1e9:
            bent = self.conv(self.relu(value))
            return (self.relu(bent) if self.twice else bent) + self.skip(value)
        return value


@pytest.mark.parametrize("traceable", [True, False])
def test_what_is_changed_in_place_is_changed_for_all_who_read_it(traceable):
    module = seeded(Rewriting, traceable)
    network = fv.Network(module, size=32)
    assert bool(network.graph.obstacle) is not traceable
    with torch.no_grad():
        expected = module(network.normalize(PHOTO[None]))
        stem = module.stem(network.normalize(PHOTO[None]))
    found = fv.activations(network, PHOTO, ["stem", "output"])
    torch.testing.assert_close(found["output"], expected)
    torch.testing.assert_close(found["stem"], stem)
    torch.testing.assert_close(fv.activations(network.to("cpu"), PHOTO, "output"), expected)
    assert network.rewriting == ("relu",)
    silent = fv.ablate(network, {"stem": range(8)}, "zero")
    rest = module.conv.bias + module.skip.bias
    torch.testing.assert_close(fv.activations(silent, PHOTO, "output")[0, :, 0, 0], rest.detach())
    ablated = fv.ablate(network, {"stem": []}, "zero")
    torch.testing.assert_close(fv.activations(ablated, PHOTO, "output"), expected)
    rises(network, "output:1", size=24)
    with_gradient = attribute(network, PHOTO, "output:1", "stem", "gradient").map
    module.relu.inplace = False
    assert fv.Network(module, size=32).fingerprint != network.fingerprint
    assert not attribute(
        fv.Network(module, size=32), PHOTO, "output:1", "stem", "gradient"
    ).map.equal(with_gradient)


def test_calls_of_what_changes_in_place_change_for_all_who_read_it():
    module = seeded(Rewriting, True, twice=True)
    network = fv.Network(module, size=32)
    with torch.no_grad():
        expected = module(network.normalize(PHOTO[None]))
        bent = module.stem(network.normalize(PHOTO[None])).relu()
    found = fv.activations(network, PHOTO, ["relu#1", "output"])
    torch.testing.assert_close(found["output"], expected)
    torch.testing.assert_close(found["relu#1"], bent)


class Aliased(nn.Module):
    """What its ReLU changes in place goes by another name; it has a part that never runs."""

    def __init__(self):
        super().__init__()
        self.stem, self.same = nn.Conv2d(3, 8, 3, padding=1), nn.Dropout()
        self.relu, self.conv = nn.ReLU(inplace=True), nn.Conv2d(8, 8, 1)
        self.unused = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU(inplace=True))

    def forward(self, images):
        value = self.stem(images)
        return self.relu(self.conv(self.relu(self.same(value)))) + value


class Faint(nn.Module):
    """Of what its ReLU changes in place its scores show next to nothing."""

    def __init__(self):
        super().__init__()
        self.stem, self.relu = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True)
        self.conv, self.beside = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)

    def forward(self, images):
        value = self.stem(images)
        bent = self.conv(self.relu(value))
        return bent.mean((2, 3)), self.beside(value)


class Nested(nn.Module):
    """A block that calls itself in place, and ends with a lone norm."""

    def __init__(self):
        super().__init__()
        self.stem, self.block = nn.Conv2d(3, 8, 3, padding=1), Block()

    def forward(self, images):
        value = self.stem(images)
        return self.block(value) + value


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inplace = True
        self.conv, self.norm = nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8)

    def forward(self, value):
        return self.norm(self.conv(F.relu(value, inplace=self.inplace)))


@pytest.mark.parametrize(
    ("kind", "layers"),
    [
        (Aliased, ["output"]),
        (Aliased, ["relu#1", "output"]),
        (Faint, ["beside", "output"]),
        (Nested, ["block", "output"]),
    ],
)
def test_what_is_changed_in_place_is_found_where_a_graph_or_scores_hide_it(kind, layers):
    module = seeded(kind)
    network, hooked = fv.Network(module, size=32), {}
    for name in ("beside", "block"):
        if hasattr(module, name):
            part = getattr(module, name)
            part.register_forward_hook(lambda _, of, value, name=name: hooked.update({name: value}))
    with torch.no_grad():
        result = module(network.normalize(PHOTO[None]))
    hooked["output"] = result[0] if isinstance(result, tuple) else result
    found = fv.activations(network, PHOTO, layers)
    for name in layers:
        if name in hooked:
            torch.testing.assert_close(found[name], hooked[name])


class Apart(nn.Module):
    """Only the first of its ReLUs changes what others read."""

    def __init__(self):
        super().__init__()
        self.stem, self.first = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True)
        self.conv, self.second = nn.Conv2d(8, 8, 1), nn.ReLU(inplace=True)

    def forward(self, images):
        value = self.stem(images)
        return self.second(self.conv(self.first(value)) + value)


def test_only_those_stay_in_place_that_must():
    assert fv.Network(seeded(Apart), size=32).rewriting == ("first",)


class Late(nn.Module):
    """Changes in place what others have read before, so that nobody sees it."""

    def __init__(self):
        super().__init__()
        self.stem, self.relu = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True)

    def forward(self, images):
        value = self.stem(images)
        return F.max_pool2d(value, 2) + F.avg_pool2d(self.relu(value), 2)


def test_what_nobody_reads_again_need_not_be_changed():
    network = fv.Network(seeded(Late), size=32)
    assert network.rewriting == ()
    rises(network, "output:1", size=24)


class Boxes(nn.Module):
    """Finds nothing in noise, or what is no number."""

    def __init__(self, nothing):
        super().__init__()
        self.stem, self.relu, self.nothing = nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nothing

    def forward(self, images):
        value = self.relu(self.stem(images))
        if self.nothing and value.mean() < 1e9:
            return value.new_zeros(0, 4)
        return value * torch.nan


@pytest.mark.parametrize("nothing", [True, False])
def test_a_network_that_says_nothing_of_noise_can_be_read(nothing):
    network = fv.Network(seeded(Boxes, nothing), size=32)
    assert fv.activations(network, PHOTO, "stem").min() < 0
    if not nothing:
        assert fv.activations(network, PHOTO, "stem:relu").min() == 0


class Asking(nn.Module):
    """Asks whether it is given a tensor, which a tracer's symbol isn't."""

    def __init__(self):
        super().__init__()
        self.first, self.big = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 9, padding=4)
        self.last = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, images):
        value = F.relu(self.first(images))
        if isinstance(value, torch.Tensor):
            value = self.big(value)
        return F.relu(self.last(value))


@pytest.mark.parametrize("hooked", [False, True])
def test_a_trace_that_gives_other_values_is_not_believed(hooked):
    module = seeded(nn.Sequential, nn.Conv2d(3, 4, 3), nn.ReLU()) if hooked else seeded(Asking)
    if hooked:
        module.register_forward_pre_hook(lambda module, arguments: (arguments[0] * 3,))
    network = fv.Network(module, size=32)
    assert "gives other values" in network.graph.obstacle
    with pytest.raises(ValueError, match="gives other values"):
        fv.activations(network, PHOTO, "0:relu" if hooked else "last:relu")
    field = network.receptive_field("0" if hooked else "last")
    assert field.size == (3 if hooked else 13)


def test_what_is_found_of_weights_is_found_again_when_they_change():
    parts = (nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 5), nn.Conv2d(8, 8, 5))
    module = seeded(nn.Sequential, *parts)
    network, recipe = fv.Network(module, size=48), fv.Recipe(transforms=(), steps=3)
    goal = "0:1 - 0.1*penalty:tv"
    climb(network, goal, size=48, recipe=recipe, steps=3)  # a fresh norm can be folded
    before = used_field(network, "3").size
    with torch.no_grad():
        module[1].running_mean.fill_(0.5)
        module[1].weight.fill_(2)
        for conv in (module[2], module[3]):
            conv.weight[:, :, 2, 2] *= 30
    fresh = fv.Network(module, size=48)
    assert used_field(network, "3").size == used_field(fresh, "3").size < before
    one, other = (climb(net, goal, size=48, recipe=recipe, steps=3) for net in (network, fresh))
    assert one.history.equal(other.history)
    assert one.images.equal(other.images)


class Power(nn.Module):
    def __init__(self, exponent, shift=0.0):
        super().__init__()
        self.exponent = exponent
        self.register_buffer("shift", torch.tensor(shift), persistent=False)
        self.table = torch.ones(2)

    def forward(self, value):
        return value**self.exponent + self.shift * self.table.sum()


def test_the_fingerprint_has_numbers_and_tensors_that_no_state_holds():
    def network(*arguments, table=1.0):
        module = nn.Sequential(seeded(nn.Conv2d, 3, 4, 3), Power(*arguments))
        module[1].table = torch.full((2,), table)
        return fv.Network(module)

    kinds = [network(2), network(3), network(2, 0.5), network(2, table=2.0)]
    assert len({one.fingerprint for one in kinds}) == 4
    held = [
        torch.tanh, torch.sigmoid, nn.ReLU, np.float32(1), np.float32(2), {1, 2}, {1, 3},
        [torch.ones(1)], [torch.zeros(1)], lambda value, more=1: value, lambda value, more=2: value,
        np.array(["cat", None], object), np.array(["dog", None], object), {"a": 1}, {"a": 2},
    ]  # fmt: skip
    prints = []
    for one in held * 2:
        kinds[1].module[1].more = one
        prints.append(kinds[1].fingerprint)
    assert len(set(prints)) == len(held)
    assert prints[: len(held)] == prints[len(held) :]
    around = {}
    around["around"] = around

    def unmade():
        return later

    ring = np.empty(1, object)
    ring[0] = ring
    odd = [around, ring, [torch.ones(2).to_sparse()], [torch.ones(2, device="meta")], unmade]
    for one in odd:
        kinds[1].module[1].more = one
        assert kinds[1].fingerprint == kinds[1].fingerprint
    later = 1
    assert unmade() == later
    assert network(2).fingerprint == kinds[0].fingerprint
    kinds[0].module[1].table += 1
    assert kinds[0].fingerprint == kinds[3].fingerprint


@pytest.mark.parametrize(
    "mode",
    [
        lambda: torch.autocast("cpu", dtype=torch.bfloat16),
        lambda: DefaultOf(torch.float64),
    ],
    ids=["autocast", "doubles"],
)
def test_the_callers_number_formats_stay_outside(mode):
    module = seeded(Lenet, 3, 28)

    def ask():
        network = fv.Network(module)
        return (
            fv.activations(network, PHOTO[:, :28, :28], "conv"),
            fv.evaluate(network, "conv:1", PHOTO[:, :28, :28]),
            climb(network, "conv:1", size=28).images,
        )

    expected = ask()
    with mode():
        before = torch.is_autocast_enabled("cpu"), torch.get_default_dtype()
        found = ask()
        assert (torch.is_autocast_enabled("cpu"), torch.get_default_dtype()) == before
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype == torch.float32
        torch.testing.assert_close(one, other)


class DefaultOf:
    """Makes a format PyTorch's default for a while."""

    def __init__(self, dtype):
        self.dtype = dtype

    def __enter__(self):
        torch.set_default_dtype(self.dtype)

    def __exit__(self, *_):
        torch.set_default_dtype(torch.float32)


def test_a_map_of_as_many_rows_as_units_is_no_map_of_channels_last():
    module = seeded(nn.Sequential, nn.Conv2d(3, 48, 3, (1, 2), 1), nn.ReLU())
    network = fv.Network(module, size=48)
    image = PHOTO.repeat(1, 2, 2)[:, :48, :48]
    values = fv.activations(network, image, ["0", "0:relu", "1"])
    assert values["0:relu"].equal(values["0"].relu())
    assert values["1"].equal(values["0"].relu())


class Doubling(nn.Conv2d):
    """Gives its value and its opposite, as CReLU does."""

    def forward(self, images):
        value = super().forward(images)
        return torch.cat([value, -value], 1)


def test_units_are_those_of_the_value():
    network = fv.Network(seeded(nn.Sequential, Doubling(3, 8, 3), nn.ReLU()), size=32)
    assert network.units("0") == 16
    rises(network, "0:12", size=24)


def test_statistics_that_are_no_numbers_are_refused():
    module = seeded(nn.Sequential, nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    module[1].running_var[0] = torch.nan
    with pytest.raises(ValueError, match=r"1\.running_var of Sequential has values that are NaN"):
        fv.Network(module)


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)

    def forward(self, images):
        with torch.no_grad():
            value = self.first(images).relu()
        return self.last(value)


def test_a_network_that_ends_gradients_is_told_so():
    with pytest.raises(ValueError, match=r"no gradient reaches the image from last:1: .*no_grad"):
        climb(fv.Network(seeded(Frozen)), "last:1", size=24)


def test_a_border_of_what_has_no_map_is_refused():
    with pytest.raises(ValueError, match=r"fc:1~1 leaves out a border, but fc has no map"):
        fv.evaluate(
            fv.Network(seeded(Lenet, 3, 28)), fv.Channel("fc", 1, border=1), PHOTO[:, :28, :28]
        )


def test_a_part_for_several_graphics_cards_is_read_as_it_is():
    plain = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)))
    module = nn.Sequential(nn.DataParallel(plain))
    network = fv.Network(module.eval(), size=32)
    assert network.receptive_field("0.module.2").size == 5
    found = fv.activations(network, PHOTO, ["0.module.0:relu", "output"])
    torch.testing.assert_close(found["output"], plain(network.normalize(PHOTO[None])).detach())
    assert found["0.module.0:relu"].min() == 0
    assert type(module[0]) is nn.DataParallel
    assert network.to("cpu").fingerprint == network.fingerprint


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.passes = nn.Conv2d(3, 4, 3), torch.zeros(1)

    def forward(self, images):
        self.passes += 1
        return self.conv(images)


def test_what_a_pass_counts_and_who_watches_gradients_is_the_callers():
    module, watched = seeded(Counting), []
    module.conv.register_full_backward_pre_hook(lambda *of: watched.append(of))
    climb(fv.Network(module, size=32), "conv:1 - 0.1*penalty:tv", size=24)
    assert module.passes == 0
    assert not watched
