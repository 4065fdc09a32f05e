"""Paths are compared as they would be by hand."""

import pytest
import torch
from scipy.stats import spearmanr

from featviz.article.studies import alike_paths
from featviz.article.studies.shared import alexnet
from featviz.ascent.effective_field import used_field
from featviz.measures.gratings import GRAY
from featviz.network.values import activations


def test_likeness_is_the_rank_correlation_above_that_with_others():
    pictures, patches = torch.randn(3, 7), torch.randn(3, 2, 7)
    photographs = torch.tensor([[0, 1], [1, 2], [0, 0]])
    paths = alike_paths.compare(pictures, patches, photographs)

    def rho(one, other):
        return spearmanr(one.numpy(), other.numpy()).statistic

    for unit in range(3):
        own = [rho(pictures[unit], patches[unit, at]) for at in range(2)]
        others = [
            rho(pictures[unit], patches[other, at])
            for other in range(3)
            for at in range(2)
            if other != unit
        ]
        assert paths.picture[unit].item() == pytest.approx(sum(own) / 2 - sum(others) / 4)
    first = []
    for at in range(2):
        others = [
            rho(patches[0, at], patches[other, which])
            for other in (1, 2)
            for which in range(2)
            if photographs[other, which] != photographs[0, at]
        ]
        first.append(rho(patches[0, 0], patches[0, 1]) - sum(others) / len(others))
    assert paths.patches[0].item() == pytest.approx(sum(first) / 2)
    assert paths.patches[2].isnan(), "both patches are from one photograph"


def test_a_units_own_images_are_alike_where_they_are_the_same():
    described = torch.randn(4, 9)
    patches = described[:, None].expand(4, 3, 9)
    photographs = torch.arange(3).expand(4, 3)
    paths = alike_paths.compare(described, patches, photographs)
    assert (paths.picture > 0.4).all()
    torch.testing.assert_close(paths.picture, paths.patches)


def test_images_lie_where_the_units_look():
    layer, side = "conv3", used_field(alexnet(), "conv3").size
    canvas = alike_paths._on_gray(layer, torch.rand(1, 3, side, side))
    plain = torch.full_like(canvas, GRAY)
    changed = (canvas != plain).any(1)[0]
    rows = changed.any(1).nonzero()[:, 0]
    assert len(rows) == side
    place = alexnet().shape(layer, canvas.shape[-1])[-1] // 2
    assert (rows[0].item(), rows[-1].item() + 1) == used_field(alexnet(), layer).span(place)
    assert not torch.equal(
        activations(alexnet(), canvas, layer), activations(alexnet(), plain, layer)
    )
