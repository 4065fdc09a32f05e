"""What a graphics card must do as a processor does; skipped where there is none."""

import numpy as np
import pytest
import torch

import featviz as fv
from featviz.measures.survey import survey
from featviz.microscope.build import Microscope
from featviz.photos import Photo
from featviz.store import Store
from tests.microscope.test_build import QUICK, entries

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no graphics card"),
]


def test_the_microscope_names_the_card_in_its_keys(small, tmp_path):
    def build(folder, device):
        Microscope(small, store=Store(folder), views=QUICK, device=device).build(["conv1"], [0, 1])
        return entries(folder)

    cuda = build(tmp_path / "cuda", "cuda")
    assert cuda == build(tmp_path / "again", "cuda")
    assert not cuda.keys() & build(tmp_path / "cpu", "cpu").keys()


@pytest.mark.parametrize("layer", ["conv1", "conv1:relu", "conv2", "conv5", "conv5:relu"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_pictures_have_the_same_bits_in_any_batch(alexnet, layer, precision):
    channels = [fv.Channel(layer, unit) for unit in range(9)]
    options = {"steps": 32, "precision": precision, "device": "cuda", "progress": False}
    whole = fv.maximize(alexnet, channels, **options)
    for batch in (1, 4, 1000):
        part = fv.maximize(alexnet, channels[::-1], batch=batch, **options)
        assert part.images.flip(0).equal(whole.images)
        assert part.history.flip(1).equal(whole.history)
        assert part.gradients.flip(1).equal(whole.gradients)


def test_pictures_that_must_differ_have_the_same_bits_again(alexnet):
    goals = [fv.Channel("conv3", 1) + 3 * fv.Diversity("conv3")] * 4
    options = {"size": 64, "steps": 16, "device": "cuda", "progress": False}
    whole = fv.maximize(alexnet, goals, **options)
    assert fv.maximize(alexnet, goals, **options).images.equal(whole.images)
    others = [fv.Channel("conv3", 7) + 3 * fv.Diversity("conv3")] * 4
    more = fv.maximize(alexnet, [*goals, *others], **options)
    assert more.images[:4].equal(whole.images)


def test_a_survey_finds_the_same_places(small, tmp_path):
    stream = torch.Generator().manual_seed(0)
    photos = [
        Photo(str(at), torch.rand(3, 64, 64, generator=stream), "", "", "") for at in range(40)
    ]
    ours, theirs = (
        survey(small, photos, size=64, device=device, store=Store(tmp_path), progress=False)
        for device in ("cuda", "cpu")
    )
    for layer in small.layers:
        one, other = ours.tallies[layer], theirs.tallies[layer]
        np.testing.assert_allclose(one.values, other.values, rtol=1e-4, atol=1e-5)
        assert (one.photos == other.photos).mean() > 0.99
        torch.testing.assert_close(one.activity.mean, other.activity.mean, rtol=1e-4, atol=1e-5)


def test_maps_are_the_same(small):
    photo = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    for method in ("gradcam", "gradient", "integrated", "occlusion"):
        ours, theirs = (
            fv.attribute(small, photo.to(device), "logit:1", "conv2", method)
            for device in ("cuda", "cpu")
        )
        assert ours.map.device.type == "cpu"
        scale = theirs.map.abs().max().item()
        torch.testing.assert_close(ours.map, theirs.map, rtol=1e-3, atol=1e-4 * scale)
