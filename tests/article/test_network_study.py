"""What the chapter on the network says of fields in use stands on all photographs."""

import torch

from featviz.article.studies import network as study
from featviz.measures.statistics import Interval


def test_every_photograph_has_a_side_and_signs_of_its_own(monkeypatch):
    asked = []

    def field(net, layer, images, draws, seed):
        asked.append((layer, len(images), draws, seed))
        return torch.full((11, 11), 1 / 121)

    monkeypatch.setattr(study, "effective_field", field)
    monkeypatch.setattr(study, "_samples", lambda: [torch.zeros(3, 8, 8)] * 5)
    measured = study._measure_used()
    layers = study.alexnet().layers
    for layer in layers:
        assert measured[f"side/{layer}"].shape == (5,)
        assert (measured[f"reach/{layer}"] == 11).all()
    assert {(count, draws) for _, count, draws, _ in asked} == {(1, study.SIGNS)}
    assert all(len({seed for name, *_, seed in asked if name == layer}) == 5 for layer in layers)


def test_a_square_is_told_with_its_interval():
    assert study._pixels(Interval(81.6, 78.6, 84.5, 13)) == "82 (79 to 84)"
    assert study._pixels(Interval(11.0, 11.0, 11.0, 13)) == "11"
