"""What the chapter on shallow layers states: each claim that can fail, on the real network."""

import pytest
import torch

from featviz.article.studies import shallow, shallow_evidence, shallow_tuning
from featviz.measures.statistics import difference
from featviz.measures.tuning import FAMILIES


def test_the_control_is_untrained_and_always_the_same():
    shallow_evidence.network("trained")
    before = torch.get_rng_state()
    shallow_evidence.network.cache_clear()
    one = shallow_evidence.network("untrained").fingerprint
    shallow_evidence.network.cache_clear()
    assert shallow_evidence.network("untrained").fingerprint == one
    assert one != shallow_evidence.network("trained").fingerprint
    assert torch.equal(torch.get_rng_state(), before)


def test_families_of_conv1_are_what_a_look_at_the_filters_says():
    names = shallow_evidence.families("conv1")
    assert set(names) == set(FAMILIES)
    look = {27: "grating", 9: "grating", 12: "edge or bar", 10: "edge or bar", 31: "spot or check",
            39: "spot or check", 4: "color edge", 49: "color edge", 21: "color patch",
            37: "color patch"}  # fmt: skip
    assert {unit: names[unit] for unit in look} == look


def test_untrained_filters_are_no_gratings_and_rarely_oriented():
    assert shallow._untrained("conv1", "grating") == 0
    trained, untrained = (
        shallow_evidence.preferences("conv1", kind).selectivity for kind in shallow_evidence.KINDS
    )
    assert trained.mean() > 2 * untrained.mean()


def test_curves_of_conv1_are_waves():
    phases, wave = shallow_evidence.along_phase("conv1", 27)
    assert phases[0] == 0
    assert phases[-1] == 360
    assert wave == pytest.approx(torch.deg2rad(torch.tensor(phases)).cos().numpy(), abs=0.1)


def test_figures_of_conv1_hold_all_filters():
    assert "conv1:63" in shallow.filters()._repr_html_()
    assert len(shallow_evidence.members("conv1", "grating", 3)) == 3


def test_the_families_that_prove_nothing_are_those_the_text_names():
    for family in FAMILIES:
        both = [shallow_tuning._names("conv1", kind, family) for kind in shallow_evidence.KINDS]
        gain = difference(*both)
        proves = family in ("edge or bar", "grating")
        assert (gain.low > 0) == proves, family
        assert (gain.low <= 0 <= gain.high) == (family == "color edge"), family
        assert len(both[1]) == shallow_evidence.DRAWS
