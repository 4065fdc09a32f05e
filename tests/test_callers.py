"""What people hand over and where they call from: modes, numbers, formats, threads."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import featviz as fv
from featviz import photos
from featviz.ascent.effective_field import effective_field
from featviz.ascent.recipes import EXACT, STANDARD, Adam, NormalizedGradient
from featviz.attribution.groups import channel_attribution
from featviz.images.pixels import Pixels
from featviz.microscope import findings
from featviz.microscope.build import Microscope
from featviz.microscope.views import VIEWS
from featviz.network.network import private_view
from featviz.store import Store
from tests.networks import CLASSES, LAYERS, GrayCNN, SmallCNN

MODES = [torch.no_grad, torch.inference_mode]


def network_of(module):
    return fv.Network(module.eval(), layers=LAYERS, name="small", classes=CLASSES)


def photographs(count=1, size=48):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def answers(network, photo):
    """One of each kind of result, as tensors."""
    climb = {"steps": 2, "precision": "float32", "progress": False}
    return {
        "pictures": fv.maximize(network, ["conv3:1", "conv2:3"], size=24, **climb).images,
        "neuron": fv.maximize(network, "conv2:1@center", **climb).images,
        "from a photo": fv.maximize(network, "conv3:1", start=photo, **climb).images,
        "values": fv.evaluate(network, "conv3:1", photo),
        "activations": fv.activations(network, photo, "conv2:relu"),
        "shares": effective_field(network, "conv2", [photo]),
        "units": channel_attribution(network, photo, "bee", "conv2"),
        **{
            method: fv.attribute(network, photo, "bee", "conv2", method).map
            for method in ("gradcam", "gradient", "integrated", "occlusion", "smoothgradcam++")
        },
    }


# ---- the caller's mode --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_the_callers_mode_changes_nothing(mode):
    expected = answers(network_of(SmallCNN()), photographs()[0])
    with mode():
        module, photo = SmallCNN(), photographs()[0]
        results = answers(network_of(module), photo)
        assert not torch.is_grad_enabled()
    for name, value in expected.items():
        assert not results[name].is_inference(), name
        torch.testing.assert_close(results[name], value, rtol=0, atol=0, msg=name)


def test_a_network_first_used_in_inference_mode_serves_later():
    network = network_of(SmallCNN())
    with torch.inference_mode():
        answers(network, photographs()[0])
    assert answers(network, photographs()[0])["pictures"].shape == (2, 3, 24, 24)


# ---- images and modules in other formats --------------------------------------------------------

PIXELS = np.random.default_rng(0).integers(0, 256, (48, 40, 3), dtype=np.uint8)
PHOTO = torch.from_numpy(PIXELS).permute(2, 0, 1) / 255


@pytest.mark.parametrize(
    "form",
    [
        PIXELS,
        PIXELS[None],
        PIXELS.transpose(2, 0, 1),
        PIXELS / 255,
        (PIXELS / 255).astype(np.float32).transpose(2, 0, 1),
        Image.fromarray(PIXELS),
        PHOTO.double(),
        PHOTO[None] + (PHOTO == 1) * 1e-7,
        PHOTO - (PHOTO == 0) * 1e-5,
    ],
    ids=[
        "bytes", "a batch of bytes", "bytes, channels first", "doubles", "floats", "Pillow's",
        "a double tensor", "above 1", "below 0",
    ],
)  # fmt: skip
def test_a_photo_in_any_clear_format_is_the_same_photo(small, form):
    expected, results = answers(small, PHOTO), answers(small, form)
    for name, value in expected.items():
        torch.testing.assert_close(results[name], value, rtol=1e-5, atol=1e-5, msg=name)


def test_a_gray_picture_has_three_equal_channels(small):
    gray = Image.fromarray(PIXELS[..., 0])
    expected = fv.activations(small, PHOTO[:1].expand(3, -1, -1), "conv3")
    assert fv.activations(small, gray, "conv3").equal(expected)


def test_a_picture_is_seen_as_it_was_held(small):
    turned = Image.fromarray(PIXELS[::-1, ::-1].copy())
    turned.getexif()[0x0112] = 3  # orientation: upside down
    upright = fv.activations(small, Image.fromarray(PIXELS), "conv3")
    assert fv.activations(small, turned, "conv3").equal(upright)


def test_half_an_image_is_computed_in_float32(small):
    expected = fv.activations(small, PHOTO.half().float(), "conv3")
    assert fv.activations(small, PHOTO.half(), "conv3").equal(expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "CMYK", "I;16", "F"])
def test_a_picture_without_one_meaning_is_refused(small, mode):
    with pytest.raises(ValueError, match=rf"a picture of mode {mode} has no one meaning"):
        fv.activations(small, Image.new(mode, (32, 32)), "conv1")


@pytest.mark.parametrize(
    ("form", "error", "message"),
    [
        (PIXELS.astype(np.int64), ValueError, r"floats in \[0, 1\], not torch\.int64"),
        (PIXELS / 1.0, ValueError, r"values in \[0, 1\], not from 0 to 255"),
        (PHOTO + 0.001, ValueError, r"not from 0\.\d+ to 1\.001"),
        (PHOTO.tolist(), TypeError, r"a tensor, a NumPy array or a picture of Pillow's, not list"),
    ],
)
def test_images_without_one_meaning_are_refused(small, form, error, message):
    for ask in (
        lambda: fv.activations(small, form, "conv1"),
        lambda: fv.evaluate(small, "conv1:1", form),
        lambda: fv.attribute(small, form, "bee", "conv1"),
        lambda: fv.maximize(small, "conv1:1", start=form, progress=False),
    ):
        with pytest.raises(error, match=message):
            ask()


@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 0), (torch.float16, 0.02)])
def test_modules_in_other_formats_are_computed_in_float32(small, dtype, near):
    module = SmallCNN().to(dtype)
    expected, results = answers(small, PHOTO), answers(network_of(module), PHOTO)
    assert next(module.parameters()).dtype == dtype
    for name in ("activations", "values", "gradient", "shares"):
        scale = expected[name].abs().max().item()
        assert (results[name] - expected[name]).abs().max() <= near * scale, name
    assert results["pictures"].isfinite().all()


# ---- whole numbers of NumPy's -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (fv.Channel("conv3", np.int64(4)), "conv3:4"),
        (fv.Channel("conv3", np.uint8(4), border=np.int32(1)), "conv3:4~1"),
        (fv.Neuron("conv3", np.int64(4), (np.int64(0), np.int64(1))), "conv3:4@0,1"),
        (fv.Logit(np.int64(4)), "logit:4"),
        (np.float64(0.5) * fv.Channel("conv3", torch.tensor(4)), "0.5*conv3:4"),
        (np.float32(0.5) * fv.Channel("conv3", 4), "0.5*conv3:4"),
        (fv.Direction("conv3", np.array([0.5, 2], np.float32)), "conv3:dot[0.5,2.0]"),
    ],
)
def test_objectives_of_numpys_numbers_are_the_same(form, text):
    assert str(form) == text
    assert repr(form) == repr(fv.parse(text))
    assert form == fv.parse(text)


@pytest.mark.parametrize("unit", [1.5, "1", None])
def test_a_unit_that_is_no_whole_number_is_refused(unit):
    with pytest.raises(TypeError, match=rf"a unit is a whole number, not {unit!r}\."):
        fv.Channel("conv3", unit)


def test_sizes_steps_and_seeds_may_be_numpys(small):
    def climb(whole):
        return fv.maximize(
            small, "conv3:4", size=whole(24), steps=whole(3), seed=whole(5), batch=whole(1),
            frames=[whole(1)], progress=False,
        )  # fmt: skip

    assert climb(np.int64).images.equal(climb(int).images)
    assert climb(np.int64).frame_steps == (1,)
    pair = np.int64(24), np.int64(32)
    result = fv.maximize(small, "conv3:4", size=pair, steps=1, progress=False)
    assert result.images.shape == (1, 3, 24, 32)
    assert photos.load("chelsea", np.int64(32)).image.shape == (3, 32, 32)
    for one in (np.int64(1), 1):
        result = fv.attribute(small, PHOTO, one, "conv2", "gradient", seed=np.int64(0))
        assert str(result.objective) == "logit:1"


def test_a_microscope_takes_numpys_numbers(small, tmp_path):
    views = [replace(view, side=view.side and 24, steps=2) for view in VIEWS]
    scope = Microscope(small, seed=np.int64(0), store=Store(tmp_path), views=views)
    units = np.array([1, 4])
    scope.build(["conv3"], units)
    assert len(list(tmp_path.glob("??/*.safetensors"))) == 2 * 4
    assert len(scope.pictures("conv3", scope.channel, units).images) == 2
    assert findings.find_lookalikes(scope, "conv3", units).tolist() == [[4], [1]]


# ---- numbers that lead nowhere ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (
            (0.5,) * 3,
            (0.2, 0.0, 0.2),
            r"std is what images are divided by, above 0, not \(0\.2, 0\.0",
        ),
        ((0.5,) * 3, (0.2, -0.1, 0.2), r"above 0, not \(0\.2, -0\.1"),
        (
            (0.5, 0.5),
            (0.2,) * 3,
            r"mean is three numbers, for red, green and blue, not \(0\.5, 0\.5",
        ),
        ((0.5,) * 3, (0.2, torch.nan, 0.2), r"std is three numbers, .* not \(0\.2, nan, 0\.2\)"),
    ],
)
def test_a_normalization_that_makes_nothing_but_nan_is_refused(mean, std, message):
    with pytest.raises(ValueError, match=message):
        fv.Network(SmallCNN(), mean, std)


def test_one_channel_has_one_standard_deviation():
    with pytest.raises(
        ValueError, match=r"mean and std are one number each, .* \(0\.2, 0\.3, 0\.4"
    ):
        fv.Network(GrayCNN(), mean=0.5, std=(0.2, 0.3, 0.4))


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf])
def test_weights_that_are_no_numbers_are_refused(wrong):
    module = SmallCNN()
    module.features[2].weight.data[3, 1, 0, 0] = wrong
    with pytest.raises(
        ValueError, match=r"features\.2\.weight of SmallCNN has weights that are NaN"
    ):
        fv.Network(module)


def test_an_objective_too_faint_to_move_a_picture_is_said(small):
    with pytest.warns(UserWarning, match=r"1 of 2 pictures \(1e-08\*conv3:4\) stay as they began"):
        fv.maximize(
            small, ["conv3:4", 1e-8 * fv.Channel("conv3", 4)], size=24, steps=32, progress=False
        )


def test_steps_of_one_length_need_no_loud_objective(small):
    even = replace(STANDARD, optimizer=NormalizedGradient(5.0))
    faint = 1e-8 * fv.Channel("conv3", 4)
    fv.maximize(small, faint, size=24, steps=32, recipe=even, progress=False)


def test_a_picture_that_ends_gray_is_said(small):
    gray = replace(STANDARD, image=Pixels(), optimizer=Adam(rate=1e-5), transforms=())
    with pytest.warns(UserWarning, match=r"1 of 1 pictures \(conv3:4\) ended gray") as record:
        fv.maximize(small, "conv3:4", size=24, steps=16, recipe=gray, progress=False)
    assert record[0].filename == __file__


def test_a_picture_that_is_clipped_is_said(small):
    wild = replace(STANDARD, image=Pixels(), optimizer=Adam(rate=5.0), transforms=())
    with pytest.warns(UserWarning, match=r"pictures \(conv3:4\) have more than 20% of their"):
        fv.maximize(small, "conv3:4", size=24, steps=16, recipe=wild, progress=False)
    # The optimum of a linear objective does lie at the bounds.
    fv.maximize(small, "conv1:4@center", recipe=EXACT, progress=False)


# ---- several threads, and modules that carry more than weights ----------------------------------


def test_several_threads_may_ask_at_once():
    def results_of(network, unit):
        result = fv.maximize(network, f"conv3:{unit}", size=24, steps=4, progress=False)
        return result.images, fv.attribute(network, PHOTO, "bee", "conv2", "smoothgradcam++").map

    expected = [results_of(network_of(SmallCNN()), unit) for unit in range(8)]
    with ThreadPoolExecutor(4) as pool:
        one = network_of(SmallCNN())
        together = list(pool.map(lambda unit: results_of(one, unit), range(8)))
        # Made here: what a test network draws comes from torch's one random stream.
        networks = [network_of(SmallCNN()) for _ in range(8)]
        apart = list(pool.map(results_of, networks, range(8)))
    for results in (together, apart):
        for (images, map_), (same, same_map) in zip(results, expected, strict=True):
            assert images.equal(same)
            assert map_.equal(same_map)


def test_a_module_that_cannot_be_copied_says_so():
    module = SmallCNN()
    module.lock = threading.Lock()
    network = network_of(module)
    with pytest.raises(ValueError, match=r"SmallCNN can't be copied, because cannot pickle .*lock"):
        fv.activations(network, PHOTO, "conv1")


def test_data_that_a_module_carries_are_not_copied():
    module = SmallCNN()
    module.features.data = np.zeros(1000)
    view = private_view(network_of(module))
    assert view.features.data is module.features.data
