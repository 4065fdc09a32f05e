import numpy as np
import pytest
import torch
from torch import nn

import featviz as fv
from featviz import photos
from featviz.article import photographs as article
from featviz.circuits import Circuits, attributions, expanded_weights, find_circuit, find_circuits
from featviz.circuits.faithfulness import CONDITIONS, STRONGEST
from featviz.circuits.places import find_peaks
from featviz.circuits.proof import (
    _alike,
    circuit_alone,
    drawn_units,
    left_without,
    measure_faithfulness,
    prove_circuits,
    without_circuit,
)
from featviz.store import Store
from tests.circuits.architectures import untrained


@pytest.fixture(scope="module")
def scenes():
    return torch.stack([photos.load(name, 192).image for name in photos.samples()[:6]])


@pytest.fixture(scope="module")
def circuits(alexnet, scenes):
    return find_circuits(alexnet, "conv3", scenes, units=[8, 40], keep=3)


def test_columns_hold_the_units_that_add_most(alexnet, scenes, circuits):
    circuit = circuits[8]
    assert [column.layer for column in circuit.columns] == ["conv3", "conv2", "conv1"]
    assert (circuit.layer, circuit.unit) == ("conv3", 8)
    # The six photographs are fewer than it takes, so that all count on which the unit is active;
    # whole ones say the same as parts of them.
    values = find_peaks(alexnet, "conv3", scenes).values[:, 8]
    active = scenes[values > 0]
    assert len(active) > 1
    for column in circuit.columns[1:]:
        maps = attributions(alexnet, active, "conv3", 8, column.layer)
        sums = maps.sum((2, 3)).mean(0)
        order = sums.abs().argsort(descending=True)[:3]
        assert column.units.tolist() == order.tolist()
        np.testing.assert_allclose(column.strengths, sums[order], rtol=1e-3, atol=1e-4)
    assert circuit.columns[0].strengths[0] == pytest.approx(values[values > 0].mean().item())


def test_photographs_that_leave_a_unit_silent_count_only_if_all_do(alexnet, scenes):
    values = find_peaks(alexnet, "conv3", scenes).values
    silent = int((values.amin(0) < 0).logical_and(values.amax(0) > 0).nonzero()[0])
    active = scenes[values[:, silent] > 0]
    spec = ("conv3", silent)
    some, all_of_them = (find_circuit(alexnet, spec, one, keep=2) for one in (active, scenes))
    assert some.units == all_of_them.units
    quiet = find_circuit(alexnet, spec, scenes[values[:, silent] <= 0], keep=2)
    assert quiet.columns[0].strengths[0] <= 0


def test_edges_are_expanded_weights(alexnet, circuits):
    circuit = circuits[8]
    later, earlier = (column.units.tolist() for column in circuit.columns[1:])
    expected = expanded_weights(alexnet, "conv2", later, "conv1")[:, earlier]
    np.testing.assert_allclose(circuit.edges[1], expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(circuit.weights[1], expected.sum((2, 3)), rtol=1e-4, atol=1e-6)
    assert circuit.edges[0].shape == (1, 3, 7, 7)
    assert circuit.paths == (1, 1)


def test_alone_and_among_others_it_is_the_same(alexnet, scenes, circuits):
    alone = find_circuit(alexnet, "conv3:40", scenes, keep=3)
    assert (
        alone.units
        == circuits[40].units
        == find_circuit(alexnet, ("conv3", 40), scenes, keep=3).units
    )
    np.testing.assert_allclose(
        alone.columns[1].strengths, circuits[40].columns[1].strengths, rtol=1e-4
    )


def test_circuits_come_back_from_the_store(circuits, tmp_path):
    arrays = Store(tmp_path).arrays({"layer": "conv3"}, circuits.arrays, "featviz.circuits.graph")
    again = Circuits.from_arrays(arrays)
    assert again.layers == circuits.layers
    assert again[40].record() == circuits[40].record()
    with pytest.raises(KeyError, match="conv3:9 isn't among the roots"):
        again[9]


def test_blocks_with_residual_sums_make_columns():
    net = untrained("resnet18")
    images = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    circuit = find_circuit(net, "layer2.0:3", images, keep=2)
    assert [column.layer for column in circuit.columns] == [
        "layer2.0", "layer1.1", "layer1.0", "conv1",
    ]  # fmt: skip
    assert circuit.paths == (2, 2, 2)
    assert [edge.shape[:2] for edge in circuit.edges] == [(1, 2), (2, 2), (2, 2)]


def test_vgg16s_columns_are_its_convolutions():
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    circuit = find_circuit(untrained("vgg16"), "conv3_1:5", images, keep=2)
    names = [column.layer for column in circuit.columns]
    assert names == ["conv3_1", "conv2_2", "conv2_1", "conv1_2", "conv1_1"]
    assert [edge.shape[2:] for edge in circuit.edges] == [(6, 6), (3, 3), (6, 6), (3, 3)]


def test_what_has_no_circuit_is_said(alexnet, scenes):
    with pytest.raises(ValueError, match="no layer of alexnet comes before conv1"):
        find_circuit(alexnet, "conv1:3", scenes)
    with pytest.raises(ValueError, match="as in conv5:12, not 'conv5'"):
        find_circuit(alexnet, "conv5", scenes)
    with pytest.raises(ValueError, match="keep is at least 1"):
        find_circuit(alexnet, "conv3:1", scenes, keep=0)
    with pytest.raises(ValueError, match="no photographs"):
        find_circuit(alexnet, "conv3:1", [])


def test_what_is_left_is_what_an_ablated_network_gives(alexnet, scenes, circuits):
    left = measure_faithfulness(alexnet, circuits, scenes, keeps=[1, 3])
    assert left.values.shape == (2, 2, len(CONDITIONS), 6)
    peaks = find_peaks(alexnet, "conv3", scenes)
    for keep, values in zip(left.keeps, left.values[0], strict=True):
        circuit = find_circuit(alexnet, "conv3:8", scenes, keep=keep)
        networks = (
            without_circuit(alexnet, circuit, scenes),
            circuit_alone(alexnet, circuit, scenes),
        )
        for ablated, row in zip(networks, (0, 2), strict=True):
            maps = fv.activations(ablated, scenes, "conv3")[:, 8]
            expected = maps[range(6), peaks.rows[:, 8], peaks.columns[:, 8]][left.photographs[0]]
            np.testing.assert_allclose(values[row], expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(left.original[0], peaks.values[left.photographs[0], 8])


def test_random_units_are_others_and_as_active():
    mean = torch.arange(64).float()
    units = np.array([10, 40, 41])
    drawn = _alike(units, mean, torch.Generator().manual_seed(0))
    assert not {*drawn} & {*units.tolist()}
    assert len({*drawn}) == 3
    assert all(abs(one - unit) <= 8 for one, unit in zip(drawn, units, strict=True))


def test_responses_and_correlations_by_hand(alexnet, scenes, circuits):
    left = measure_faithfulness(alexnet, circuits, scenes)
    for unit in range(2):
        original, values = left.original[unit], left.values[unit, 0]
        for condition in range(len(CONDITIONS)):
            strong = values[condition][:STRONGEST].clip(0)
            share = strong.mean() / original[:STRONGEST].clip(0).mean()
            assert left.responses()[unit, 0, condition] == pytest.approx(share, rel=1e-4)
            if values[condition].std() > 1e-6:
                together = np.corrcoef(original, values[condition])[0, 1]
                assert left.correlations()[unit, 0, condition] == pytest.approx(together, abs=1e-3)


def test_what_is_left_without_a_unit_is_what_its_ablation_leaves(alexnet, scenes):
    others = [("conv2", 5), ("conv1", 7), ("conv2", 60)]
    left = left_without(alexnet, "conv3", 8, others, scenes)
    assert list(left) == others
    strong = find_peaks(alexnet, "conv3", scenes).values[:, 8].topk(STRONGEST).indices
    peaks = find_peaks(alexnet, "conv3", scenes)

    def response(net):
        maps = fv.activations(net, scenes, "conv3")[strong, 8]
        at = maps[range(STRONGEST), peaks.rows[strong, 8], peaks.columns[strong, 8]]
        return at.clamp(min=0).mean().item()

    for (layer, index), share in left.items():
        lacking = fv.ablate(alexnet, {f"{layer}:relu": [index]}, images=scenes)
        assert share == pytest.approx(response(lacking) / response(alexnet), rel=1e-3)


def test_a_unit_that_is_silent_with_what_holds_it_down_has_no_part_left():
    first, last = (nn.Conv2d(3, count, 1, bias=False) for count in (3, 1))
    nn.init.dirac_(first.weight)
    last.weight.data[:] = torch.tensor([-2.0, 1.5, -9.0]).view(1, 3, 1, 1)
    network = fv.Network(nn.Sequential(first, nn.ReLU(), last), (0, 0, 0), (1, 1, 1), size=16)
    yellow, blue = (torch.tensor(color).view(3, 1, 1) for color in ([1.0, 1, 0], [0.0, 0, 1]))
    images = torch.stack([yellow] * STRONGEST + [blue] * 8).expand(-1, -1, 16, 16)
    assert np.isnan(left_without(network, "2", 0, [("0", 0)], images)["0", 0])


def test_circuits_of_more_than_half_a_layer_are_refused(small):
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match=r"hold 7 of the 12 units of conv2, .* half of a layer"):
        prove_circuits(small, "conv3", [0], images, keeps=[7])
    assert prove_circuits(small, "conv3", [0], images, keeps=[4]).values.shape[1] == 1


def test_weak_photographs_count_for_correlations_alone(alexnet, scenes, circuits):
    images = torch.cat([scenes, scenes.flip(3)])
    few, many = (
        measure_faithfulness(alexnet, circuits, images, others=others) for others in (0, 4)
    )
    assert few.photographs.shape == (2, STRONGEST)
    assert many.photographs.shape == (2, STRONGEST + 4)
    np.testing.assert_allclose(few.responses(), many.responses(), rtol=1e-4)
    with pytest.raises(ValueError, match="others is at least 0 photographs, not -1"):
        measure_faithfulness(alexnet, circuits, images, others=-1)


@pytest.mark.slow
def test_circuits_matter_more_than_random_units(alexnet):
    images = [photo.image for photo in article.scenes(224)[::3]]
    units = drawn_units(alexnet, "conv3", 10, seed=1)
    proof = prove_circuits(alexnet, "conv3", units, images, keeps=[4])
    (responses,), (correlations,) = proof.differences()
    assert responses[0].high < 0  # less is left without the circuit than without random units
    assert correlations[1].low > 0  # and more with it alone than with random units alone
