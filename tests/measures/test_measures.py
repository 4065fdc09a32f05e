"""Measures against what is known exactly: linear filters, geometry, gradients."""

import copy
import math

import pytest
import torch
from torch import nn

import featviz as fv
from featviz.ascent.recipes import EXACT
from featviz.images.natural import ENERGY, bounded
from featviz.images.pixels import TILE
from featviz.measures import tuning
from featviz.measures.activity import measure_activity
from featviz.measures.gratings import GRAY, Gratings, hue_axis
from featviz.measures.weights import (
    as_pictures,
    bounded_optimum,
    first_weights,
    gray_share,
    input_weights,
    module_read,
    optimum,
)
from featviz.network.padding import unpadded_places
from tests.networks import Branched, GrayCNN

FEW = Gratings(hues=2, orientations=4, frequencies=(0.0, 0.125, 0.25), phases=4)


def network(weights, padding=0):
    """A network of one convolution with the given filters (units, 3, k, k)."""
    convolution = nn.Conv2d(3, len(weights), weights.shape[-1], padding=padding, bias=False)
    convolution.weight.data = weights
    return fv.Network(nn.Sequential(convolution), (0, 0, 0), (1, 1, 1), {"only": "0"})


def gabor(angle, frequency, color, size=16, phase=0.0):
    """A filter that is itself a grating: stripes at `angle` degrees, counterclockwise."""
    offset = torch.arange(size) - (size - 1) / 2
    across = math.radians(angle + 90)
    run = math.cos(across) * offset - math.sin(across) * offset[:, None]
    return torch.tensor(color)[:, None, None] * (2 * math.pi * (frequency * run - phase)).cos()


WHITE = (1.0, 1.0, 1.0)
RED_CYAN = (2.0, -1.0, -1.0)


def test_gratings_are_images_around_gray_with_one_contrast():
    images = FEW.images(0, 32, 15.5)
    assert images.shape == (4 * 3 * 4, 3, 32, 32)
    assert 0 <= images.min() < images.max() <= 1
    for color in range(FEW.shape[0]):
        waves = FEW.images(color, 32, 15.5).unflatten(0, FEW.shape[1:])[:, 1, 0] - GRAY
        # Whole cycles fit in 32 px: every grating has its mean in gray and the same power.
        torch.testing.assert_close(waves[[0, 2]].mean((2, 3)), torch.zeros(2, 3), atol=1e-5, rtol=0)
        power = waves[[0, 2]].square().sum(1).mean((1, 2))
        torch.testing.assert_close(power, torch.full((2,), 0.18), atol=1e-4, rtol=0)


def test_orientation_counts_counterclockwise_from_horizontal_stripes():
    horizontal, rising = FEW.images(0, 16, 7.5).unflatten(0, FEW.shape[1:])[:2, 2, 0, 0]
    assert horizontal.std(1).max() < 1e-6  # constant along each row
    # Stripes at 45 degrees go up to the right: one right, one up is the same place of the wave.
    torch.testing.assert_close(rising[1:, :-1], rising[:-1, 1:])


def test_the_usual_gratings_cover_half_turns_evenly_and_frequencies_by_half_octaves():
    usual = Gratings()
    assert usual.angles.tolist() == list(range(0, 180, 10))
    gray, *hues = usual.colors
    torch.testing.assert_close(usual.colors.norm(dim=1), torch.ones(7))
    assert gray.unique().numel() == 1
    torch.testing.assert_close(torch.stack(hues), hue_axis(torch.arange(0, 180, 30)))
    plain, *waves = usual.frequencies
    assert (plain, waves[0]) == (0, 0.02)
    assert waves[-1] < 0.5  # what pixels hold
    octaves = torch.tensor(waves).log2().diff()
    torch.testing.assert_close(octaves, torch.full_like(octaves, 0.5), atol=0.03, rtol=0)


def test_phases_count_from_a_crest_in_the_center():
    waves = FEW.images(0, 16, 5.0).unflatten(0, FEW.shape[1:])[:, 1] - GRAY
    amplitude = 0.6 / 3**0.5
    for angle in range(4):
        here = waves[angle, :, 0, 5, 5]  # at the center, phase by phase
        expected = torch.tensor([amplitude, 0, -amplitude, 0])
        torch.testing.assert_close(here, expected, atol=1e-5, rtol=0)
    # A quarter of a cycle on, the crest of vertical stripes lies 2 of 8 px farther to the left.
    assert (waves[2, 1, 0, 5].argmax() % 8).item() == 5 - 2


def test_hues_lie_at_right_angles_to_gray():
    axes = hue_axis(torch.tensor([0.0, 120.0, 240.0]))
    torch.testing.assert_close(axes.sum(1), torch.zeros(3), atol=1e-6, rtol=0)
    assert axes.argmax(1).tolist() == [0, 1, 2]


@pytest.mark.parametrize(("angle", "frequency"), [(0, 0.125), (45, 0.25), (90, 0.125), (135, 0.25)])
def test_a_filter_prefers_the_grating_it_is_made_of(angle, frequency):
    net = network(gabor(angle, frequency, WHITE)[None])
    found = tuning.preferences(tuning.measure_tuning(net, "only", FEW))
    assert tuning.orientation_distance(found.orientation, torch.tensor(float(angle))) < 1
    assert found.frequency.item() == frequency
    assert found.selectivity > 0.7
    assert found.color < 0.1
    assert found.tolerance.item() == pytest.approx(-1, abs=1e-4)


def test_color_and_hue_of_a_colored_filter():
    patch = torch.tensor(RED_CYAN)[:, None, None].expand(3, 16, 16)
    found = tuning.preferences(tuning.measure_tuning(network(patch[None].clone()), "only", FEW))
    assert found.color > 0.99
    assert found.hue.item() == 0
    assert found.frequency.item() == 0
    assert found.selectivity < 1e-3
    patches = torch.stack([patch, -patch, patch.roll(1, 0), -patch.roll(1, 0)])
    found = tuning.preferences(tuning.measure_tuning(network(patches), "only"))
    assert found.hue.tolist() == [0, 180, 120, 300]


def answers(*places):
    """Responses of one unit to `FEW`, 0 but for (color, orientation, frequency, phase): value."""
    responses = torch.zeros(FEW.shape)
    for place, value in places:
        responses[place] = value
    return responses


def test_a_unit_alike_in_all_orientations_has_no_selectivity_whatever_rounds():
    flat = answers(*(((0, orientation, 2, 0), 0.1) for orientation in range(FEW.shape[1])))
    found = tuning.preferences(tuning.Tuning("only", FEW, flat[None]))
    assert found.selectivity.tolist() == [0]


def test_preferences_by_hand():
    gray = answers(
        ((0, 1, 2, 3), 4.0),  # the best: light at 45 degrees and 0.25 cycles per pixel
        ((0, 3, 2, 1), 1.0),  # at right angles to it
        ((0, 1, 1, 0), 1.0),  # an octave below
        ((1, 0, 1, 0), 1.0),  # red against cyan
    )
    crossed = answers(((0, 0, 2, 0), 4.0), ((0, 0, 2, 1), -1.0), ((0, 0, 1, 0), 3.0))
    crossed[0, 1, 2] = -2.0
    colored = answers(((2, 3, 0, 2), 3.0), ((2, 3, 0, 0), -9.0))
    colored[0] = -1.0
    tuned = tuning.Tuning("only", FEW, torch.stack([gray, crossed, colored]))
    found = tuning.preferences(tuned)
    expected = {
        "response": [4, 4, 3],
        "orientation": [45, 0, 135],
        "selectivity": [(4 - 1) / (4 + 1), 1, 1],
        "crossed": [0, -0.5, 0],
        "frequency": [0.25, 0.25, 0],
        # From 1 to 4 over an octave, half of 4 lies a third of the way up.
        "breadth": [2 / 3, math.inf, math.inf],
        "color": [1 / (1 + 4), 0, 1],
        "hue": [0, math.nan, 90 + 180],
        "tolerance": [0, -0.25, -1],
    }
    for name, values in expected.items():
        got = getattr(found, name)
        torch.testing.assert_close(got, torch.tensor(values, dtype=got.dtype), equal_nan=True)


@pytest.mark.parametrize(
    ("phases", "phase", "hue"),
    [
        *((8, 0, 0), (8, 1, 0), (8, 2, math.nan), (8, 3, 180), (8, 6, math.nan)),
        *((6, 1, 0), (6, 2, 180)),  # half a step beside a quarter of a cycle
        *((5, 1, math.nan), (5, 2, 180), (5, 4, math.nan)),
    ],
)
def test_a_hue_is_that_of_the_crest_nearest_to_the_center(phases, phase, hue):
    gratings = Gratings(hues=1, orientations=2, frequencies=(0.1,), phases=phases)
    responses = torch.zeros(1, *gratings.shape)
    responses[0, 1, 0, 0, phase] = 1
    found = tuning.preferences(tuning.Tuning("only", gratings, responses)).hue.item()
    assert found == pytest.approx(hue, nan_ok=True)


def test_families_at_their_borders():
    columns = {
        "color": [0.5, 0.5, 0.5, 0.5, 0.51, 0.51, math.nan],
        "selectivity": [0.3, 0.3, 0.29, 0.3, 0.3, 0.29, 0.9],
        "breadth": [0.59, 0.6, 0.1, math.inf, 0.1, 0.1, 0.1],
    }
    names = vars(tuning.preferences(tuning.Tuning("only", FEW, answers()[None])))
    other = dict.fromkeys(names, torch.zeros(7))
    kinds = tuning.Preferences(**other | {k: torch.tensor(v).double() for k, v in columns.items()})
    assert tuning.families(kinds) == (
        *("grating", "edge or bar", "spot or check", "edge or bar", "color edge", "color patch"),
        "none",
    )


@pytest.mark.parametrize("phase", [0.25, 0.75])
def test_a_colored_edge_has_two_hues_and_so_none(phase):
    edge = gabor(90, 0.125, RED_CYAN, phase=phase)
    found = tuning.preferences(tuning.measure_tuning(network(edge[None]), "only"))
    assert found.color > 0.99
    assert found.hue.isnan()


@pytest.mark.parametrize(("phase", "hue"), [(0.0, 0), (0.125, 0), (0.375, 180), (0.5, 180)])
def test_a_colored_bar_has_the_hue_of_its_middle(phase, hue):
    bar = gabor(90, 0.125, RED_CYAN, phase=phase)
    assert tuning.preferences(tuning.measure_tuning(network(bar[None]), "only")).hue.item() == hue


def test_a_unit_that_no_grating_excites_prefers_none():
    wave = gabor(0, 0.25, WHITE)
    first = nn.Conv2d(3, 2, 16, bias=False)
    first.weight.data = torch.stack([wave, -wave])
    second = nn.Conv2d(2, 3, 1, bias=False)
    # The first falls silent at any stripes, the second at none, the third is excited.
    second.weight.data = torch.tensor([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]]).view(3, 2, 1, 1)
    net = fv.Network(nn.Sequential(first, nn.ReLU(), second), (0, 0, 0), (1, 1, 1), {"deep": "2"})
    tuned = tuning.measure_tuning(net, "deep")
    found = tuning.preferences(tuned)
    assert tuned.responses[0].min() < -1
    torch.testing.assert_close(found.response[:2], torch.zeros(2), atol=1e-4, rtol=0)
    columns = {name: one for name, one in vars(found).items() if name != "response"}
    assert all(column[:2].isnan().all() for column in columns.values())
    assert not any(column[2].isnan() for name, column in columns.items() if name != "hue")
    assert tuning.families(found) == ("none", "none", "grating")


def test_breadths_are_above_zero(alexnet):
    found = tuning.preferences(tuning.filter_tuning(alexnet, "conv1"))
    assert (found.breadth > 0).all()
    flat = tuning.Tuning("only", FEW, -torch.rand(5, *FEW.shape) - 0.1)
    assert tuning.preferences(flat).breadth.isnan().all()


def test_weights_and_network_agree_on_the_tuning_of_conv1(alexnet):
    gratings = Gratings(hues=2, orientations=6, frequencies=(0.0, 0.1, 0.3), phases=4)
    measured = tuning.measure_tuning(alexnet, "conv1", gratings).responses
    computed = tuning.filter_tuning(alexnet, "conv1", gratings).responses
    torch.testing.assert_close(measured, computed, atol=2e-4, rtol=1e-4)


def test_every_linear_unit_is_turned_around_by_half_a_cycle(alexnet):
    found = tuning.preferences(tuning.filter_tuning(alexnet, "conv1"))
    torch.testing.assert_close(found.tolerance, -torch.ones(64), atol=1e-3, rtol=0)


def test_only_units_that_gratings_explain_have_a_familys_name():
    filters = torch.stack([gabor(90, 0.125, WHITE)] * 3)
    found = tuning.preferences(tuning.measure_tuning(network(filters), "only"))
    best = found.response[0].item()
    parts = torch.tensor([0.9, 1.1, -1.0])
    names = tuning.families(found, parts * best / tuning.EXPLAINED)
    assert names == ("grating", tuning.BEYOND, "grating")
    assert tuning.families(found, parts * best, explained=0.95)[1] == tuning.BEYOND
    assert tuning.families(found)[1] == "grating"


def test_gray_is_what_responses_are_measured_from(alexnet):
    gray = tuning.gray_values(alexnet, "conv1")
    weights, bias = alexnet.module.features[0].weight, alexnet.module.features[0].bias
    mean, std = (torch.tensor(numbers).view(3, 1, 1) for numbers in (alexnet.mean, alexnet.std))
    expected = (weights * (GRAY - mean) / std).sum((1, 2, 3)) + bias
    torch.testing.assert_close(gray, expected.detach(), atol=1e-4, rtol=1e-4)


def test_families_follow_the_numbers():
    filters = [gabor(30, 0.25, WHITE), gabor(30, 0.06, WHITE), gabor(30, 0.1, RED_CYAN)]
    spot = -torch.ones(16, 16)
    spot[6:10, 6:10] = 15
    blob = torch.tensor(RED_CYAN)[:, None, None].expand(3, 16, 16)
    net = network(torch.stack([*filters, spot.expand(3, 16, 16), blob]))
    found = tuning.preferences(tuning.measure_tuning(net, "only"))
    expected = ("grating", "edge or bar", "color edge", "spot or check", "color patch")
    assert tuning.families(found) == expected
    assert set(expected) == set(tuning.FAMILIES)
    assert "color edge" not in tuning.families(found, colored=1.0)


def test_a_rectified_pair_of_opposite_filters_does_not_mind_the_phase():
    wave = gabor(0, 0.25, WHITE)
    quarter = wave.roll(1, dims=1)
    first = nn.Conv2d(3, 4, 16, bias=False)
    first.weight.data = torch.stack([wave, -wave, quarter, -quarter])
    second = nn.Conv2d(4, 1, 1, bias=False)
    second.weight.data.fill_(1)
    module = nn.Sequential(first, nn.ReLU(), second)
    net = fv.Network(module, (0, 0, 0), (1, 1, 1), {"simple": "0", "complex": "2"})
    simple, complex_ = (
        tuning.preferences(tuning.measure_tuning(net, layer, FEW))
        for layer in ("simple", "complex")
    )
    torch.testing.assert_close(simple.tolerance, -torch.ones(4), atol=1e-3, rtol=0)
    assert complex_.tolerance > 0.9


@pytest.mark.parametrize(("one", "other", "apart"), [(0, 90, 90), (175, 5, 10), (10, 10, 0)])
def test_orientations_are_alike_after_half_a_turn(one, other, apart):
    found = tuning.orientation_distance(torch.tensor(float(one)), torch.tensor(float(other)))
    assert found.item() == pytest.approx(apart, abs=1e-4)


def test_no_image_beats_the_exact_optimum_and_ascent_finds_it(alexnet):
    images, values = optimum(alexnet, "conv1")
    assert set(images.unique().tolist()) == {0.0, 1.0}
    wanted = [fv.Neuron("conv1", unit) for unit in (3, 21, 60)]
    found = fv.maximize(alexnet, wanted, recipe=EXACT, progress=False)
    plain = fv.activations(alexnet, torch.full((3, 13, 13), GRAY), ["conv1"])["conv1"][0, :, 1, 1]
    above = found.values - plain[[3, 21, 60]]
    assert (above <= values[[3, 21, 60]] * (1 + 1e-5)).all()
    torch.testing.assert_close(above, values[[3, 21, 60]], rtol=1e-4, atol=0)


@pytest.mark.parametrize(("size", "side"), [(None, 11), (29, 29), (32, 32)])
def test_under_the_bound_the_best_images_lie_where_the_central_unit_looks(alexnet, size, side):
    images = bounded_optimum(alexnet, "conv1", size, 0.01)
    assert images.shape == (64, 3, side, side)
    images = images[::8]
    wanted = [fv.Neuron("conv1", unit) for unit in range(0, 64, 8)]
    best = fv.evaluate(alexnet, wanted, images)
    noise = torch.rand(8, 3, side, side, generator=torch.Generator().manual_seed(0))
    others = [bounded(other, 0.01) for other in (noise, images.roll(1, 0))]
    others += [images.roll(by, axis) for by in (-1, 1) for axis in (2, 3)]
    for other in others:
        # To first order in contrast, which is small at a hundredth of the photographs' energy.
        assert (best >= fv.evaluate(alexnet, wanted, other) - 1e-3 * best.abs()).all()
    if side == 2 * TILE:  # nothing is cut off, so that what is shown is what is bounded
        torch.testing.assert_close(bounded(images, 0.01), images, atol=2e-3, rtol=0)


def test_the_bound_is_that_of_photographs_unless_told(alexnet):
    assert bounded_optimum(alexnet, "conv1").equal(bounded_optimum(alexnet, "conv1", 11, ENERGY))
    contrasts = [bounded_optimum(alexnet, "conv1", 11, e).std() for e in (0.5, 1.0, 2.0)]
    assert contrasts == sorted(contrasts)


def test_filters_are_drawn_around_gray_each_at_its_full_contrast():
    weights = torch.tensor([[0.0, 2.0, -1.0], [0.0, 0.1, -0.4], [0.0, 0.0, 0.0]])
    drawn = as_pictures(weights.view(3, 3, 1, 1)).flatten(1)
    assert drawn[0].tolist() == pytest.approx([0.5, 1, 0.25])
    assert drawn[1].tolist() == pytest.approx([0.5, 0.625, 0])
    assert drawn[2].tolist() == [0.5, 0.5, 0.5]  # a pruned filter is gray


def test_gray_share_is_one_for_gray_and_zero_for_pure_color():
    bank = torch.stack([gabor(0, 0.1, WHITE), gabor(0, 0.1, RED_CYAN)])
    torch.testing.assert_close(gray_share(network(bank), "only"), torch.tensor([1.0, 0.0]))


def test_deeper_layers_have_no_filters_of_pixels(alexnet):
    with pytest.raises(ValueError, match="conv2 of alexnet doesn't read the image itself"):
        gray_share(alexnet, "conv2")
    assert first_weights(alexnet, "conv1").equal(alexnet.module.features[0].weight)
    assert not first_weights(alexnet, "conv1").requires_grad


def test_inputs_are_the_sums_of_the_kernels(alexnet):
    found = input_weights(alexnet, "conv2")
    assert found.shape == (192, 64)
    kernel = alexnet.module.features[3].weight[5, 7]
    assert found[5, 7].item() == pytest.approx(kernel.sum().item(), abs=1e-5)
    with pytest.raises(ValueError, match=r"features.1 of alexnet is no conv.*conv1, conv2, conv3"):
        input_weights(alexnet, "features.1")
    grouped = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, groups=2))
    with pytest.raises(ValueError, match=r"1 of .* is no convolution that reads all"):
        input_weights(fv.Network(grouped), "1")


class Normalized(nn.Module):
    """Two convolutions, and batch norm by module and by function between them; all is linear."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)
        self.norm, self.plain = nn.BatchNorm2d(4), nn.BatchNorm2d(4, affine=False, eps=0.1)
        self.other = nn.BatchNorm2d(4)
        for norm in (self.norm, self.plain, self.other):
            norm.running_var.uniform_(0.2, 3)
            if norm.affine:
                norm.weight.data.uniform_(-2, 2)

    def forward(self, images):
        values = self.plain(self.norm(self.first(images)))
        other = self.other
        values = nn.functional.batch_norm(
            values, other.running_mean, other.running_var, other.weight, other.bias, False, 0.1, 0.5
        )
        return self.last(nn.functional.avg_pool2d(nn.functional.dropout(values, 0.5, False), 2))


def test_batch_norm_has_its_part_in_the_inputs_as_in_the_gradient():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = fv.Network(Normalized().eval())
    view, maps = copy.deepcopy(net.module), torch.zeros(1, 4, 6, 6, requires_grad=True)
    view.first = nn.Identity()
    slopes = [
        torch.autograd.grad(one, maps, retain_graph=True)[0].sum((0, 2, 3))
        for one in view(maps)[0, :, 0, 0]
    ]
    torch.testing.assert_close(input_weights(net, "last"), torch.stack(slopes))
    assert module_read(net, "last")[0] == "first"
    named = fv.Network(net.module, layers={"behind": "plain", "last": "last"})
    name, gains = module_read(named, "last")
    assert name == "plain"
    norm = net.module.other
    torch.testing.assert_close(gains, norm.weight.detach() / (norm.running_var + 0.5).sqrt())


def test_weights_of_modules_in_other_formats_are_read_in_float32():
    module = nn.Sequential(nn.Conv2d(3, 4, 7), nn.BatchNorm2d(4), nn.Conv2d(4, 5, 3)).bfloat16()
    net = fv.Network(module.eval(), size=32)
    assert tuning.filter_tuning(net, "0").responses.dtype == torch.float32
    before = input_weights(net, "2")
    assert before.dtype == torch.float32
    assert before.allclose(module[2].weight.float().sum((2, 3)), atol=1e-5)
    with torch.no_grad():
        module[1].weight.mul_(2)
    torch.testing.assert_close(input_weights(net, "2"), 2 * before)


def test_the_inputs_of_a_sum_are_its_own():
    net = fv.Network(Branched().eval())
    assert module_read(net, "after_residual") == ("", pytest.approx(torch.ones(6)))
    assert module_read(net, "after_fire")[0] == ""
    assert module_read(net, "fire.expand3x3")[0] == "fire.squeeze"
    assert module_read(net, "stem")[0] == ""


# ---- networks without color ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def gray_network():
    layers = {"conv1": "conv1", "conv2": "conv2"}
    return fv.Network(GrayCNN().eval(), (0.13,), (0.31,), layers, name="digits")


def test_the_optimum_without_color_is_gray_and_exact(gray_network):
    images, values = optimum(gray_network, "conv1")
    assert images.shape == (6, 3, 5, 5)
    for image, value, unit in zip(images, values, range(6), strict=True):
        plain, best = (
            fv.activations(gray_network, one, "conv1")[0, unit, 2, 2]
            for one in (torch.full((3, 5, 5), GRAY), image)
        )
        assert (best - plain).item() == pytest.approx(value.item(), rel=1e-4)


def test_the_bounded_optimum_without_color_is_where_ascent_goes(gray_network):
    goals = [fv.Neuron("conv1", unit) for unit in range(6)]
    images = bounded_optimum(gray_network, "conv1", 13)
    assert images[:, :1].expand(-1, 3, -1, -1).equal(images)
    gray_value = fv.evaluate(gray_network, goals, torch.full((6, 3, 13, 13), GRAY))
    best = fv.evaluate(gray_network, goals, images) - gray_value
    reached = fv.maximize(gray_network, goals, size=13, progress=False).values - gray_value
    assert (reached > 0.9 * best).all()


def test_filters_without_color_are_gray_pictures(gray_network):
    assert first_weights(gray_network, "conv1").shape == (6, 1, 5, 5)
    drawn = as_pictures(first_weights(gray_network, "conv1"))
    assert drawn.shape == (6, 3, 5, 5)
    assert gray_share(gray_network, "conv1").equal(torch.ones(6))


def test_tuning_without_color_is_that_of_light(gray_network):
    measured = tuning.measure_tuning(gray_network, "conv1")
    assert measured.gratings.hues == 0
    by_weights = tuning.filter_tuning(gray_network, "conv1").responses
    torch.testing.assert_close(measured.responses, by_weights, atol=1e-4, rtol=1e-3)
    preferred = tuning.preferences(measured)
    assert preferred.color.eq(0).all()
    assert preferred.hue.isnan().all()
    assert not any("color" in family for family in tuning.families(preferred))
    for measure in (tuning.measure_tuning, tuning.filter_tuning):
        with pytest.raises(ValueError, match=r"digits sees no color, .* 2 hues .*hues=0"):
            measure(gray_network, "conv1", FEW)


def test_activity_leaves_out_the_places_that_see_padding():
    bank = torch.ones(1, 3, 3, 3)
    image = torch.zeros(3, 6, 6)
    image[:, 2:, :] = 1
    found = measure_activity(network(bank, padding=1), ["only"], [image])["only"]
    assert found.share.item() == 1  # with the border, the top row would be silent
    assert found.peak.item() == 27
    with pytest.raises(ValueError, match="there are no photographs to measure"):
        measure_activity(network(bank), ["only"], [])
    with pytest.raises(ValueError, match="a photo of 2 x 2 px holds no whole field of only"):
        measure_activity(network(bank, padding=1), ["only"], [torch.zeros(3, 2, 2)])
    with pytest.raises(ValueError, match=r"6 x 2 px holds no whole .* whose units see 3 px"):
        measure_activity(network(bank, padding=1), ["only"], [torch.zeros(3, 2, 6)])


def test_activity_is_that_of_all_photographs_places_together(alexnet):
    torch.manual_seed(0)
    images = [torch.rand(3, *size) for size in ((90, 110), (90, 110), (80, 70), (90, 110))]
    found = measure_activity(alexnet, ["conv1", "conv2"], [images[0].double(), *images[1:]])
    for layer, busy in found.items():
        before = []
        for image in images:
            rows, columns = (unpadded_places(alexnet, layer, side) for side in image.shape[1:])
            maps = fv.activations(alexnet, image, layer)[0][:, rows][:, :, columns]
            before.append(maps.flatten(1))
        values = torch.cat(before, 1)
        torch.testing.assert_close(busy.share, (values > 0).float().mean(1), rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(busy.mean, values.relu().mean(1), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(busy.peak, values.amax(1), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        measure_activity(alexnet, ["conv1"], [255 * images[0]])


def test_a_field_that_ends_with_the_image_lies_inside():
    bank = torch.ones(1, 3, 3, 3)
    assert unpadded_places(network(bank), "only", 6) == range(4)
    assert unpadded_places(network(bank, padding=1), "only", 6) == range(1, 5)
    assert unpadded_places(network(bank, padding=2), "only", 2) == range(0)


@pytest.mark.parametrize(
    ("layer", "count"), [("conv1", 53), ("conv2", 21), ("conv3", 7), ("conv4", 5), ("conv5", 3)]
)
def test_places_inside_are_those_that_a_change_of_the_padding_leaves_alone(alexnet, layer, count):
    good = unpadded_places(alexnet, layer, 224)
    assert len(good) == count
    image = torch.rand(3, 224, 224, generator=torch.Generator().manual_seed(0))
    field = alexnet.receptive_field(layer)
    assert field.span(good[0])[0] >= 0 > field.span(good[0] - 1)[0]
    wide = torch.full((3, 256, 256), 0.9)
    wide[:, 16:240, 16:240] = image  # 16 px are a whole step of conv3 to conv5, 4 and 2 before
    shift = 16 // field.stride
    alone = fv.activations(alexnet, image, [layer])[layer][0]
    within = fv.activations(alexnet, wide, [layer])[layer][0]
    span = slice(good.start, good.stop)
    moved = slice(good.start + shift, good.stop + shift)
    torch.testing.assert_close(alone[:, span, span], within[:, moved, moved], atol=1e-3, rtol=1e-4)
