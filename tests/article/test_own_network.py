"""The page that trains a network: its pictures, and what is read off a layer."""

import numpy as np
import pytest
import torch
from torch import nn

import featviz as fv
from featviz.article.studies import own_network
from featviz.article.studies.own_network_data import KINDS, SHAPES, SIDE, TEXTURES, draw


class Painted(nn.Module):
    """conv1 means are the mean red, green and blue, which tell what `painted` puts there."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 3, 1)
        self.conv1.weight.data = torch.eye(3)[:, :, None, None]
        self.conv1.bias.data.zero_()

    def forward(self, x):
        return self.conv1(x).relu().mean((2, 3))


def painted(count, seed):
    """Pictures of one color for each texture, and of random colors for each shape."""
    labels = torch.arange(count) % len(KINDS)
    random = torch.rand(count, 3, generator=torch.Generator().manual_seed(seed))
    colors = torch.where((labels < len(TEXTURES))[:, None], torch.eye(4, 3)[labels % 4], random)
    return colors[:, :, None, None].expand(-1, -1, SIDE, SIDE), labels


def test_every_kind_is_drawn_as_often_as_any_other_and_a_seed_draws_the_same():
    images, labels = draw(4 * len(KINDS), seed=5)
    assert images.shape == (4 * len(KINDS), 3, SIDE, SIDE)
    assert images.min() >= 0
    assert images.max() <= 1
    assert labels.bincount().tolist() == [4] * len(KINDS)
    again, _ = draw(4 * len(KINDS), seed=5)
    assert images.equal(again)
    assert not images.equal(draw(4 * len(KINDS), seed=6)[0])


def test_stripes_run_as_they_are_called():
    images, labels = draw(10 * len(KINDS), seed=0)
    for name, along, across in (("level stripes", -1, -2), ("upright stripes", -2, -1)):
        striped = images[labels == KINDS.index(name)]
        smooth = striped.diff(dim=along).abs().mean()
        assert smooth < striped.diff(dim=across).abs().mean() / 1.5


def test_shapes_lie_on_one_ground():
    """All four corners of most shapes have one color; those of a texture do not."""
    images, labels = draw(20 * len(KINDS), seed=0)
    corners = torch.stack([images[:, :, y, x] for y in (0, -1) for x in (0, -1)])
    spread = corners.std(0).mean(1)
    shape = labels >= len(TEXTURES)
    assert spread[shape].median() < spread[~shape].median() / 2


def test_a_reader_tells_apart_what_the_means_tell_and_nothing_else(monkeypatch):
    monkeypatch.setattr(own_network, "_for_readers", lambda: painted(800, 1))
    monkeypatch.setattr(own_network, "_held_out", lambda: painted(800, 2))
    net = fv.Network(Painted(), [0] * 3, [1] * 3, {"conv1": "conv1"})
    assert own_network._read(net, "conv1", TEXTURES).mean == 1
    chance = own_network._read(net, "conv1", SHAPES)
    assert chance.low < 1 / len(SHAPES) < chance.high
    assert chance.count == 400


def test_a_board_holds_every_picture_in_its_place():
    tiles = np.arange(16, dtype=np.float32)[:, None, None, None].repeat(3, 1) / 16
    board = own_network._board(tiles.repeat(SIDE, 2).repeat(SIDE, 3))
    step = SIDE + own_network.GAP
    assert board[0, ::step, ::step].ravel().tolist() == [index / 16 for index in range(16)]
    assert (board[:, SIDE : SIDE + own_network.GAP] == 1).all()


def test_a_unit_is_like_its_last_self_at_the_end_and_a_silent_one_like_nothing():
    networks = {}
    for step, scale in enumerate((0.0, -1.0, 3.0)):
        module = Painted()
        module.conv1.weight.data *= scale
        networks[step] = fv.Network(module, [0] * 3, [1] * 3, {"conv1": "conv1"})
    silent, opposite, last = own_network._alike_the_last(networks, "conv1")
    # conv1:relu of the first two is 0 everywhere.
    assert (silent.mean, opposite.mean) == (0, 0)
    assert last.mean == pytest.approx(1)
    assert last.count == 3
