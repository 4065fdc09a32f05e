"""Patches by activation: the right ones, apart from each other, and none that sees padding."""

import pytest
import torch
from torch import nn

import featviz as fv
from featviz.measures.patches_by_level import find_spectrum
from featviz.photos import Photo

SIZE, STRIDE = 5, 2


def brightness() -> fv.Network:
    """One unit that adds up a square of red."""
    conv = nn.Conv2d(3, 1, SIZE, stride=STRIDE, padding=SIZE // 2, bias=False)
    conv.weight.data.zero_()
    conv.weight.data[0, 0] = 1
    return fv.Network(nn.Sequential(conv), (0.5, 0.5, 0.5), (1, 1, 1), {"sum": "0"}, name="sums")


def ramp(name: str, low: float, high: float, side: int = 41) -> Photo:
    """A photo whose red rises from left to right."""
    image = torch.zeros(3, side, side)
    image[0] = torch.linspace(low, high, side)
    return Photo(name, image, "", "", "")


def test_levels_run_from_the_least_to_the_most():
    photos = [ramp("dark", 0.0, 0.4), ramp("light", 0.3, 1.0)]
    found = find_spectrum(brightness(), "sum", photos, units=[0], count=2)[0]
    values = [[one.value for one in level] for level in found.levels]
    assert [max(level) for level in values] == sorted(max(level) for level in values)
    assert values[0][0] == found.values.min()
    assert values[-1][0] == found.values.max()
    half = found.values.max() / 2
    assert abs(values[3][0] - half) == (found.values - half).abs().min()
    assert found.levels[0][0].photo == "dark"
    assert found.levels[-1][0].photo == "light"
    assert found.levels[2][0].image[0].mean() == pytest.approx(0.5, abs=0.02)


def test_patches_see_no_padding_and_do_not_overlap():
    found = find_spectrum(brightness(), "sum", [ramp("a", 0, 1)], units=[0], count=4)[0]
    for level in found.levels:
        assert len(level) == 4
        for index, one in enumerate(level):
            top, left, bottom, right = one.box
            assert min(top, left) >= 0
            assert max(bottom, right) <= 41
            assert one.patch.shape == (3, SIZE, SIZE)
            for other in level[:index]:
                assert max(abs(top - other.box[0]), abs(left - other.box[1])) >= SIZE


def test_a_value_belongs_to_its_patch():
    photo = ramp("a", 0, 1)
    (found,) = find_spectrum(brightness(), "sum", [photo], units=[0], levels=[0.5], count=1)[
        0
    ].levels
    top, left, bottom, right = found[0].box
    patch = photo.image[:, top:bottom, left:right]
    assert found[0].value == pytest.approx((patch[0] - 0.5).sum().item(), abs=1e-4)


def test_what_cannot_be_searched():
    with pytest.raises(ValueError, match="none of the 1 photographs has the 5 px on both sides"):
        find_spectrum(brightness(), "sum", [ramp("tiny", 0, 1, 4)], units=[0])
    with pytest.raises(ValueError, match="units 0 to 0, not 3"):
        find_spectrum(brightness(), "sum", [ramp("a", 0, 1)], units=[3])
