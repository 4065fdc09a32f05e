"""A batch is scored each image by its own objective, on the way up and afterwards."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import register_parametrization

import featviz as fv
from featviz.ascent.score import Scorer, is_linear_in_image, redirected_relu
from featviz.network.network import private_view
from featviz.network.passes import run_to
from featviz.objectives.penalties import L2, TotalVariation
from featviz.objectives.units import Channel, DeepDream, Direction, Diversity, Logit, Neuron
from tests.networks import LAYERS, SmallCNN

CPU = torch.device("cpu")
MIXTURE = [
    Channel("conv3", 1),
    Neuron("conv3", 2),
    Channel("conv3", 1),
    Direction("conv3", tuple(float(i % 3) for i in range(10))),
    0.5 * Channel("conv3", 4) - Neuron("conv3", 4, (0, 1)),
]


def some_images(count, size=24, seed=0):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def scores(network, objectives, images, precision=torch.float32, width=0):
    """Values and their gradients with respect to the images."""
    images = images.clone().requires_grad_()
    scorer = Scorer(network, objectives, CPU, precision, width)
    values = scorer(network.normalize(images), images)
    (gradient,) = torch.autograd.grad(values.sum(), images)
    return values.detach(), gradient


@pytest.mark.parametrize("layer", ["conv1", "conv3", "conv3:relu"])
def test_images_that_fill_up_a_pass_change_nothing(small, layer):
    images = some_images(3)
    objectives = [Channel(layer, 0), 2 * Channel(layer, 1), Channel(layer, 0)]
    expected = scores(small, objectives, images)
    for values, other in zip(scores(small, objectives, images, width=8), expected, strict=True):
        torch.testing.assert_close(values, other, rtol=1e-5, atol=1e-7)


def direct(network, objectives, images):
    """The same by plain autograd, one objective at a time."""
    images = images.clone().requires_grad_()
    values = []
    for row, objective in enumerate(objectives):
        refs = [network.resolve(name) for name in sorted(objective.layers - {"image"})]
        view = private_view(network, refs).to(memory_format=torch.channels_last)
        answers = run_to(view, network.normalize(images), refs) if refs else {}
        answers["image"] = images
        values.append(objective({name: value[row : row + 1] for name, value in answers.items()}))
    (gradient,) = torch.autograd.grad(torch.cat(values).sum(), images)
    return torch.cat(values).detach(), gradient


@pytest.mark.parametrize(
    "objectives",
    [
        MIXTURE,
        [Channel("conv3", 1), Neuron("conv3", 2), Neuron("conv3", 2), Channel("conv3", 1)],
        [Channel("conv1", 3), Neuron("conv1", 5)],
        [Channel("conv2:relu", 3), Channel("conv2:relu", 4)],
        [DeepDream("conv2"), Channel("conv2", 3)],
        [Logit(2), Logit(0), Logit(2)],
        [Channel("conv2", 3) + Logit(1), Channel("conv3", 2) + L2()],
        [TotalVariation(), L2()],
        [Channel("features.5", 3)],  # a pooling, whose gradient isn't constant
    ],
    ids=lambda objectives: " | ".join(map(str, objectives))[:60],
)
def test_values_and_gradients_are_each_images_own(small, objectives):
    images = some_images(len(objectives))
    expected, plain = direct(small, objectives, images)
    values, gradient = scores(small, objectives, images)
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradient, plain, rtol=1e-4, atol=1e-5 * plain.abs().max().item())
    assert plain.flatten(1).norm(dim=1).min() > 0
    torch.testing.assert_close(
        fv.evaluate(small, objectives, images), expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("layer", ["conv1", "conv3", "conv5"])
def test_shortcuts_change_nothing_on_alexnet(alexnet, layer):
    objectives = [Channel(layer, 1), Neuron(layer, 7), Channel(layer, 30)]
    images = some_images(3, 80)
    values, gradient = scores(alexnet, objectives, images)
    expected, plain = direct(alexnet, objectives, images)
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-4)
    assert (gradient - plain).norm() < 1e-4 * plain.norm()


@pytest.mark.parametrize("batch", [1, 2, 3, None])
def test_the_batch_bounds_the_memory_and_leaves_the_bits_alone(alexnet, batch):
    objectives = [Channel("conv3", u) if u % 2 else Neuron("conv2:relu", u) for u in range(7)]
    images = some_images(7, 64)
    whole = fv.evaluate(alexnet, objectives, images, batch=7)
    assert fv.evaluate(alexnet, objectives, images, batch=batch).equal(whole)


def test_images_that_must_differ_are_scored_together_in_any_batch(small):
    objectives = [Diversity("conv2"), Channel("conv2", 3), Diversity("conv2"), Diversity("conv1")]
    images = some_images(4)
    whole = fv.evaluate(small, objectives, images)
    assert whole[3] == 0 != whole[0]
    assert fv.evaluate(small, objectives, images, batch=1).equal(whole)


def test_one_objective_is_for_all_images_and_texts_and_classes_are_objectives(small):
    images = some_images(3)
    expected = fv.evaluate(small, [Channel("conv3", 1)] * 3, images)
    assert fv.evaluate(small, Channel("conv3", 1), images).equal(expected)
    assert fv.evaluate(small, "conv3:1", images).equal(expected)
    alone = fv.evaluate(small, ["conv3:1"], images[1])
    assert alone.equal(expected[1:2])
    logits = fv.activations(small, images, "output")
    values = fv.evaluate(small, ["dog", "logit:ELK", Logit("ant")], images)
    torch.testing.assert_close(values, logits[range(3), [3, 4, 0]])


@pytest.mark.parametrize(
    ("objectives", "error", "message"),
    [
        (["conv3:1", "conv3:2"], ValueError, "one objective for all images or one for each of 3, "),
        ([], ValueError, "one objective for all images or one for each of 3, not 0"),
        ("conv3:10", ValueError, "conv3 of small has units 0 to 9, not 10"),
        ("conv3", ValueError, "can't read the objective 'conv3'; it looks like one of conv5:12, "),
        ("bees", ValueError, "small knows no class 'bees'; the nearest are bee "),
        (3, TypeError, "an objective is a Channel, a Neuron or the like, or its text, 'conv5:12'"),
    ],
)
def test_what_cannot_be_scored_is_said(small, objectives, error, message):
    with pytest.raises(error, match=message):
        fv.evaluate(small, objectives, some_images(3))


def test_no_images_have_no_values(small):
    assert fv.evaluate(small, "conv3:1", torch.rand(0, 3, 24, 24)).shape == (0,)


def test_bfloat16_stays_close(alexnet):
    objectives = [Channel("conv3", 1), Channel("conv3", 30)]
    images = some_images(2, 64)
    values, gradient = scores(alexnet, objectives, images, torch.bfloat16)
    expected, plain = scores(alexnet, objectives, images)
    assert values.dtype == gradient.dtype == torch.float32
    torch.testing.assert_close(values, expected, rtol=0.05, atol=0.05)
    cosine = nn.functional.cosine_similarity(gradient.flatten(1), plain.flatten(1))
    assert cosine.min() > 0.97


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_an_images_bits_are_the_same_alone_and_among_others(small, precision):
    images = some_images(len(MIXTURE))
    values, gradients = scores(small, MIXTURE, images, precision)
    for i, objective in enumerate(MIXTURE):
        value, gradient = scores(small, [objective], images[i : i + 1], precision)
        assert value.equal(values[i : i + 1])
        assert gradient.equal(gradients[i : i + 1])


def test_diversity_is_among_equal_objectives_only(small):
    alike, other = Diversity("conv2"), Diversity("conv2") + Channel("conv2", 0)
    images = some_images(3)
    values, _ = scores(small, [alike, alike, other], images)
    maps = fv.activations(small, images, ["conv2"])["conv2"]
    torch.testing.assert_close(values[:2], alike({"conv2": maps[:2]}), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(values[2], other({"conv2": maps[2:]})[0], rtol=1e-4, atol=1e-5)


class Broken(nn.Module):
    def forward(self, images):
        raise AssertionError


class Counting(nn.Module):
    """Counts how often a weight is asked for."""

    calls = 0

    def forward(self, weight):
        Counting.calls += 1
        return weight


def test_nothing_runs_behind_the_target_nor_a_linear_target_itself():
    module = SmallCNN()
    module.features[7] = Broken()
    network = fv.Network(module, layers=LAYERS)
    scores(network, [DeepDream("conv3")], some_images(1))
    register_parametrization(module.features[6], "weight", Counting(), unsafe=True)
    scorer = Scorer(network, [Channel("conv3", 1)], CPU, torch.float32)
    Counting.calls = 0
    for seed in range(3):
        scorer(network.normalize(some_images(1, seed=seed)), some_images(1))
    assert Counting.calls == 1  # for the constant


def test_a_dead_relu_lets_its_image_start():
    values = torch.tensor([[-1.0, -2.0], [-1.0, 2.0]], requires_grad=True)
    outputs = redirected_relu(values)
    assert outputs.tolist() == [[0, 0], [0, 2]]
    (gradient,) = torch.autograd.grad(outputs, values, torch.tensor([[3.0, 4.0], [5.0, 6.0]]))
    assert gradient.tolist() == [[3, 4], [0, 6]]
    # A gradient that only asks for what is dead passes, though others are alive.
    outputs = redirected_relu(values)
    (gradient,) = torch.autograd.grad(outputs, values, torch.tensor([[0.0, 4.0], [5.0, 0.0]]))
    assert gradient.tolist() == [[0, 4], [5, 0]]
    # What would push a dead value lower is lost all the same.
    outputs = redirected_relu(values)
    (gradient,) = torch.autograd.grad(outputs, values, torch.tensor([[-3.0, 4.0], [-5.0, 0.0]]))
    assert gradient.tolist() == [[0, 4], [0, 0]]


def test_an_image_that_excites_nothing_can_start_to_climb():
    module = SmallCNN()
    nn.init.constant_(module.features[6].bias, -100.0)
    network = fv.Network(module, layers=LAYERS)
    images = some_images(2)
    values, gradient = scores(network, [Channel("conv3:relu", 1), Channel("conv3:relu", 2)], images)
    assert values.tolist() == [0, 0]
    _, expected = scores(network, [Channel("conv3", 1), Channel("conv3", 2)], images)
    torch.testing.assert_close(gradient, expected)
    assert gradient.flatten(1).norm(dim=1).min() > 0
    # One that is to excite nothing is where it should be, and stays.
    _, gradient = scores(network, [-Channel("conv3:relu", 1)], images[:1])
    assert gradient.abs().max() == 0


@pytest.mark.parametrize(
    ("objective", "linear"),
    [
        (Channel("conv1", 0), True),
        (Neuron("features.0", 0), True),
        (Direction("conv1", (1.0,) * 8), True),
        (2 * Channel("conv1", 0) - Neuron("conv1", 1), True),
        (Channel("conv1:relu", 0), False),
        (Direction("conv1", (1.0,) * 8, cosine=True), False),
        (DeepDream("conv1"), False),
        (Channel("conv2", 0), False),
        (Channel("conv1", 0) + Channel("conv2", 0), False),
        (Channel("features.1", 0), False),
        (TotalVariation(), False),
    ],
    ids=str,
)
def test_which_objectives_are_linear_in_the_image(small, objective, linear):
    assert is_linear_in_image(small, objective) is linear


def test_a_penalty_makes_a_sum_nonlinear(small):
    assert not is_linear_in_image(small, Channel("conv1", 0) + TotalVariation())
