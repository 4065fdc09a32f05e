"""What the chapter on shallow and deep measures is what it says."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from featviz.article.studies import shallow_versus_deep_evidence as evidence


@pytest.mark.parametrize("bias", [0.0, 5.0, -7.0])
def test_exaggeration_is_above_gray_of_all_units(monkeypatch, bias):
    synthetic, natural, gray = np.array([[9.0, 20, 30], [3, 5, 10], [1, 0, -5]]) + bias
    pictures = SimpleNamespace(values=synthetic[:, None])
    monkeypatch.setattr(evidence, "scope", lambda: SimpleNamespace(pictures=lambda *_: pictures))
    patches = SimpleNamespace(values=natural[:, None])
    monkeypatch.setattr(evidence.findings, "find_patches", lambda *_: patches)
    monkeypatch.setattr(evidence, "plain", lambda _: torch.from_numpy(gray))
    ratios = evidence.exaggeration.__wrapped__("conv5")
    assert ratios == pytest.approx([4, 4, 35 / 15])
