"""The pairs and families of the chapter on looking alike are what it says."""

import numpy as np
import pytest
import torch

from featviz.article.studies import alike, alike_measures
from featviz.article.studies.alike_evidence import Evidence
from featviz.measures.statistics import Interval
from featviz.photos import Photo


def symmetric(values):
    """A (5, 5) of these values of the pairs 0-1, 0-2, 0-3, 0-4, 1-2, ..."""
    square = torch.eye(5)
    row, column = torch.triu_indices(5, 5, offset=1)
    square[row, column] = square[column, row] = torch.tensor(values)
    return square


LOOKS = [0.9, 0.8, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.0]
CHOSEN = [0.7, -0.5, 0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.3, 0.8]
OTHER = [0.11, 0.22, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.33]


@pytest.mark.parametrize(
    ("kind", "pair", "value"),
    [
        ("alike in both", (0, 1), 0.11),
        ("look alike only", (0, 2), 0.22),
        ("behave alike only", (3, 4), 0.33),
    ],
)
def test_pairs_are_chosen_on_one_half_and_told_of_the_other(kind, pair, value):
    none = (Interval(0, 0, 0, 1),) * 2
    evidence = Evidence(
        none, none, none, np.zeros(1), np.zeros(1), 0.0, (), symmetric(LOOKS),
        torch.stack([symmetric([0.0] * 10), symmetric(CHOSEN), symmetric(OTHER)]),
    )  # fmt: skip
    units, correlation = alike.choose(evidence, kind)
    assert units == pair
    assert correlation == pytest.approx(value)


def test_what_is_measured_of_pairs(monkeypatch, small):
    stream = torch.Generator().manual_seed(0)
    photographs = [
        Photo(f"p{n}", torch.rand(3, 40, 44, generator=stream), "", "", "") for n in range(6)
    ]
    units = range(small.units("conv2"))
    images = (torch.rand(len(units), 3, 16, 16, generator=stream) * 255).byte().numpy()
    # SqueezeNet sees 64 px at least: here color stands for all that it sees.
    monkeypatch.setattr(alike_measures, "see", lambda pixels: pixels.mean((2, 3)))
    found = alike_measures.measure_pairs(small, "conv2", units, images, photographs, seed=0)
    groups = len(alike_measures.EDGES) - 1
    assert found["numbers"].shape == (4 + groups, 3)
    assert (found["numbers"][:, 1] <= found["numbers"][:, 0]).all()
    assert (np.diff(found["centers"]) > 0).all()
    assert found["behavior"].shape == (3, len(units), len(units))
    families = alike_measures.measure_families(small, "conv2", [[0, 1, 2]], photographs, seed=0)
    mean, low, high, chance, least, most, p = families["families"][0]
    assert low <= mean <= high
    assert least <= chance <= most
    assert mean == pytest.approx(found["behavior"][0][np.triu_indices(3, 1)].mean(), abs=1e-6)
    assert 0 < p <= 1


def test_a_picture_returns_to_itself(monkeypatch):
    monkeypatch.setattr(alike_measures, "see", lambda pixels: pixels.flatten(1))
    first = np.random.default_rng(0).integers(0, 256, (9, 3, 8, 8)).astype(np.uint8)
    again = np.clip(first[[7, 2]].astype(int) + 5, 0, 255).astype(np.uint8)
    assert alike_measures.measure_return(first, again)["nearest"].tolist() == [7, 2]
