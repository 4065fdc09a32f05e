"""What the overview shows: the units that it picks, and its cards."""

import numpy as np
import pytest

from featviz.article.studies import overview
from featviz.article.studies.cards import Card, cards
from featviz.article.studies.shared import alexnet


def card(**changes):
    texts = {"title": "On", "link": "a.html", "number": "3 < 4", "note": "of <em>all</em>"}
    return Card(**{**texts, "image": np.zeros((3, 8, 8)), "alt": "Black"} | changes)


def test_six_units_of_every_layer_are_picked_and_none_twice():
    net = alexnet()
    assert tuple(overview.HERO) == net.layers
    for layer, units in overview.HERO.items():
        assert len(set(units)) == len(units) == 6
        assert max(units) < net.units(layer)


def test_a_card_is_a_picture_a_number_and_a_link():
    body = cards([card(), card()], id="two", caption="Two.").body
    assert body.count("<li>") == body.count('alt="Black"') == 2
    assert "<strong>3 &lt; 4</strong><span>of <em>all</em></span>" in body
    assert '<a href="a.html">On</a>' in body


def test_a_card_without_words_for_its_picture_is_refused():
    with pytest.raises(ValueError, match="no alt text"):
        cards([card(alt=" ")], id="one", caption="One.")


def test_squares_lie_in_the_middle_and_halves_keep_their_sides():
    drawing = overview._squares(np.full((3, 21, 21), 0.5, np.float32), [11])
    ys, xs = np.nonzero(drawing[0] == 1)
    assert (ys.min(), ys.max(), xs.min(), xs.max()) == (5, 15, 5, 15)
    assert drawing[0, 10, 10] == 0.5
    joined = overview._halves(np.zeros((3, 8, 8), np.float32), np.full((3, 8, 8), 0.5, np.float32))
    assert joined[0, 0].tolist() == [0, 0, 0, 1, 1, 0.5, 0.5, 0.5]
