"""What the chapter on circuits counts is what it says."""

from types import SimpleNamespace

import pytest
import torch

import featviz as fv
from featviz.article.studies import circuits_evidence as evidence
from featviz.article.studies import circuits_motifs as motifs
from featviz.article.studies.circuits_motifs import MIRROR, QUARTER
from tests.networks import LAYERS, SmallCNN


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def banks(monkeypatch):
    """Lets tests say what the weights of two layers are."""
    weights = {"one": random(8, 3, 5, 5), "two": random(6, 8, 3, 3)}
    monkeypatch.setattr(motifs, "alexnet", lambda: SimpleNamespace(layers=("one", "two")))
    monkeypatch.setattr(motifs, "kernels", weights.__getitem__)
    monkeypatch.setattr(motifs, "likeness", motifs.likeness.__wrapped__)
    return weights


def test_a_unit_at_another_angle_is_counted_and_noise_is_not(banks):
    assert motifs.turned_twins("one", QUARTER).seen == 0
    banks["one"][5] = torch.rot90(banks["one"][2], 1, (1, 2))
    count = motifs.turned_twins("one", QUARTER)
    assert (count.seen, count.cases) == (1, 8)
    assert count.chance < 0.5


def test_a_turned_kernel_reads_turned_units(banks):
    first = banks["one"]
    first[4:] = torch.rot90(first[:4], 1, (2, 3))
    banks["two"][1] = 0
    # Of each unit the turned one is four places on, and those turned once more are no units here.
    banks["two"][0, 4:] = 0
    banks["two"][1, 4:] = torch.rot90(banks["two"][0, :4], 1, (1, 2))
    table = motifs.likeness("two", QUARTER)
    assert table[0].argmax() == 1
    assert table[0, 1] == pytest.approx(1, abs=1e-5)


def test_mirror_images_are_told_from_images_upside_down(banks):
    banks["one"][:] = banks["one"] + banks["one"].flip(3)
    count = motifs.own_mirror_images("one")
    assert (count.seen, count.cases) == (8, 8)
    assert 2 < count.chance < 6


def test_what_the_units_before_are_like_is_chance_in_a_count_of_mirror_images(banks):
    # Units that are their own mirror images, of which none is another one upside down.
    banks["one"][:] = banks["one"] + banks["one"].flip(3)
    flat = banks["two"].mean((2, 3), keepdim=True)
    banks["two"][:] = flat.expand_as(banks["two"])
    count = motifs.own_mirror_images("two")
    assert count.seen == count.chance == count.low == count.high > count.cases / 2


def test_unions_are_readers_of_both_of_a_pair(banks):
    banks["one"][1] = banks["one"][0].flip(2)
    assert motifs.mirrored_pairs("one") == [(0, 1)]
    banks["two"][:] = 0.01 * banks["two"]
    banks["two"][3, :2] = 1
    count = motifs.unions("one")
    assert (count.seen, count.cases) == (1, 6)
    assert motifs.likeness("one", MIRROR)[0, 1] == pytest.approx(1, abs=1e-5)


def test_crossings_are_readers_excited_along_and_inhibited_across(banks, monkeypatch):
    angles = {"one": torch.arange(8) * 22.5, "two": torch.zeros(6)}
    monkeypatch.setattr(motifs, "scope", lambda: None)
    monkeypatch.setattr(
        motifs.findings,
        "find_preferences",
        lambda _, layer: SimpleNamespace(
            selectivity=torch.ones(len(angles[layer])), orientation=angles[layer]
        ),
    )
    along = torch.tensor([1, 1, 0, -1, -1, -1, 0, 1.0])
    banks["two"][:] = along[None, :, None, None]
    banks["two"][4:] *= -1
    count = motifs.crossings("one")
    assert (count.seen, count.cases) == (4, 6)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A small network in AlexNet's place, and photographs of noise."""
    monkeypatch.setenv("FEATVIZ_CACHE", str(tmp_path))
    net = fv.Network(SmallCNN().eval(), layers=LAYERS)
    images = random(12, 3, 64, 64).sigmoid()
    monkeypatch.setattr(evidence, "alexnet", lambda: net)
    monkeypatch.setattr(evidence, "photographs", lambda half: tuple(images[half::2]))
    for cached in (evidence._strengths, evidence.circuits, evidence.through):
        monkeypatch.setattr(evidence, cached.__name__, cached.__wrapped__)
    return net


def test_weights_through_layers_are_those_of_each_units_own_circuit(small):
    last, first = small.layers[-1], small.layers[0]
    weights = evidence.through(last, first)
    chosen = evidence.circuits(last).units[-1]
    expected = fv.circuits.expanded_weights(small, last, 1, first)[0, chosen[1]]
    if expected.shape[-1] > evidence.COARSE:
        expected = torch.nn.functional.avg_pool2d(expected, 2, ceil_mode=True)
    torch.testing.assert_close(torch.from_numpy(weights[1]), expected)


def test_what_is_left_without_a_unit_is_all_where_it_has_no_weight(small):
    last, before = small.layers[-1], small.layers[-2]
    module = small.module.get_submodule(small.dotted[last])
    module.weight.data[0] = module.weight.data[0].abs()  # so that it is active
    module.weight.data[0, 0] = 0
    left = evidence.without(last, 0, [(before, 0), (before, 1)])
    assert left[before, 0] == pytest.approx(1)
    assert left[before, 1] != pytest.approx(1, abs=1e-4)
