"""What objectives measure, and the laws of their algebra."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import featviz as fv
from featviz.objectives.algebra import Sum
from featviz.objectives.penalties import L1, L2, Blur, TotalVariation
from featviz.objectives.units import Channel, DeepDream, Direction, Diversity, Logit, Neuron

UNITS = 4
DIRECTION = (0.5, -1.0, 0.25, 2.0)


def some_values(seed=0, count=3):
    stream = torch.Generator().manual_seed(seed)
    return {
        "a": torch.randn(count, UNITS, 5, 6, generator=stream, dtype=torch.float64),
        "b": torch.randn(count, UNITS, 3, 3, generator=stream, dtype=torch.float64),
        "output": torch.randn(count, 7, generator=stream, dtype=torch.float64),
        "image": torch.rand(count, 3, 8, 9, generator=stream, dtype=torch.float64),
    }


VALUES = some_values()
atoms = st.sampled_from(
    [
        Channel("a", 1),
        Channel("b", 1),
        Channel("a", 1, border=1),
        Channel("output", 2),
        Neuron("a", 2),
        Neuron("a", 2, (0, 3)),
        DeepDream("b"),
        Direction("a", DIRECTION),
        Direction("b", DIRECTION, cosine=True),
        Logit(6),
        Diversity("b"),
        TotalVariation(),
        L1(),
        L2(),
        Blur(),
    ]
)
# Exact in binary, so that sums in any order are equal to the last bit.
dyadic = st.integers(-64, 64).map(lambda k: k / 16)
sums = st.lists(st.tuples(dyadic, atoms), min_size=1, max_size=5)


def combination(terms):
    total = None
    for weight, atom in terms:
        total = weight * atom if total is None else total + weight * atom
    return total


@given(sums)
def test_the_algebra_is_linear(terms):
    expected = sum(weight * atom(VALUES) for weight, atom in terms)
    torch.testing.assert_close(combination(terms)(VALUES), expected)


@given(sums, sums, dyadic)
def test_the_algebra_distributes(left, right, weight):
    a, b = combination(left), combination(right)
    assert weight * (a + b) == weight * a + weight * b
    assert a - b == a + -1 * b == -(b - a)
    assert a * weight == weight * a
    assert -1 * -a == a
    assert 1 * a == a


@given(sums, st.randoms(use_true_random=False))
def test_the_algebra_is_free_of_order(terms, random):
    others = list(terms)
    random.shuffle(others)
    first, second = combination(terms), combination(others)
    assert first == second
    assert hash(first) == hash(second)
    assert str(first) == str(second)
    assert first(VALUES).equal(second(VALUES))  # same order of addition, so the same bits


@given(sums, sums)
def test_the_algebra_leaves_its_operands_alone(left, right):
    a, b = combination(left), combination(right)
    texts = str(a), str(b)
    _ = a + b, a - b, -a, 3 * a
    assert (str(a), str(b)) == texts
    with pytest.raises(dataclasses.FrozenInstanceError):
        a.weight = 1


@given(sums)
def test_a_sum_reads_the_layers_of_its_terms(terms):
    assert combination(terms).layers == frozenset().union(*(atom.layers for _, atom in terms))


def test_equal_terms_are_merged_and_a_sum_of_sums_is_flat():
    c, d = Channel("a", 0), Channel("a", 1)
    assert c + c == 2 * c
    assert c + d - d != c  # what has weight 0 still has to be computed
    assert Sum(((2, Sum(((0.5, c), (1, d)))),)) == c + 2 * d
    assert str(c - 0.5 * d) == "a:0 - 0.5*a:1"
    assert str(-c) == "-a:0"
    assert sum([c, d, c]) == 2 * c + d
    assert (c + 2 * d) / 2 == 0.5 * c + d


@pytest.mark.parametrize("other", ["2", None, Channel("a", 0)])
def test_only_numbers_weigh(other):
    with pytest.raises(TypeError, match=r"unsupported operand|can't multiply"):
        Channel("a", 1) * other


@pytest.mark.parametrize("other", [1, "a:1", None])
def test_only_objectives_are_added(other):
    with pytest.raises(TypeError, match="unsupported operand"):
        Channel("a", 1) + other
    with pytest.raises(TypeError, match="unsupported operand"):
        Channel("a", 1) - other


def test_channel_is_the_mean_of_its_map():
    expected = VALUES["a"][:, 2].mean((1, 2))
    torch.testing.assert_close(Channel("a", 2)(VALUES), expected)
    assert Channel("output", 2)(VALUES).equal(VALUES["output"][:, 2])
    inner = VALUES["a"][:, 2, 2:-2, 2:-2].mean((1, 2))
    torch.testing.assert_close(Channel("a", 2, border=2)(VALUES), inner)
    with pytest.raises(ValueError, match="a:2~3 leaves nothing of the map of a, which is 5 x 6"):
        Channel("a", 2, border=3)(VALUES)


def test_neuron_is_one_value_of_its_map():
    assert Neuron("a", 2, (4, 5))(VALUES).equal(VALUES["a"][:, 2, 4, 5])
    assert Neuron("a", 2)(VALUES).equal(VALUES["a"][:, 2, 2, 3])
    assert Neuron("b", 0)(VALUES).equal(VALUES["b"][:, 0, 1, 1])


def test_layer_is_the_mean_square():
    torch.testing.assert_close(DeepDream("b")(VALUES), VALUES["b"].square().mean((1, 2, 3)))


def test_direction_is_a_projection_or_an_angle():
    direction = torch.tensor(DIRECTION, dtype=torch.float64)
    along = torch.einsum("nuhw,u->nhw", VALUES["a"], direction)
    torch.testing.assert_close(Direction("a", DIRECTION)(VALUES), along.mean((1, 2)))
    cosine = along / VALUES["a"].norm(dim=1) / direction.norm()
    values = Direction("a", DIRECTION, cosine=True)(VALUES)
    torch.testing.assert_close(values, cosine.mean((1, 2)))
    basis = tuple(float(unit == 1) for unit in range(UNITS))
    torch.testing.assert_close(Direction("a", basis)(VALUES), Channel("a", 1)(VALUES))


def test_logit_is_the_score_of_a_class():
    assert Logit(6)(VALUES).equal(VALUES["output"][:, 6])


def test_diversity_is_how_little_the_others_resemble_an_image():
    values = Diversity("b")(VALUES)
    grams = [value.flatten(1) @ value.flatten(1).T for value in VALUES["b"]]
    for i, gram in enumerate(grams):
        others = [g for j, g in enumerate(grams) if j != i]
        cosines = [(gram * g).sum() / gram.norm() / g.norm() for g in others]
        torch.testing.assert_close(values[i], -sum(cosines) / len(cosines))
    assert Diversity("b")({"b": VALUES["b"][:1]}).item() == 0


def test_diversity_of_few_positions_and_of_many_is_one_measure():
    value = VALUES["b"].flatten(2)
    count = min(value.shape[1:]) - 1
    for part in (value[:, :, :count], value[:, :count]):
        grams = torch.nn.functional.normalize((part @ part.mT).flatten(1), dim=1)
        cosines = (grams @ grams.T).fill_diagonal_(0)
        expected = -cosines.sum(1) / (len(part) - 1)
        torch.testing.assert_close(Diversity("b")({"b": part}), expected)


def test_diversity_of_silent_and_of_equal_images_is_finite():
    silent = torch.zeros(2, 3, 2, 2, requires_grad=True)
    values = Diversity("b")({"b": silent})
    assert values.tolist() == [0, 0]
    assert torch.autograd.grad(values.sum(), silent)[0].isfinite().all()
    twins = {"b": VALUES["b"][:1].repeat(2, 1, 1, 1)}
    torch.testing.assert_close(Diversity("b")(twins), torch.full((2,), -1.0, dtype=torch.float64))


def test_penalties_measure_the_image():
    image = VALUES["image"]
    down = (image[:, :, 1:] - image[:, :, :-1]).abs().mean((1, 2, 3))
    across = (image[..., 1:] - image[..., :-1]).abs().mean((1, 2, 3))
    torch.testing.assert_close(TotalVariation()(VALUES), -(down + across))
    torch.testing.assert_close(L1()(VALUES), -(image - 0.5).abs().mean((1, 2, 3)))
    torch.testing.assert_close(L2()(VALUES), -(image - 0.5).square().mean((1, 2, 3)))


@pytest.mark.parametrize("penalty", [TotalVariation(), L1(), L2(), Blur()])
def test_penalties_are_nothing_on_gray_and_negative_on_noise(penalty):
    assert penalty({"image": torch.full((1, 3, 8, 9), 0.5)}).item() == pytest.approx(0, abs=1e-12)
    assert (penalty(VALUES) < -1e-3).all()


def test_blur_punishes_high_frequencies_more():
    x = torch.arange(32, dtype=torch.float64)
    waves = [0.5 + 0.4 * torch.sin(2 * torch.pi * x / period) for period in (16, 4)]
    images = torch.stack([wave.expand(3, 32, 32) for wave in waves])
    coarse, fine = Blur()({"image": images})
    assert fine < 10 * coarse < 0


def test_blur_compares_with_scipys_gaussian_of_one_pixel():
    from scipy.ndimage import gaussian_filter

    image = VALUES["image"].numpy()
    blurred = gaussian_filter(image, 1.0, axes=(2, 3), mode="nearest", truncate=2)
    expected = -((image - blurred) ** 2).mean((1, 2, 3))
    assert Blur()(VALUES).tolist() == pytest.approx(expected.tolist())


def test_penalties_read_the_image_alone_and_have_names():
    penalties = {"tv": TotalVariation(), "l1": L1(), "l2": L2(), "blur": Blur()}
    for name, penalty in penalties.items():
        assert str(penalty) == f"penalty:{name}"
        assert penalty.layers == {"image"}
        assert not penalty.linear


@pytest.mark.parametrize(
    "objective", [Channel("a", 1), Neuron("a", 1), Direction("a", DIRECTION), DeepDream("a")]
)
def test_linear_means_linear(objective):
    first, second = some_values(1), some_values(2)
    mixture = {"a": 2 * first["a"] - 3 * second["a"]}
    expected = 2 * objective(first) - 3 * objective(second)
    assert objective.linear == torch.allclose(objective(mixture), expected)


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (Channel("conv6", 0), "alexnet has no layer 'conv6'"),
        (Channel("conv5", 256), "conv5 of alexnet has units 0 to 255, not 256"),
        (Channel("conv5", 5, border=-1), "a channel's border is at least 0, not -1"),
        (Neuron("conv1", 64), "conv1 of alexnet has units 0 to 63, not 64"),
        (Neuron("conv1", 3, (-1, 0)), "conv1:3@-1,0: positions count from 0"),
        (DeepDream("conv9"), "alexnet has no layer 'conv9'"),
        (Direction("conv1", (1.0,)), "a direction in conv1 has 64 numbers, one per unit, not 1"),
        (Diversity("nowhere"), "alexnet has no layer 'nowhere'"),
        (Logit(3), "alexnet has no classifier, so it scores no class 3; featviz.load('squeezenet'"),
        (Channel("conv5", 1) + Channel("conv5", 999), "has units 0 to 255, not 999"),
    ],
)
def test_what_a_network_cannot_answer_is_said(alexnet, objective, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        objective.check(alexnet)


def test_an_unknown_class_says_which_there_are(small):
    with pytest.raises(ValueError, match=r"small knows classes 0 to 4, not 5; network\.classes"):
        Logit(5).check(small)
    Logit(4).check(small)


def test_classes_go_by_the_networks_own_names(small, alexnet):
    objective = 2 * Logit("Dog") - Channel("conv3", 1)
    assert objective.resolve(small) == 2 * Logit(3) - Channel("conv3", 1)
    with pytest.raises(ValueError, match=r"small knows no class 'bees'; the nearest are bee \("):
        objective = Logit("bees").resolve(small)
    with pytest.raises(ValueError, match="alexnet has no classifier, so it scores no class 'ant'"):
        Logit("ant").resolve(alexnet)
    with pytest.raises(TypeError, match=r"class 'ant' has no index without a network"):
        Logit("ant")({"output": torch.zeros(1, 5)})


@pytest.mark.parametrize("position", [5, (5, 6, 7), np.array(5)])
def test_a_position_is_a_pair(position):
    with pytest.raises(ValueError, match=r"a position is \(row, column\), not .*5"):
        Neuron("conv1", 1, position)
    assert Neuron("conv1", 1, torch.tensor([3, 4])) == Neuron("conv1", 1, (3, 4))


def test_a_position_outside_of_the_map_is_said(small):
    with pytest.raises(ValueError, match=r"conv1:1@12,0 asks for a position outside of the map of"):
        fv.maximize(small, Neuron("conv1", 1, (12, 0)), size=24, steps=1)
    with pytest.raises(ValueError, match="output:1@center asks for a position, but output has no"):
        fv.maximize(small, Neuron("output", 1), size=24, steps=1)


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_weights_and_directions_are_finite(weight):
    with pytest.raises(ValueError, match=rf"weight of conv2:1 is a finite number, not {weight}"):
        weight * fv.Channel("conv2", 1)
    with pytest.raises(ValueError, match="a direction in conv2 has finite numbers only"):
        fv.Direction("conv2", [1.0, weight])
