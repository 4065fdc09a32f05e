"""Gradient ascent: right, alive in every unit, the same bits every time, and easy to stop."""

import gc
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

import featviz as fv
from featviz.ascent.climb import Plateau, _Climb
from featviz.ascent.effective_field import used_field
from featviz.ascent.plan import frame_numbers, plan, random_streams
from featviz.ascent.recipes import ACCENT, EXACT, LINEAR, STANDARD, Adam, Recipe
from featviz.images import natural
from featviz.images.fourier import Fourier
from featviz.images.maco import Maco
from featviz.images.natural import Natural
from featviz.images.pixels import Pixels
from featviz.images.transforms import Jitter, Transform
from featviz.images.transparency import Transparent
from featviz.measures.weights import bounded_optimum
from featviz.network.network import private_view
from featviz.objectives.penalties import L1, L2, Blur, TotalVariation
from featviz.objectives.resemblance import Resemblance
from featviz.objectives.units import Channel, DeepDream, Direction, Diversity, Logit, Neuron
from tests.networks import CLASSES, LAYERS, SmallCNN, eight_bit

GRAY = 0.02
"""Standard deviation below which an image looks gray: five steps of a byte."""

CONV3_UNITS = 10
PLAIN = Adam(rate=0.05, momentum=(0.5, 0.999), tail=0.5)


def climb(network, objectives, **options):
    options = {"size": 24, "steps": 4, "precision": "float32", "progress": False} | options
    return fv.maximize(network, objectives, **options)


def digest(images):
    return hashlib.sha256(images.numpy().tobytes()).hexdigest()


# ---- every objective rises ----------------------------------------------------------------------

VECTOR = tuple(float((3 * i) % 7 - 3) for i in range(CONV3_UNITS))
PARAMETERIZATIONS = [
    Pixels("sigmoid", noise=0.3),
    Pixels("clamp", noise=0.1),
    Fourier(noise=0.3),
    Maco(),
    Natural(noise=0.3),
    Transparent(Fourier(noise=0.3)),
]
of_the_network = st.one_of(
    st.builds(Channel, st.sampled_from(["conv1", "conv2", "conv3"]), st.integers(0, 7)),
    st.builds(Neuron, st.sampled_from(["conv1", "conv2", "conv3"]), st.integers(0, 7)),
    st.builds(Neuron, st.just("conv3"), st.integers(0, 9), st.just((1, 4))),
    st.builds(DeepDream, st.sampled_from(["conv2", "conv3:relu"])),
    st.builds(Direction, st.just("conv3"), st.just(VECTOR), st.booleans()),
    st.builds(Logit, st.integers(0, len(CLASSES) - 1)),
)
of_the_image = st.sampled_from([TotalVariation(), L1(), L2(), Blur(), Diversity("conv2")])
mixtures = st.one_of(
    of_the_network,
    st.builds(lambda a: -a, of_the_network),
    st.builds(lambda a, b: a + 0.5 * b, of_the_network, of_the_image),
    st.builds(lambda a, b: 0.5 * a - 0.25 * b, of_the_network, of_the_network),
)


@with_settings(max_examples=60)
@given(mixtures, st.sampled_from(PARAMETERIZATIONS), st.integers(0, 3))
def test_every_objective_rises_with_every_parameterization(small, objective, image, seed):
    result = climb(
        small,
        [objective, objective],
        steps=12,
        seed=seed,
        recipe=Recipe(image, (), PLAIN),
        frames=[0],
    )
    assert (result.values > result.frame_values[0]).all()


@pytest.mark.parametrize("penalty", [TotalVariation(), L1(), L2(), Blur()], ids=str)
@pytest.mark.parametrize("image", PARAMETERIZATIONS, ids=str)
def test_penalties_alone_calm_an_image(small, penalty, image):
    result = climb(small, penalty, steps=12, recipe=Recipe(image, (), PLAIN))
    assert result.history[0, 0] < result.history[-1, 0] < 0


def test_diversity_makes_twins_differ(small):
    twins = [Channel("conv3", 3)] * 3
    diverse = [Channel("conv3", 3) + 5 * Diversity("conv2")] * 3
    recipe = Recipe(Fourier(), (), PLAIN)
    alike = climb(small, twins, steps=40, recipe=recipe).images
    apart = climb(small, diverse, steps=40, recipe=recipe).images
    values = [fv.activations(small, x, ["conv2"]) for x in (alike, apart)]
    without, with_it = (Diversity("conv2")(v).mean() for v in values)
    assert with_it > without


def test_groups_that_must_differ_share_batches_whole_and_keep_their_bits(small):
    units = [Channel("conv3", u) + 5 * Diversity("conv3") for u in range(5)]
    objectives = tuple(unit for unit in units for _ in range(3))
    jobs = list(plan(small, objectives, None, 2, 32, 7))
    assert [len(job.rows) for job in jobs] == [6, 6, 3]
    together = climb(small, objectives, steps=2, size=32).images
    for first in (0, 6, 12):
        alone = climb(small, objectives[first : first + 3], steps=2, size=32).images
        assert alone.equal(together[first : first + 3])


@pytest.mark.parametrize("batch", [None, 3, 10_000])
@pytest.mark.parametrize(("gigabytes", "width"), [(4, 32), (24, 32), (48, 96), (140, 128)])
def test_passes_on_a_graphics_card_have_one_width(small, monkeypatch, batch, gigabytes, width):
    card = SimpleNamespace(total_memory=gigabytes * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: card)
    objectives = tuple(Channel("conv3", u % 10) for u in range(200))
    jobs = list(plan(small, objectives, None, 2, 128, batch, torch.device("cuda")))
    assert [job.width for job in jobs] == [width] * len(jobs)
    assert max(len(job.rows) for job in jobs) == (batch if batch == 3 else width)
    monkeypatch.setitem(vars(small), "kept_bytes", card.total_memory / 8 / 128**2 / 5.5)
    jobs = list(plan(small, objectives, None, 2, 128, batch, torch.device("cuda")))
    assert {job.width for job in jobs} == {5}
    assert {job.width for job in plan(small, objectives, None, 2, 128, batch)} == {0}


# ---- right --------------------------------------------------------------------------------------


def test_conv1_neurons_reach_their_exact_maximum_on_the_8_bit_image(alexnet):
    conv = alexnet.module.features[0]
    weight, bias = conv.weight.detach().double(), conv.bias.detach().double()
    mean, std = (torch.tensor(x).view(3, 1, 1).double() for x in (alexnet.mean, alexnet.std))
    # Linear in each pixel: at its maximum each is black or white.
    ends = torch.stack([weight * (0 - mean) / std, weight * (1 - mean) / std])
    best = bias + ends.max(0).values.sum((1, 2, 3))
    neurons = [Neuron("conv1", unit) for unit in range(64)]
    result = fv.maximize(alexnet, neurons, recipe=EXACT, progress=False)
    acts = fv.activations(alexnet, eight_bit(result.images), ["conv1"])["conv1"].double()
    center = acts.shape[2] // 2
    values = acts[:, :, center, center].diagonal()
    assert (values / best).min() >= 0.999
    torch.testing.assert_close(result.values.double(), values, rtol=1e-3, atol=1e-3)


def test_under_the_bound_conv1_neurons_reach_the_closed_form(alexnet):
    neurons = [Neuron("conv1", unit) for unit in range(64)]
    gray = fv.evaluate(alexnet, neurons, torch.full((64, 3, 13, 13), 0.5))
    # The closed form is the summit to first order in contrast: it takes no account of the sigmoid.
    for energy, least, most in ((natural.ENERGY, 0.9, 2.0), (1e-3, 0.83, 1.0)):
        recipe = replace(LINEAR, image=Natural(energy))
        result = fv.maximize(alexnet, neurons, recipe=recipe, progress=False)
        optimum = bounded_optimum(alexnet, "conv1", 13, energy)
        rise = fv.evaluate(alexnet, neurons, optimum) - gray
        share = (result.values - gray) / rise
        assert share.min() >= least
        assert share.max() <= most
    default = fv.maximize(alexnet, neurons[:2], progress=False).images
    assert default.equal(fv.maximize(alexnet, neurons[:2], recipe=LINEAR, progress=False).images)


def test_images_start_where_they_are_told(small):
    photo = torch.rand(3, 20, 24, generator=torch.Generator().manual_seed(5)) * 0.8 + 0.1
    recipe = Recipe(Pixels("clamp"), (), PLAIN)
    result = climb(small, [Channel("conv3", 1), Channel("conv3", 4)], size=None, start=photo,
                   frames=[0], recipe=recipe)  # fmt: skip
    assert result.images.shape == (2, 3, 20, 24)
    torch.testing.assert_close(result.frames[0], photo.expand(2, -1, -1, -1))
    own = torch.stack([photo, 1 - photo])
    apart = climb(small, [Channel("conv3", 1)] * 2, size=None, start=own, frames=[0], recipe=recipe)
    torch.testing.assert_close(apart.frames[0], own)


def test_a_start_is_left_as_near_as_resemblance_holds_it(small):
    photo = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(5)) * 0.5 + 0.25
    distances = []
    for weight in (0, 10, 1000):
        near = Channel("conv3", 1) + weight * Resemblance("image", photo)
        result = climb(small, near, start=photo, steps=16, recipe=ACCENT)
        distances.append((result.images - photo).square().mean().item())
    assert distances == sorted(distances, reverse=True)
    assert 0 < distances[2] < 0.1 * distances[0]


def test_images_of_one_stream_start_alike_and_are_changed_alike(small):
    objectives = [Channel("conv3", 1), Channel("conv3", 4), Channel("conv3", 4)]
    result = climb(small, objectives, streams=["a", "a", "b"], frames=[0])
    assert result.frames[0, 0].equal(result.frames[0, 1])
    assert not result.frames[0, 1].equal(result.frames[0, 2])
    same = climb(small, [Channel("conv3", 4)] * 2, streams=[0, 0])
    assert same.images[0].equal(same.images[1])
    assert climb(small, objectives[1], streams=["a"]).images[0].equal(result.images[1])


def test_streams_of_thousands_of_objectives_take_no_time():
    objectives = tuple(Channel("conv3", unit % 50) for unit in range(20_000))
    seeds = [stream.initial_seed() for stream in random_streams(objectives, 0)]
    assert len(set(seeds)) == len(seeds)


def test_values_are_those_of_the_images_given_back(small):
    objectives = [Channel("conv3", 1), Neuron("conv2", 3), DeepDream("conv2"), Logit(1)]
    result = climb(small, objectives, precision="bfloat16", frames="log")
    for row, objective in enumerate(objectives):
        acts = fv.activations(small, result.images[row], sorted(objective.layers))
        torch.testing.assert_close(result.values[row], objective(acts)[0], rtol=1e-4, atol=1e-5)
        acts = fv.activations(small, result.frames[1, row], sorted(objective.layers))
        expected = objective(acts)[0]
        torch.testing.assert_close(result.frame_values[1, row], expected, rtol=1e-4, atol=1e-5)


def test_without_transforms_history_is_the_objective_before_each_step(small):
    recipe = Recipe(Pixels(), (), PLAIN)
    result = climb(small, Channel("conv2", 2), recipe=recipe, frames=range(4))
    torch.testing.assert_close(result.history, result.frame_values, rtol=1e-4, atol=1e-5)


def test_gradient_norms_are_those_of_the_objective(small):
    recipe = Recipe(Pixels("clamp"), (), PLAIN)
    objective = DeepDream("conv2")
    result = climb(small, objective, recipe=recipe, frames=[0, 3])
    for frame, step in enumerate(result.frame_steps):
        images = result.frames[frame].clone().requires_grad_()
        view = private_view(small)
        value = view.features[2](view.features[1](view.features[0](small.normalize(images))))
        (gradient,) = torch.autograd.grad(value.square().mean(), images)
        torch.testing.assert_close(result.gradients[step, 0], gradient.norm(), rtol=1e-3, atol=0)


# ---- alive --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Channel, Neuron])
def test_no_unit_of_conv5_stays_gray(alexnet, kind):
    objectives = [kind("conv5", unit) for unit in range(5, 256, 32)]
    result = climb(alexnet, objectives, size=96, steps=6, precision="auto", frames=[0])
    assert result.gradients.min() > 0
    assert result.images.std((1, 2, 3)).min() > GRAY
    assert result.frames[0].std((1, 2, 3)).max() < GRAY  # gray is what they started from
    assert (result.values > result.frame_values[0] + 1).all()


def test_a_network_that_gray_leaves_silent_is_woken_by_louder_noise(module):
    """Batch norm and colorful training data make gray such an input: a layer is silent."""
    module.features[0].bias.data.fill_(-0.6)
    network = fv.Network(module, layers=LAYERS)
    gray = torch.full((3, 24, 24), 0.5)
    assert fv.activations(network, gray, "conv1").max() < 0
    objectives = [Channel("conv2", 3), Channel("conv1", 3)]
    result = climb(network, objectives, steps=32, recipe=STANDARD)
    assert result.gradients[0, 0] == 0
    assert result.gradients[-1, 0] > 0
    assert result.images.std((1, 2, 3)).min() > GRAY
    # What has a gradient is left alone.
    asleep = replace(STANDARD, image=Natural(wake=False))
    with pytest.warns(UserWarning, match=r"conv2:3\) stay as they began"):
        same = climb(network, objectives, steps=32, recipe=asleep)
    assert same.images[1].equal(result.images[1])
    assert same.images[0].std() < GRAY


def test_a_photograph_is_not_made_louder(module):
    module.features[0].bias.data.fill_(-9.0)
    network = fv.Network(module, layers=LAYERS)
    photo = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(0))
    with pytest.warns(UserWarning, match="stay as they began"):
        result = climb(network, Channel("conv2", 3), start=photo, steps=16, frames=[0])
    assert result.images.equal(result.frames[0])


def test_behind_the_relu_most_units_would_have_been_dead(alexnet):
    start = climb(alexnet, Channel("conv5", 0), size=163, steps=1, frames=[0]).frames[0]
    images = start.clone().requires_grad_()
    values = []
    view = private_view(alexnet)
    view.features[10].register_forward_hook(lambda m, i, value: values.append(value))
    view.features[11].inplace = True  # as torchvision builds it
    view(alexnet.normalize(images))
    (value,) = values
    middle = value.shape[2] // 2
    neurons = value[0, :, middle, middle]
    assert (neurons == 0).float().mean() > 0.9
    for unit in (neurons == 0).nonzero().flatten()[:3].tolist():
        (gradient,) = torch.autograd.grad(neurons[unit], images, retain_graph=True)
        assert gradient.abs().max() == 0
        alive = climb(alexnet, Neuron("conv5", unit), size=163, steps=1)
        assert alive.gradients[0, 0] > 0


# ---- the same bits ------------------------------------------------------------------------------

RECIPES = {
    "default": None,
    "sigmoid": Recipe(Pixels(), (Jitter(3),), PLAIN),
    "clamp": Recipe(Pixels("clamp"), (), PLAIN),
    "maco": Recipe(Maco(), STANDARD.transforms, PLAIN),
    "transparent": Recipe(Transparent(Fourier()), STANDARD.transforms, PLAIN),
}
SEVERAL = [
    Channel("conv3", 1),
    Neuron("conv3", 2),
    Channel("conv3", 4) - 0.5 * Channel("conv3", 5),
    Channel("conv3", 6) + 0.1 * TotalVariation(),
    DeepDream("conv3"),
    Logit(1),
    Channel("conv1", 1),
]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", RECIPES)
def test_an_images_bits_do_not_depend_on_its_batch(small, name, precision):
    options = {"recipe": RECIPES[name], "size": (33, 47), "precision": precision, "steps": 3}
    objectives = [*SEVERAL, *(Channel("conv3", u) for u in range(7, 10))]
    expected = climb(small, objectives, **options)
    for batch in (2, 7):
        result = climb(small, objectives, batch=batch, **options)
        assert result.images.equal(expected.images)
        assert result.values.equal(expected.values)
        assert result.history.equal(expected.history)
    backwards = climb(small, objectives[::-1], **options)
    assert backwards.images.flip(0).equal(expected.images)
    for row, objective in enumerate(objectives):
        alone = climb(small, objective, **options)
        assert alone.images[0].equal(expected.images[row])
        assert alone.values[0].equal(expected.values[row])
        assert alone.history[:, 0].equal(expected.history[:, row])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("size", [64, (67, 93)])
def test_alexnets_bits_do_not_depend_on_the_batch(alexnet, precision, size):
    options = {"size": size, "steps": 2, "precision": precision}
    objectives = [Channel("conv5", 3), Neuron("conv5", 9), Channel("conv5", 77)]
    expected = climb(alexnet, objectives, **options)
    assert climb(alexnet, objectives[::-1], **options).images.flip(0).equal(expected.images)
    for batch in (1, 2):
        assert climb(alexnet, objectives, batch=batch, **options).images.equal(expected.images)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("layer", ["conv1", "conv2", "conv3", "conv4", "conv5"])
def test_every_layers_bits_do_not_depend_on_the_batch(alexnet, precision, layer):
    for kind, size in ((Channel, 101), (Neuron, None)):
        options = {"size": size, "steps": 2, "precision": precision}
        objectives = [kind(layer, unit) for unit in range(9)]
        expected = climb(alexnet, objectives, **options)
        for batch in (2, 5):  # passes of 2 and 1, of 5 and 4
            result = climb(alexnet, objectives, batch=batch, **options)
            for name in ("images", "history", "gradients"):
                assert getattr(result, name).equal(getattr(expected, name)), name


def test_a_second_run_and_a_second_process_give_the_same_bits(alexnet):
    code = """if True:
        import hashlib, featviz as fv
        result = fv.maximize(
            fv.load("alexnet"), [fv.Channel("conv3", 5)], size=(67, 93), steps=3, seed=7
        )
        print(hashlib.sha256(result.images.numpy().tobytes()).hexdigest())
    """
    options = {"size": (67, 93), "steps": 3, "seed": 7, "precision": "auto"}
    first, second = (
        digest(climb(alexnet, [Channel("conv3", unit) for unit in units], **options).images[-1])
        for units in ([5], [8, 5])
    )
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    there = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert first == second == there.stdout.strip()


def test_the_seed_and_the_copy_change_the_image(small):
    twins = climb(small, [Channel("conv3", 1)] * 3, seed=0)
    assert len({digest(image) for image in twins.images}) == 3
    assert not climb(small, Channel("conv3", 1), seed=1).images[0].equal(twins.images[0])
    assert climb(small, [Channel("conv3", 1)] * 2, seed=0).images.equal(twins.images[:2])


def test_the_global_stream_is_neither_read_nor_moved(small):
    torch.manual_seed(1)
    first = climb(small, Channel("conv3", 1)).images
    after = torch.rand(3)
    torch.manual_seed(1)
    assert torch.rand(3).equal(after)
    torch.manual_seed(2)
    assert climb(small, Channel("conv3", 1)).images.equal(first)


# ---- frames, history, stopping ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "steps", "expected"),
    [
        ("log", 1, (0, 1)),
        ("log", 8, (0, 1, 2, 4, 8)),
        ("log", 9, (0, 1, 2, 4, 8, 9)),
        ((), 8, ()),
        ([8, 0, 3, 3], 8, (0, 3, 8)),
        (range(3), 8, (0, 1, 2)),
    ],
)
def test_frame_numbers(frames, steps, expected):
    assert frame_numbers(frames, steps) == expected


def test_frames_are_the_images_before_their_steps(small):
    result = climb(small, [Channel("conv3", 1), Logit(2)], frames="log", steps=5)
    assert result.frame_steps == (0, 1, 2, 4, 5)
    assert result.frames.shape == (5, 2, 3, 24, 24)
    assert result.frame_values.shape == (5, 2)
    assert result.frames[-1].equal(result.images)
    assert result.frame_values[-1].equal(result.values)
    assert not result.frames[0].equal(result.frames[1])
    without = climb(small, [Channel("conv3", 1), Logit(2)], steps=5)
    assert without.images.equal(result.images)  # looking changes nothing
    assert without.frames.shape == (0, 2, 3, 24, 24)


def test_shapes_and_types(small):
    result = climb(small, [Channel("conv3", 1), Channel("conv2", 1)], size=(20, 31), steps=3)
    assert result.objectives == (Channel("conv3", 1), Channel("conv2", 1))
    assert result.images.shape == (2, 3, 20, 31)
    assert result.alpha.shape == (2, 1, 20, 31)
    assert result.alpha.unique().tolist() == [1]
    assert result.history.shape == result.gradients.shape == (3, 2)
    assert result.values.shape == (2,)
    assert result.history.isfinite().all()
    assert (result.gradients > 0).all()
    assert result.precision == "float32"
    assert not result.interrupted
    for tensor in (result.images, result.alpha, result.values, result.history, result.frames):
        assert tensor.dtype == torch.float32
        assert tensor.device.type == "cpu"
        assert not tensor.requires_grad


def test_transparent_images_bring_their_opacity(small):
    result = climb(small, Channel("conv3", 1), recipe=Recipe(Transparent(Fourier()), (), PLAIN))
    assert 0 < result.alpha.min() < 0.5 < result.alpha.max() < 1


def stop_at(numbers):
    """Stops images one by one; a column must be judged by itself, so by its first value."""

    def stop(history):
        limits = torch.tensor([numbers[round(value.item(), 4)] for value in history[0]])
        return len(history) >= limits

    return stop


@pytest.mark.parametrize("recipe", [None, Recipe(Pixels("clamp"), (), PLAIN)])
def test_an_image_stopped_early_keeps_its_bits_whatever_its_batch(small, recipe):
    objectives = [Channel("conv3", unit) for unit in range(4)]
    starts = climb(small, objectives, recipe=recipe, steps=1).history[0]
    numbers = {round(v.item(), 4): n for v, n in zip(starts, (3, 8, 1, 5), strict=True)}
    options = {"recipe": recipe, "steps": 6, "frames": [0, 4, 6], "stop": stop_at(numbers)}
    result = climb(small, objectives, **options)
    counts = result.history.isfinite().sum(0)
    assert counts.tolist() == [3, 6, 1, 5]
    assert result.gradients.isfinite().equal(result.history.isfinite())
    for column, count in enumerate(counts.tolist()):
        assert result.history[:count, column].isfinite().all()  # NaN only afterwards
    assert result.frames[1, 0].equal(result.images[0])
    for batch in (1, 2, 3):
        again = climb(small, objectives, batch=batch, **options)
        assert again.images.equal(result.images)
        assert again.frames.equal(result.frames)
        assert again.history.nan_to_num(-1).equal(result.history.nan_to_num(-1))


@pytest.mark.parametrize(
    ("objectives", "recipe"),
    [
        ([Channel("conv3", unit) for unit in range(5)], STANDARD),
        ([Channel("conv3", u) + 5 * Diversity("conv2") for u in (1, 2, 1, 2, 2)], STANDARD),
        ([Channel("conv3", unit) - TotalVariation() for unit in range(5)], STANDARD),
        ([DeepDream("conv2")] * 5, Recipe(Transparent(Fourier()), optimizer=PLAIN)),
        ([Neuron("conv1", unit) for unit in range(5)], Recipe(Pixels("clamp"), (), PLAIN)),
    ],
    ids=["channel", "diverse", "penalty", "transparent", "exact"],
)
def test_batches_change_nothing(small, objectives, recipe):
    starts = climb(small, objectives, recipe=recipe, steps=1).history[0]
    numbers = dict(zip([round(v.item(), 4) for v in starts], (3, 8, 1, 5, 2), strict=True))
    options = {"recipe": recipe, "steps": 6, "frames": [0, 4, 6], "stop": stop_at(numbers)}
    whole = climb(small, objectives, **options)
    for images in (1, 2):
        parts = climb(small, objectives, **options, batch=images)
        for name in ("images", "alpha", "values", "frames", "frame_values"):
            assert getattr(parts, name).equal(getattr(whole, name)), name
        for name in ("history", "gradients"):
            before, after = getattr(whole, name).nan_to_num(-1), getattr(parts, name).nan_to_num(-1)
            assert after.equal(before), name


@dataclass(frozen=True)
class Recording(Transform):
    """Notes what it is given."""

    calls: list = field(default_factory=list, hash=False)
    draws = 2

    def __call__(self, images, uniform, step):
        self.calls.append((step, uniform.clone()))
        return images


def test_each_step_is_told_its_number_and_draws_anew(small):
    recording = Recording()
    recipe = Recipe(Fourier(), (Jitter(1), recording), PLAIN)
    climb(small, [Channel("conv3", 1), Channel("conv3", 2)], recipe=recipe, steps=3)
    assert [step for step, _ in recording.calls] == [0, 1, 2]
    draws = torch.cat([numbers for _, numbers in recording.calls])
    assert draws.shape == (6, 2)
    assert len(draws.unique()) == 12  # no two steps and no two images share a number


def test_a_plateau_is_seen_where_there_is_one():
    plateau = Plateau(window=4, tolerance=0.01)
    rising = torch.arange(1.0, 9.0)
    history = torch.stack([rising, torch.full((8,), 5.0), -rising, torch.full((8,), torch.nan)], 1)
    assert plateau(history).tolist() == [False, True, True, False]
    assert plateau(history[:7]).tolist() == [False] * 4  # two windows are needed


def test_a_plateau_ends_the_run(small):
    stop = Plateau(window=8, tolerance=0.05)
    recipe = Recipe(Pixels("clamp"), (), Adam(rate=0.1))
    result = climb(small, Channel("conv1", 3), recipe=recipe, steps=200, stop=stop)
    whole = climb(small, Channel("conv1", 3), recipe=recipe, steps=200)
    count = result.history.isfinite().sum().item()
    assert 16 <= count < 200
    assert result.history.shape == (200, 1)
    assert result.values[0] > 0.95 * whole.values[0]


def test_recipes_of_different_length_share_a_history(small):
    result = fv.maximize(
        small,
        [Channel("conv3", 1), Channel("conv1", 1)],
        size=24,
        frames="log",
        precision="float32",
        progress=False,
    )
    assert result.history.shape == (96, 2)
    assert result.history[:, 0].isfinite().all()
    assert result.history[:48, 1].isfinite().all()
    assert result.history[48:, 1].isnan().all()
    assert result.frame_steps == (0, 1, 2, 4, 8, 16, 32, 64, 96)
    assert result.frames[-1].equal(result.images)
    assert result.frames[7:, 1].unique(dim=0).shape[0] == 1


def test_the_callback_is_told_each_step_of_each_batch(small):
    calls = []
    result = climb(
        small,
        [Channel("conv3", unit) for unit in range(3)],
        steps=2,
        batch=2,
        callback=lambda step, values: calls.append((step, values.clone())),
    )
    assert [step for step, _ in calls] == [0, 1, 0, 1]
    assert [len(values) for _, values in calls] == [2, 2, 1, 1]
    assert torch.cat([calls[0][1], calls[2][1]]).equal(result.history[0])


def test_ctrl_c_gives_back_what_there_is(small):
    def interrupt(step, values):
        if step == 2 and len(values) == 1:
            raise KeyboardInterrupt

    objectives = [Channel("conv3", unit) for unit in range(5)]
    options = {"steps": 6, "frames": [0, 2, 6]}
    result = climb(small, objectives, batch=1, callback=interrupt, **options)
    assert result.interrupted
    assert result.objectives == tuple(objectives[:1])
    assert result.images.shape == (1, 3, 24, 24)
    assert result.history[:3].isfinite().all()
    assert result.history[3:].isnan().all()
    assert result.values.isfinite().all()
    assert result.frames.shape == (3, 1, 3, 24, 24)
    whole = climb(small, objectives, **options)
    assert result.frames[:2, 0].equal(whole.frames[:2, 0])
    assert climb(small, objectives[0], steps=6).images.equal(whole.images[:1])


def test_ctrl_c_in_a_later_batch_keeps_the_earlier_ones(small):
    def interrupt(step, values):
        if len(values) == 1:
            raise KeyboardInterrupt

    objectives = [Channel("conv3", unit) for unit in range(5)]
    result = climb(small, objectives, batch=4, callback=interrupt)
    whole = climb(small, objectives, batch=4)
    assert result.interrupted
    assert len(result.images) == 5
    assert result.images[:4].equal(whole.images[:4])


@pytest.mark.parametrize("part", ["__init__", "exact"])
def test_ctrl_c_between_the_steps_keeps_what_they_made(small, monkeypatch, part):
    calls, real = [], getattr(_Climb, part)

    def interrupted(*arguments):
        calls.append(part)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    objectives = [Channel("conv3", unit) for unit in range(4)]
    whole = climb(small, objectives, batch=2)
    monkeypatch.setattr(_Climb, part, interrupted)
    result = climb(small, objectives, batch=2)
    assert result.interrupted
    done = 2 if part == "__init__" else 4
    assert result.images.equal(whole.images[:done])
    assert result.values.equal(whole.values[:done])


# ---- bad input ----------------------------------------------------------------------------------

TWO = [Channel("conv3", 1), Channel("conv3", 4)]


@pytest.mark.parametrize(
    ("objectives", "options", "message"),
    [
        ([], {}, r"no objective to maximize; name at least one, Channel\('conv5', 12\) say"),
        (Channel("conv4", 0), {}, "small has no layer 'conv4'; did you mean"),
        (Channel("conv3", 10), {}, "conv3 of small has units 0 to 9, not 10"),
        (Channel("conv3", 1), {"steps": 0}, "steps is a whole number, at least 1, not 0"),
        (Channel("conv3", 1), {"steps": 1.5}, r"steps is a whole number, at least 1, not 1\.5"),
        (Channel("conv3", 1), {"batch": 0}, "batch is a whole number, at least 1, not 0"),
        (Channel("conv3", 1), {"size": 0}, "size is a whole number of pixels, at least 1, or"),
        (Channel("conv3", 1), {"size": (9, -1)}, r"a pair of them \(height, width\), not \(9, -1"),
        (Channel("conv3", 1), {"size": 32.0}, r"size is a whole number of .*, not 32\.0"),
        (Channel("conv3", 1), {"size": (3, 9, 9)}, r"size is a whole number of .*, not \(3, 9, 9"),
        (Channel("conv3", 1), {"size": 2}, "an image of 2 x 2 px is too small to reach conv3"),
        (Channel("conv3", 1), {"size": (40, 1)}, "an image of 1 x 40 px is too small to reach"),
        (["conv1:1", "conv3:1@50,50"], {}, "conv3:1@50,50 asks for a position outside of the map"),
        (["conv1:1", "conv3:1~50"], {}, "conv3:1~50 leaves nothing of the map of conv3, which is"),
        (["conv3:1", "conv3:1~50"], {}, "conv3:1~50 leaves nothing of the map of conv3, which is"),
        (Channel("conv3", 1), {"device": "cpu:x"}, "this machine has no device 'cpu:x'; it has"),
        (Channel("conv3", 1), {"device": "tpu"}, "this machine has no device 'tpu'; it has .*cpu"),
        (Channel("conv3", 1), {"precision": "half"}, "precision is one of auto, .* not 'half'"),
        (Neuron("output", 1), {"size": None}, "output of small has no receptive field in pixels"),
        (
            [Neuron("conv1", 1), Neuron("conv3", 1)],
            {"size": None},
            r"canvases of different sizes, 5 x 5 and \d+ x \d+ px; give one size for all",
        ),
        (
            TWO,
            {"start": torch.zeros(3, 3, 24, 24)},
            "start holds one image, or one for each of 2, not 3",
        ),
        (TWO, {"start": torch.zeros(3, 20, 24)}, "20 x 24 px, but size is 24; leave size out"),
        (TWO, {"start": torch.full((3, 24, 24), 2.0)}, r"values in \[0, 1\], not from 2 to 2"),
        (TWO, {"streams": ["a"]}, "streams hold one label per image, 2 here, not 1"),
        (Channel("conv3", 1), {"frames": [0, 9]}, "frames are steps from 0 to 4, not 9"),
        (Channel("conv3", 1), {"frames": [-1]}, "frames are steps from 0 to 4, not -1"),
        (Channel("conv3", 1), {"frames": "every"}, "numbers of steps or 'log', not 'every'"),
        (Channel("conv3", 1), {"frames": 3}, "frames are numbers of steps or 'log', not 3"),
        (Channel("conv3", 1), {"recipe": "HIGHEST"}, "a recipe is a Recipe, .* say, not 'HIGHEST'"),
    ],
)
def test_bad_input_is_one_clear_sentence(small, objectives, options, message):
    with pytest.raises(ValueError, match=message) as error:
        climb(small, objectives, callback=lambda *_: pytest.fail("a step was taken"), **options)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("frame", [0.5]), ("seed", 0.0), ("seed", None), ("seed", torch.tensor(0.5))],
)
def test_steps_and_seeds_are_whole_numbers(small, name, value):
    with pytest.raises(TypeError, match=f"a {name} is a whole number, not"):
        climb(small, Channel("conv3", 1), **{"frames" if name == "frame" else name: value})


@dataclass(frozen=True)
class Picky(fv.Objective):
    """What can't be asked of a flat map."""

    layers = frozenset({"conv2"})

    def __call__(self, values):
        assert values["conv2"].std() > 0
        return values["conv2"].mean((1, 2, 3))


def test_objectives_of_ones_own_see_what_the_network_says_alone(small):
    assert climb(small, Picky(), steps=2).values.isfinite().all()


@pytest.mark.parametrize("objectives", [3, [3], ["conv3:1", None]])
def test_what_is_no_objective_is_quoted(small, objectives):
    with pytest.raises(TypeError, match=r"an objective is a Channel, .*, not (3|None)"):
        climb(small, objectives)


def test_texts_and_class_names_are_objectives(small):
    by_text = climb(small, ["conv2:1", "logit:bee", "elk"], steps=2)
    by_object = climb(small, [Channel("conv2", 1), Logit(1), Logit(4)], steps=2)
    assert by_text.objectives == by_object.objectives
    assert by_text.images.equal(by_object.images)
    assert climb(small, "conv2:1", steps=2).images.equal(by_object.images[:1])


# ---- canvases, batches, memory ------------------------------------------------------------------


def test_neurons_get_the_canvas_of_the_field_that_they_use(small, alexnet):
    result = climb(small, Neuron("conv3", 1), size=None, steps=1)
    assert result.images.shape[-1] == used_field(small, "conv3").canvas()
    result = climb(alexnet, Neuron("conv2", 1), size=None, steps=1)
    assert result.images.shape == (1, 3, 45, 45)
    for objective in (-Neuron("conv2", 1), Neuron("conv2", 1) + 0.1 * TotalVariation()):
        result = climb(alexnet, objective, size=None, steps=1)
        assert result.images.shape == (1, 3, 45, 45)
    both = climb(small, Neuron("conv1", 1) - Neuron("conv3", 1), size=None, steps=1)
    assert both.images.shape[-1] == used_field(small, "conv3").canvas()
    assert climb(small, Neuron("conv3", 1, (0, 0)), size=None, steps=1).images.shape[-1] == 160
    assert climb(small, Channel("conv3", 1), size=None, steps=1).images.shape[-1] == 160


def test_memory_stays_flat_over_many_calls():
    network = fv.Network(SmallCNN().eval(), layers=LAYERS, classes=CLASSES)
    objectives = [Channel("conv3", 1), Logit(2), DeepDream("conv2")]

    def run(times):
        for _ in range(times):
            climb(network, objectives, steps=2, frames=[0])

    def live_objects():
        """How many modules, streams and tensors there are, and the bytes in the tensors."""
        gc.collect()
        kinds = [(type(thing), thing) for thing in gc.get_objects()]
        counts = [
            sum(issubclass(kind, base) for kind, _ in kinds)
            for base in (torch.nn.Module, torch.Generator, torch.Tensor)
        ]
        tensors = [thing for kind, thing in kinds if issubclass(kind, torch.Tensor)]
        return counts, sum(tensor.untyped_storage().nbytes() for tensor in tensors)

    run(3)  # caches fill
    before = live_objects()
    run(10)
    assert live_objects() == before
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.module.modules())
