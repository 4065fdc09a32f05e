"""Likeness of looks and of behavior, against NumPy, SciPy and cases worked out by hand."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from featviz.measures import likeness as alike
from featviz.measures.likeness import Behavior


def maps(count=4, units=5, seed=0):
    stream = torch.Generator().manual_seed(seed)
    return [torch.randn(units, 3 + n, 4, generator=stream) + n for n in range(count)]


def symmetric(units, seed):
    square = torch.rand(units, units, generator=torch.Generator().manual_seed(seed))
    return square + square.T


@pytest.mark.parametrize("photographs", [None, [0, 2], [1, 1, 3]])
def test_correlations_are_those_of_all_places_together(photographs):
    every = maps()
    chosen = every if photographs is None else [every[n] for n in photographs]
    expected = np.corrcoef(torch.cat([one.flatten(1) for one in chosen], 1))
    actual = Behavior.of(every).correlation(photographs)
    assert actual.numpy() == pytest.approx(expected, abs=1e-9)


def test_a_silent_unit_has_no_behavior():
    every = [torch.cat([one, torch.full_like(one[:1], 0.1)]) for one in maps()]
    actual = Behavior.of(every).correlation()
    assert actual[-1].isnan().all()
    assert actual[:-1, :-1].isfinite().all()


def test_of_a_square_of_places_only_the_strongest_counts():
    one, two = torch.zeros(2, 1, 6, 6).unbind()
    one[0, 0, 0], one[0, 5, 5] = 1, 2
    two[0, 2, 2], two[0, 3, 4] = 1, 2
    both = [torch.cat([one, two])]
    assert Behavior.of(both).correlation()[0, 1] < 0
    assert Behavior.of(both, 3).correlation()[0, 1] == pytest.approx(1)


def test_likeness_is_of_what_sets_pictures_apart():
    shared = torch.tensor([100.0, -50, 0])
    apart = torch.tensor([[1.0, 0, 0], [-1, 0, 0], [0, 2, 0], [0, -2, 0]])
    cosines = alike.likeness(shared + apart, shared + apart)
    assert cosines[:2].numpy() == pytest.approx(np.array([[1, -1, 0, 0], [-1, 1, 0, 0]]), abs=1e-6)
    # One picture alone is described by how it differs from the others, not from itself.
    assert alike.likeness(shared + apart[2:3], shared + apart).argmax() == 2


def test_agreement_of_pairs_is_spearmans_over_all_pairs():
    one, other = symmetric(9, 1), symmetric(9, 2)
    upper = np.triu_indices(9, 1)
    expected = spearmanr(one.numpy()[upper], other.numpy()[upper]).statistic
    assert alike.pair_agreement(one, other) == pytest.approx(expected)


def test_dealing_units_anew_leaves_no_agreement_and_keeps_every_pair():
    one = symmetric(12, 1)
    dealt = alike.permuted_agreements(one, one, 4000, seed=0)
    assert alike.pair_agreement(one, one) == pytest.approx(1)
    assert dealt.mean().abs() < 4 * dealt.std() / 4000**0.5
    # Of three units there are only six ways: all agreements of the whole count can be named.
    small, other = symmetric(3, 3), symmetric(3, 4)
    orders = torch.tensor([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    expected = {round(alike.pair_agreement(small[o][:, o], other), 6) for o in orders}
    draws = alike.permuted_agreements(small, other, 200, seed=0).tolist()
    assert {round(one, 6) for one in draws} == expected


def test_a_lookalike_stands_where_its_behavior_stands():
    looks = torch.tensor([[1, 0.9, 0, 0], [0.9, 1, 0, 0], [0, 0, 1, 0.5], [0, 0, 0.5, 1]])
    behavior = torch.tensor(
        [[1, 0.8, 0.1, 0.2], [0.8, 1, 0.9, 0.9], [0.1, 0.9, 1, 0.1], [0.2, 0.9, 0.1, 1]]
    )
    # First in two of two; last of three; equal to one and below the other; last again.
    assert alike.standings(looks, behavior).tolist() == [100, 0, 25, 0]


def test_standings_of_chance_are_50():
    standings = [alike.standings(symmetric(40, n), symmetric(40, 99 + n)) for n in range(50)]
    every = torch.cat(standings)
    assert abs(every.mean() - 50) < 4 * every.std() / len(every) ** 0.5


def test_sets_are_means_of_their_pairs():
    behavior = symmetric(7, 5)
    pairs = [behavior[1, 4], behavior[1, 6], behavior[4, 6]]
    assert alike.within(behavior, (1, 4, 6)) == pytest.approx(float(sum(pairs) / 3))
    draws = alike.within_random(behavior, 3, 5000, seed=0)
    mean = alike.each_pair(behavior).mean()
    assert abs(draws.mean() - mean) < 4 * draws.std() / 5000**0.5
    whole = alike.within_random(behavior, 7, 3, seed=0)
    assert whole.numpy() == pytest.approx(float(mean))
