"""Units that respond alike: against slow loops, NumPy, and networks that are the same or moved."""

import numpy as np
import pytest
import torch
from torch import nn

import featviz as fv
from featviz.measures.correspondence import (
    correlations,
    mutual_matches,
    on_grid,
    pair_correlations,
)
from featviz.network.receptive_fields import ReceptiveField


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_grid_averages_what_lies_around_its_places():
    field, values = ReceptiveField(size=9, stride=4, start=3), random(2, 7, 6)
    centers, apart = (6, 14), 8
    grid = on_grid(values, field, centers, apart)
    for row, y in enumerate(centers):
        for column, x in enumerate(centers):
            total = weight = 0
            for i in range(7):
                for j in range(6):
                    near = [max(0, 1 - abs(3 + 4 * at - c) / apart) for at, c in ((i, y), (j, x))]
                    total += near[0] * near[1] * values[:, i, j]
                    weight += near[0] * near[1]
            torch.testing.assert_close(grid[:, row, column], total / weight)


def test_layers_of_other_strides_are_compared_where_they_look():
    # A ramp across the image, averaged by two layers whose maps start elsewhere.
    ramp = torch.arange(64.0).expand(1, 3, 64, 64) / 64
    grids = []
    for stride, padding in ((2, 0), (4, 2)):
        convolution = nn.Conv2d(3, 1, 5, stride, padding, bias=False)
        convolution.weight.data.fill_(1 / 75)
        net = fv.Network(nn.Sequential(convolution), (0, 0, 0), (1, 1, 1), {"only": "0"})
        values = fv.activations(net, ramp, "only")
        grids.append(on_grid(values, net.receptive_field("only"), (16, 24, 32, 40), 8))
    torch.testing.assert_close(*grids, atol=1e-5, rtol=0)
    torch.testing.assert_close(grids[0][0, 0, 0] * 64, torch.tensor([16.0, 24, 32, 40]))


def test_a_place_without_positions_is_refused():
    with pytest.raises(
        ValueError, match=r"no position of 3 that lie 8 px apart is within 4 px .*40"
    ):
        on_grid(torch.zeros(1, 3, 3), ReceptiveField(size=9, stride=8, start=4), (4, 40), 4)


def test_correlations_are_numpys():
    one, other = random(4, 50) * 3 + 7, random(5, 50, seed=1)
    expected = np.corrcoef(one.numpy(), other.numpy())[:4, 4:]
    np.testing.assert_allclose(correlations(one, other).numpy(), expected, atol=1e-5)
    one[2] = 5.0
    assert (correlations(one, other)[2] == 0).all()


def test_mutual_matches_are_those_of_a_loop():
    table = random(12, 9)
    pairs = [
        [i, j]
        for i in range(12)
        for j in range(9)
        if table[i, j] == table[i].max() and table[i, j] == table[:, j].max()
    ]
    assert 0 < len(pairs) < 9
    assert mutual_matches(table).tolist() == pairs


def test_a_layer_matches_its_own_units_in_another_order():
    values, order = random(20, 200), torch.randperm(20, generator=torch.Generator().manual_seed(3))
    other = values[order] + 0.1 * random(20, 200, seed=2)
    pairs = mutual_matches(correlations(values, other))
    assert order[pairs[:, 1]].tolist() == pairs[:, 0].tolist() == list(range(20))


def test_correlations_of_pairs_are_those_of_the_table():
    one, other = random(3, 6, 10) + 40, random(3, 6, 10, seed=1) * 2
    other += one
    for pair, value in enumerate(pair_correlations(one, other).tolist()):
        a, b = (side[pair].flatten().numpy() for side in (one, other))
        assert value == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-5)
    plain = correlations(one.flatten(1), other.flatten(1)).diagonal()
    torch.testing.assert_close(pair_correlations(one, other), plain, atol=1e-5, rtol=0)
    assert pair_correlations(torch.ones(1, 2, 3), random(1, 2, 3)).tolist() == [0.0]
