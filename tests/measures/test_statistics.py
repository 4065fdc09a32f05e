"""Intervals cover what they say; on what they cover less of, the docstring says how much."""

import itertools
import math
import re

import numpy as np
import pytest
import torch
from scipy.special import stdtrit

from featviz.measures import likeness, statistics

SAMPLES = 100_000
"""Simulated samples per size: coverage is then known to 0.1 %."""


def coverage(name, count):
    """The part of simulated samples whose interval holds the true mean."""
    generator = np.random.default_rng(count)
    draw, mean = {
        "normal": (generator.standard_normal, 0),
        "exponential": (generator.standard_exponential, 1),
        "log-normal": (lambda size: generator.lognormal(size=size), math.exp(0.5)),
    }[name]
    values = draw((SAMPLES, count))
    one = statistics.interval(values[0])
    reach = statistics._reach(values)
    assert (one.low, one.high) == pytest.approx(values[0].mean() + reach[0] * np.array([-1, 1]))
    return float((abs(values.mean(1) - mean) <= reach).mean())


@pytest.mark.parametrize("count", [4, 5, 6, 8, 13, 20, 30])
def test_intervals_cover_normal_means(count):
    assert 0.94 <= coverage("normal", count) <= 0.96


@pytest.mark.parametrize("name", ["exponential", "log-normal"])
def test_the_docstring_says_how_often_skewed_means_are_covered(name):
    text = re.sub(r"\s+", " ", statistics.interval.__doc__)
    sizes = map(int, re.findall(r"\d+", re.search(r"n = (.*?), of log-normal", text)[1]))
    said = re.findall(r"\d+", re.search(rf"{name} ones (?:\(sigma 1\) )?in (.*?) %", text)[1])
    for count, percent in zip(sizes, said, strict=True):
        assert 100 * coverage(name, count) == pytest.approx(int(percent), abs=0.7)


def test_one_value_has_no_interval():
    one = statistics.interval([3.0])
    assert (one.mean, one.count) == (3, 1)
    assert math.isnan(one.low)
    assert math.isnan(one.high)


def test_repetitions_of_a_photo_are_no_further_photos():
    values = np.random.default_rng(1).normal(size=(6, 1))
    one, nine = (statistics.interval(np.repeat(values, n, axis=1)) for n in (1, 9))
    assert (nine.low, nine.high) == pytest.approx((one.low, one.high))
    assert nine.count == one.count == 6
    assert statistics.p_value(np.repeat(values, 9, axis=1)) == pytest.approx(
        statistics.p_value(values)
    )


def test_nothing_to_average():
    with pytest.raises(ValueError, match="nothing to average"):
        statistics.interval([])
    with pytest.raises(ValueError, match="nothing to count"):
        statistics.share([])


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.9])
def test_shares_are_covered(part):
    counts = np.random.default_rng(0).binomial(96, part, 4000)
    found = {k: statistics.share(np.arange(96) < k) for k in np.unique(counts)}
    held = [found[k].low <= part <= found[k].high for k in counts]
    assert 0.93 <= np.mean(held) <= 0.97


def test_shares_of_none_and_all():
    none, all_ = (statistics.share([value] * 10) for value in (False, True))
    # Wilson at 0 of n: z^2 / (n + z^2)
    assert (none.low, none.high) == pytest.approx((0, 1.959964**2 / (10 + 1.959964**2)))
    assert (all_.low, all_.high) == pytest.approx((1 - none.high, 1))
    assert (none.mean, none.count, all_.mean, all_.count) == (0, 10, 1, 10)


def test_agreement_is_spearmans():
    from scipy.stats import spearmanr  # comes with scikit-learn

    generator = torch.Generator().manual_seed(0)
    one, two = (torch.rand(2, 8, 8, generator=generator) * 6).round()
    expected = spearmanr(one.flatten(), two.flatten()).statistic
    assert statistics.agreement(one, two) == pytest.approx(expected, abs=1e-9)
    assert statistics.agreement(one, one.exp()) == pytest.approx(1)
    assert statistics.agreement(one, torch.ones(8, 8)) == 0


def pairs_of(count, design):
    if design == "ring":
        return [(thing, (thing + 1) % count) for thing in range(count)]
    return list(itertools.combinations(range(count), 2))


@pytest.mark.parametrize("design", ["ring", "all"])
@pytest.mark.parametrize("count", [5, 8, 13])
def test_intervals_cover_means_of_pairs_that_share_things(count, design):
    pairs = pairs_of(count, design)
    stand = statistics._members(pairs, len(pairs))
    generator = np.random.default_rng(count)
    things, own = (generator.normal(size=(10_000, n)) for n in (count, len(pairs)))
    for noise in (0, 1):
        values = things @ stand.T + noise * own
        reach = statistics._reach(values, stand)
        assert 0.935 <= (abs(values.mean(1)) <= reach).mean() <= 0.985
    one = statistics.interval(values[0], pairs)
    assert (one.low, one.count) == (pytest.approx(values[0].mean() - reach[0]), count)


def test_clusters_of_their_own_change_nothing():
    values = np.random.default_rng(2).normal(size=9)
    for count in (2, 9):
        one = statistics.interval(values[:count])
        other = statistics.interval(values[:count], list("abcdefghi")[:count])
        assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_repeated_values_in_clusters_are_worth_their_means():
    values = np.random.default_rng(3).normal(size=(6, 4))
    one = statistics.interval(values)
    other = statistics.interval(values.ravel(), np.repeat(np.arange(6), 4))
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_what_stands_on_one_thing_has_no_interval():
    for clusters in (["a", "a"], [("a", "b"), ("b", "a")], [("a", "b"), ("a", "c")]):
        assert math.isnan(statistics.interval([1.0, 2.0], clusters).low)


def test_clusters_of_another_number():
    with pytest.raises(ValueError, match="2 values stand on clusters, but 3 are given"):
        statistics.interval([1.0, 2.0], ["a", "b", "c"])


def test_holm_as_written_out():
    # Four tests: the smallest times 4, the next times 3, and none below the one before it.
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([0.5, 0.01, 0.6]) == pytest.approx([1, 0.03, 1])
    assert statistics.holm([0.9, 0.8]).tolist() == [1, 1]


def test_holm_finds_something_in_nothing_in_five_of_a_hundred_cases():
    chance = np.random.default_rng(4).random((4000, 15))
    assert np.mean([statistics.holm(row).min() < 0.05 for row in chance]) < 0.06
    assert np.mean((chance < 0.05).any(1)) > 0.5


@pytest.mark.parametrize("shift", [0.0, 0.4, 0.8, 3.0])
def test_p_values_are_students_and_agree_with_the_interval(shift):
    from scipy.stats import ttest_1samp

    values = np.random.default_rng(5).normal(shift, size=8)
    p, found = statistics.p_value(values), statistics.interval(values)
    assert p == pytest.approx(ttest_1samp(values, 0).pvalue)
    assert (p < 0.05) == (found.low > 0 or found.high < 0)


def test_p_values_without_spread():
    assert statistics.p_value([0.0, 0.0]) == 1
    assert statistics.p_value([2.0, 2.0]) == 0
    assert math.isnan(statistics.p_value([2.0]))


def test_differences_are_welchs():
    from scipy.stats import ttest_ind

    generator = np.random.default_rng(6)
    for count in (9, 2):
        one, other = generator.normal(1, 1, count), generator.normal(0, 4, 40)
        found = statistics.difference(one, other)
        expected = ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
        assert (found.mean, found.count) == (pytest.approx(one.mean() - other.mean()), count)
        p = ttest_ind(one, other, equal_var=False).pvalue
        assert statistics.p_value(one, other) == pytest.approx(p)


def test_differences_without_spread_or_with_one_value():
    same = statistics.difference([1.0, 1.0], [-1.0, -1.0])
    assert (same.low, same.mean, same.high, same.count) == (2, 2, 2, 2)
    assert statistics.p_value([1.0, 1.0], [-1.0, -1.0]) == 0
    assert statistics.p_value([1.0, 1.0], [1.0, 1.0]) == 1
    assert math.isnan(statistics.p_value([1.0], [0.0, 1.0]))
    alone = statistics.difference([1.0], [0.0, 1.0])
    assert math.isnan(alone.low)
    assert (alone.mean, alone.count) == (0.5, 1)
    with pytest.raises(ValueError, match="nothing to compare"):
        statistics.difference([], [1.0])


def test_single_precision_is_read_and_not_computed_in():
    # Around 1000 the means of float32 numbers would be off in the sixth digit of their spread.
    single = (1000 + np.random.default_rng(7).normal(size=(2, 9))).astype(np.float32)
    double = single.astype(np.float64)
    assert statistics.interval(single[0]) == statistics.interval(double[0])
    assert statistics.difference(*single) == statistics.difference(*double)
    assert statistics.p_value(single[0] - 1000) == statistics.p_value(double[0] - 1000)


UNITS, PHOTOGRAPHS = 24, 10
"""Sizes of a simulated study of pairs of units."""


def simulated(generator, noise):
    """How alike units look, and their values on photographs: both by hidden traits, and noise."""
    traits = generator.normal(size=(UNITS, 6))
    own = np.triu(generator.normal(size=(UNITS, UNITS)), 1)
    shown = generator.normal(size=(PHOTOGRAPHS, 6)) * generator.lognormal(size=(PHOTOGRAPHS, 1))
    values = traits @ shown.T + noise * generator.normal(size=(UNITS, PHOTOGRAPHS))
    return torch.from_numpy(traits @ traits.T + noise * (own + own.T)), values


def looks_and_behavior(looks, values):
    def statistic(some, shown):
        behavior = torch.from_numpy(np.corrcoef(values[some][:, shown]))
        alike = looks[some][:, some]
        return likeness.pair_agreement(alike, behavior), likeness.standings(alike, behavior).mean()

    return statistic


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.5, 2])
def test_crossed_intervals_cover_what_pairs_of_units_do_on_photographs(noise):
    generator = np.random.default_rng(0)
    every = np.arange(UNITS), np.arange(PHOTOGRAPHS)
    draws = [looks_and_behavior(*simulated(generator, noise))(*every) for _ in range(600)]
    truth, spread = np.mean(draws, 0), np.std(draws, 0)
    studies = (looks_and_behavior(*simulated(generator, noise)) for _ in range(80))
    found = [statistics.crossed(one, [UNITS, PHOTOGRAPHS]) for one in studies]
    ends = np.array([[(one.low, one.high) for one in numbers] for numbers in found])
    covered = ((ends[..., 0] <= truth) & (truth <= ends[..., 1])).mean(0)
    assert (covered >= 0.95).all()
    # Wide enough is easy: they must not be twice as wide as would do.
    assert ((ends[..., 1] - ends[..., 0]).mean(0) < 2 * 2 * 2 * spread).all()


def test_one_kind_of_things_is_a_jackknife_as_written_out():
    values = np.random.default_rng(3).normal(size=9)
    (one,) = statistics.crossed(lambda some: [values[some].mean()], [9])
    plain = statistics.interval(values)
    assert (one.mean, one.low, one.count) == pytest.approx((plain.mean, plain.low, 9))


def test_errors_of_crossed_kinds_add_up():
    rows, columns = (np.random.default_rng(n).normal(size=(8 * n)) for n in (1, 2))
    (one,) = statistics.crossed(lambda a, b: [rows[a].mean() + columns[b].mean()], [8, 16])
    parts = [values.var(ddof=1) / len(values) for values in (rows, columns)]
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 7 + parts[1] ** 2 / 15)
    assert one.high - one.mean == pytest.approx(stdtrit(freedom, 0.975) * math.sqrt(sum(parts)))
    assert one.count == 8


def test_what_does_not_vary_has_an_interval_without_width():
    (one,) = statistics.crossed(lambda a, b: [2.0], [3, 4])
    assert (one.low, one.mean, one.high) == (2, 2, 2)


def test_one_thing_of_a_kind_has_no_crossed_interval():
    with pytest.raises(ValueError, match="at least 2 things of every kind, not 1"):
        statistics.crossed(lambda a, b: [1.0], [5, 1])
