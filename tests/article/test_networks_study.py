"""What the chapter on three networks measures is what it says."""

import pytest
import torch

import featviz as fv
from featviz.article.studies import networks_evidence as evidence
from featviz.article.studies import networks_matches as matching
from featviz.article.studies.networks_matches import Matches
from featviz.measures.activity import measure_activity
from featviz.photos import Photo
from tests.networks import LAYERS, SmallCNN


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Three photographs of noise, and a small network that takes AlexNet's place."""
    monkeypatch.setenv("FEATVIZ_CACHE", str(tmp_path))
    net = fv.Network(SmallCNN().eval(), layers=LAYERS)
    images = random(3, 3, evidence.SIZE, evidence.SIZE).sigmoid()
    samples = tuple(Photo(str(i), image, "", "", "") for i, image in enumerate(images))
    monkeypatch.setattr(evidence, "photographs", lambda: samples)
    monkeypatch.setattr(evidence, "LOAD", {"AlexNet": lambda: net})
    monkeypatch.setattr(evidence, "DEPTHS", {"AlexNet": ("conv1", "conv3")})
    for cached in (evidence.network, evidence.look, evidence.left):
        monkeypatch.setattr(evidence, cached.__name__, cached.__wrapped__)
    return net, images


def test_activity_is_that_of_the_measure(small):
    net, images = small
    sight = evidence.look("AlexNet")
    each = [measure_activity(net, net.layers, [image]) for image in images]
    for layer in net.layers:
        shares = torch.stack([found[layer].share for found in each])
        torch.testing.assert_close(sight[f"share/{layer}"], shares)
        assert evidence.active("AlexNet", layer).tolist() == pytest.approx(
            (100 * shares.mean(1)).tolist()
        )


def test_peaks_are_where_the_layer_has_them(small):
    net, images = small
    sight = evidence.look("AlexNet")
    values = fv.activations(net, images, "conv3")
    for photo in range(3):
        for unit in range(net.units("conv3")):
            row, column = sight["at/conv3"][photo, unit].tolist()
            peak = sight["peak/conv3"][photo, unit].item()
            assert values[photo, unit, row, column].item() == pytest.approx(peak, abs=1e-5)
    field = net.receptive_field("conv3")
    spans = [field.span(at) for at in sight["at/conv3"].flatten().tolist()]
    assert all(first >= 0 and end <= evidence.SIZE for first, end in spans)


def test_what_a_turn_leaves_is_measured_from_the_peak(small, monkeypatch):
    net, _ = small
    monkeypatch.setattr(evidence, "TURNED", 5)
    monkeypatch.setattr(evidence, "TURN", 0)
    assert evidence.left("AlexNet", "conv3").tolist() == pytest.approx([100.0] * 5)
    answers = []
    plain = evidence.on_patches

    def watched(*arguments):
        answers.append(plain(*arguments))
        return answers[-1]

    monkeypatch.setattr(evidence, "on_patches", watched)
    monkeypatch.setattr(evidence, "TURN", 45)
    assert evidence.left("AlexNet", "conv3").mean() < 90
    units = [index * net.units("conv3") // 5 for index in range(5)]
    peaks = evidence.look("AlexNet")["peak/conv3"][:, units].amax(0)
    torch.testing.assert_close(answers[0][:, 0], peaks, rtol=1e-4, atol=1e-4)


def test_a_network_before_training_sees_some_photographs(small, monkeypatch):
    monkeypatch.setattr(evidence, "EVERY", 2)
    monkeypatch.setattr(evidence, "DRAWS", 2)
    assert len(evidence.look("AlexNet", 0, 2)["share/conv1"]) == 2
    shares = evidence.active_untrained("AlexNet", "conv3")
    assert len(shares.unique()) == 2


def test_squeezenet_is_read_before_its_activations():
    net = evidence.squeezenet()
    assert net.layers == ("conv1", *(f"fire{fire}" for fire in range(2, 10)))
    values = fv.activations(net, random(1, 3, 64, 64).sigmoid(), net.layers)
    assert all(value.min() < 0 for value in values.values())
    assert set(evidence.DEPTHS["SqueezeNet"]) < set(net.layers)


@pytest.fixture
def maps(monkeypatch):
    """Values of made-up layers: VGG16's two depths hold AlexNet's units, in another order."""
    values = random(20, 12, 30)
    noise = random(20, 12, 30, seed=1)
    theirs = values.flip(0) + 0.5 * noise
    looks = {
        ("AlexNet", None): {"maps/conv5": values},
        ("VGG16", None): {"maps/one": theirs[:8], "maps/two": theirs[8:]},
        ("VGG16", 0): {"maps/one": noise[:8], "maps/two": noise[8:]},
    }
    monkeypatch.setattr(matching, "look", lambda name, draw=None: looks[name, draw])
    depths = {"AlexNet": ("conv1", "conv5"), "VGG16": ("one", "two")}
    monkeypatch.setattr(matching, "DEPTHS", depths)
    for cached in (matching.best, matching.mutual, matching.steadiest):
        monkeypatch.setattr(matching, cached.__name__, cached.__wrapped__)
    return looks


def test_units_that_are_there_are_recognized_on_other_photographs(maps):
    matches = matching.best("conv5", "VGG16")
    assert matches.others.tolist() == list(range(19, -1, -1))
    expected = 1 / 1.25**0.5
    assert matches.held.mean() == pytest.approx(expected, abs=0.03)
    middle = matching.median(matches)
    assert middle.mean == pytest.approx(expected, abs=0.03)
    assert middle.low < expected < middle.high
    assert (matches.held > matching.ALIKE).all()


@pytest.mark.parametrize("kind", [matching.UNTRAINED, matching.MIXED])
def test_choosing_the_best_of_noise_shows_on_the_choosing_half_alone(maps, kind):
    matches = matching.best("conv5", "VGG16", kind)
    assert matches.chosen.mean() > 0.1
    assert abs(matches.held.mean()) < 0.05
    assert not (matches.held > matching.ALIKE).any()
    assert matching.median(matches).low < 0 < matching.median(matches).high


@pytest.mark.parametrize("shared", [0.5, 1.0, 1.6])
def test_intervals_of_median_correlations_cover(shared):
    # Sixty pairs, of weak to strong correlations; photographs differ in how strong they are.
    pairs, places, count = 60, 9, 31
    generator = torch.Generator().manual_seed(1)
    strength = shared * torch.rand(pairs, 1, 1, generator=generator)
    both, *apart = (torch.randn(pairs, count, places, generator=generator) for _ in range(3))
    loud = 2 * torch.rand(1, count, 1, generator=generator)
    one, other = (loud * strength * both + noise for noise in apart)
    truth = matching.pair_correlations(one, other).median()
    covered = []
    for _ in range(100):
        drawn = torch.randint(count, (count,), generator=generator)
        sample = one[:, drawn], other[:, drawn]
        held = matching.pair_correlations(*sample)
        found = matching.median(Matches(held, held, held, held, held, sample))
        covered.append(found.low <= truth <= found.high)
    assert sum(covered) >= 93


def test_mutual_matches_are_of_one_layer(maps):
    matches = matching.mutual("conv5", "VGG16", "one")
    pairs = dict(zip(matches.units.tolist(), matches.others.tolist(), strict=True))
    assert {19 - other: other for other in range(8)}.items() <= pairs.items()
    assert (matches.held > matching.ALIKE).sum() == 8


def test_what_one_photograph_makes_alike_is_no_steady_pair(maps):
    ours, theirs = maps["AlexNet", None]["maps/conv5"], maps["VGG16", None]["maps/two"]
    ours[3], theirs[8] = random(12, 30, seed=2), random(12, 30, seed=3)
    ours[3, 0, 0] = theirs[8, 0, 0] = 100
    matches = matching.mutual("conv5", "VGG16", "two")
    place = matches.units.tolist().index(3)
    assert matches.chosen[place] == matches.chosen.max()
    twins = matching.steadiest()
    assert len({twin.unit for twin in twins}) == matching.TWINS
    assert 3 not in [twin.unit for twin in twins]
    for twin in twins:
        offset = {"one": 0, "two": 8}[twin.other_layer]
        assert (twin.layer, twin.unit) == ("conv5", 19 - twin.other_unit - offset)
