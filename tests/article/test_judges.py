"""Judges of every depth choose by what they see."""

import numpy as np

from featviz.article.studies import judges


def test_every_judge_finds_the_patches_that_are_the_pictures():
    levels = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 4)).astype(np.uint8)
    pictures = levels.repeat(18, 2).repeat(18, 3)
    patches = np.stack([pictures, pictures], 1)
    chosen = judges.judge(pictures, patches, seed=0)
    assert list(chosen) == list(judges.JUDGES)
    for name, one in chosen.items():
        assert one.shape == (judges.UNTRAINED if "untrained" in name else 1, 5, 5)
        np.testing.assert_array_equal(one, np.broadcast_to(2 - np.eye(5), one.shape))
