"""What the chapter on attribution says in words must be so."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from featviz.article.studies import attribution, attribution_controls, attribution_evidence
from featviz.article.studies.bounds import over_both
from featviz.attribution import checks
from featviz.measures import statistics


def test_every_measured_photo_stands_once_on_each_side_beside_different_others():
    # A map that prefers one side would otherwise be taken for one that finds the photo.
    pairs = attribution_evidence.pairs()
    for side in zip(*pairs, strict=True):
        assert sorted(side) == sorted(attribution_evidence.MEASURED)
    for name in attribution_evidence.MEASURED:
        others = {other for pair in pairs if name in pair for other in pair} - {name}
        assert len(others) == attribution_evidence.NEIGHBORS


def test_random_maps_are_independent_and_point_nowhere():
    shares = np.stack([attribution_evidence._chance((13, 27), index) for index in range(8)])
    assert shares.shape == (8, 2, attribution_evidence.DRAWS)
    assert attribution_evidence.DRAWS >= 5
    # One map for both classes adds up to 1, always.
    assert (abs(shares.sum(1) - 1) > 1e-6).all()
    assert len(np.unique(shares)) == shares.size
    assert abs(shares.mean() - 0.5) < 4 * shares.std() / np.sqrt(shares.size)


def test_every_photo_has_a_credit_and_a_license():
    for name in {
        *attribution_evidence.MEASURED,
        *attribution_evidence.SHOWN,
        *attribution.CLASSES_SHOWN,
    }:
        photo = attribution_evidence.photo(name)
        assert photo.credit
        assert photo.license
        assert "no license" not in photo.license


def test_the_caption_of_the_class_figure_names_the_classes():
    names = [attribution_evidence.class_name(name) for name in attribution.CLASSES_SHOWN]
    assert names == ["Egyptian cat", "espresso", "barbell", "stupa", "tripod", "bow tie"]
    assert attribution.CLASSES_SHOWN[:2] == attribution.PAIR


def test_the_dictionary_is_in_order_and_of_the_layers_units():
    for layer in ("conv1", "conv5"):
        units, values = attribution_evidence.dictionary(layer, 3, ("chelsea",))
        assert units.shape == values.shape == (1, *((27, 27) if layer == "conv1" else (13, 13)), 3)
        assert (values.diff(dim=-1) <= 0).all()
        assert int(units.max()) < attribution_evidence.alexnet().units(layer)


def test_maps_of_one_figure_have_one_scale():
    maps = attribution_evidence.strengths(("chelsea", "coffee"))
    rows = attribution._rows(maps, ("chelsea", "coffee"), ("conv1", "conv5"))
    for column in range(2):
        both = torch.cat([rows[row][column].flatten() for row in range(2)])
        assert torch.isclose(both.mean(), torch.tensor(1.0), atol=1e-4)


def test_evidence_moves_onto_the_right_half_with_depth():
    maps = {
        (name, depth): attribution_evidence.attribute(
            attribution_evidence.classifier(),
            attribution_evidence.montage(*attribution.PAIR),
            attribution_evidence.top_class(name)[0],
            attribution_evidence.DEPTHS[depth],
        ).map
        for name in attribution.PAIR
        for depth in ("conv1", "fire9")
    }
    left, right = attribution.PAIR
    assert checks.share_left(maps[left, "fire9"]) > 0.75
    assert checks.share_left(maps[right, "fire9"]) < 0.25
    shallow, deep = (
        statistics.agreement(maps[left, depth], maps[right, depth]) for depth in ("conv1", "fire9")
    )
    assert shallow > 0.5 > 0 > deep


def test_maps_are_counted_as_better_photograph_by_photograph():
    noise = np.random.default_rng(0).normal(size=(3, 5, 8))
    sure, barely = noise * 0.01 + 1, noise * 0
    barely[0, 0] = noise[0, 0] - noise[0, 0].mean() + 0.9 * noise[0, 0].std()
    assert attribution_controls._above(sure) == "15"
    assert attribution_controls._above(-sure) == "none"
    # One of fifteen at p = 0.03 is what chance gives.
    assert statistics.p_value(barely[0, 0]) < attribution_controls.ERROR
    assert attribution_controls._above(barely) == "none"


def test_what_outlives_shuffling_keeps_every_draw_apart(monkeypatch, tmp_path):
    def weights(network, image, wanted, layer, method):
        layers = network.module.features if method == "activation" else network.module.classifier
        first = next(layers.parameters()).detach()
        return SimpleNamespace(map=first.flatten()[:500])

    monkeypatch.setenv("FEATVIZ_CACHE", str(tmp_path))
    monkeypatch.setattr(attribution_evidence, "attribute", weights)
    monkeypatch.setattr(attribution_evidence, "top_class", lambda name: (0, 1.0))
    agreements = attribution_evidence.randomization()
    for table in agreements.values():
        assert table.shape == (4, len(attribution_evidence.MEASURED), attribution_evidence.DRAWS)
        assert len(np.unique(table[0, 0])) == attribution_evidence.DRAWS >= 5
        assert abs(table[0]).max() < 0.2
    # The first layer stays as it was where only the last is shuffled.
    assert (agreements["classifier"][-1] > 1 - 1e-9).all()
    assert abs(agreements["all"][-1]).max() < 0.2


@pytest.mark.parametrize("spread", [(1, 0, 0.3), (0, 1, 0.3), (1, 1, 0.3)])
def test_intervals_over_photographs_and_shufflings_cover(spread):
    photos, draws, rest = spread
    random = np.random.default_rng(0)
    covered = []
    for _ in range(1500):
        values = photos * random.normal(size=(8, 1)) + draws * random.normal(size=(1, 5))
        found = over_both(values + rest * random.normal(size=(8, 5)))
        covered.append(found.low < 0 < found.high)
    assert 0.94 < np.mean(covered) < 0.98
