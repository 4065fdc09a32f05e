"""Judges of every depth choose by what they see."""

import numpy as np
import pytest

from featviz.article.studies import judges


def test_every_judge_finds_the_patches_that_are_the_pictures():
    levels = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 4)).astype(np.uint8)
    pictures = levels.repeat(18, 2).repeat(18, 3)
    patches = np.stack([pictures, pictures], 1)
    shares = judges.judge(pictures, patches, seed=0)
    assert list(shares) == list(judges.JUDGES)
    for name, share in shares.items():
        assert share.shape == (5, judges.UNTRAINED if "untrained" in name else 1)
        assert share == pytest.approx(np.ones(share.shape))
