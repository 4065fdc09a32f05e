"""The weights that the build writes for the page."""

import base64
import json
import zlib

import numpy as np
import pytest
import torch

from featviz import store
from featviz.article import photographs
from featviz.article.live import weights
from featviz.network.values import activations
from featviz.photos import Photo

MOST_BYTES = 2_850_000
"""Of the script; the page with all its files is to stay under 4 MB."""


@pytest.fixture(scope="module")
def scenes():
    stream = torch.Generator().manual_seed(0)
    images = torch.rand(3, 3, weights.SIDE, weights.SIDE, generator=stream)
    return tuple(Photo(f"noise {i}", image, "", "", "") for i, image in enumerate(images))


@pytest.fixture
def delivered(monkeypatch, tmp_path, scenes):
    """What the script hands over, with three photographs of noise for the article's."""
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(photographs, "scenes", lambda size: scenes)
    text = weights.script()
    assert weights.script() == text
    assert len(text) < MOST_BYTES
    start = 'FeatvizLive.deliver("weights", '
    assert text.startswith(start)
    parts = json.loads(text.removeprefix(start).removesuffix(");\n"))
    return {
        name: zlib.decompress(base64.b64decode(part)) if isinstance(part, str) else part
        for name, part in parts.items()
    }


def test_the_script_holds_what_the_worker_reads(delivered, alexnet, scenes, coarse):
    assert delivered["mean"] == list(alexnet.mean)
    assert delivered["std"] == list(alexnet.std)
    levels = np.frombuffer(delivered["integers"], "i1")
    numbers = np.frombuffer(delivered["numbers"], "<f4")
    images = torch.stack([photo.image for photo in scenes])
    rest = coarse
    for layer, maps in activations(alexnet, images, list(weights.LAYERS)).items():
        units = maps.shape[1]
        (scales, bias, mean, place, photo), numbers = (
            numbers[: 5 * units].reshape(5, -1),
            numbers[5 * units :],
        )
        filters, _ = weights.trained(alexnet, layer)
        own, levels = levels[: filters.size], levels[filters.size :]
        exact, rest = rest[: filters.size + units], rest[filters.size + units :]
        values = own.reshape(units, -1) * scales[:, None]
        np.testing.assert_array_equal(np.concatenate([values.ravel(), bias]), exact)
        flat = maps.double().transpose(0, 1).flatten(2)
        np.testing.assert_allclose(mean, flat.mean((1, 2)), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(place, flat.std((1, 2), correction=0), rtol=1e-4)
        np.testing.assert_allclose(photo, flat.mean(2).std(1, correction=0), rtol=1e-3, atol=1e-5)
    assert not levels.size
    assert not numbers.size
    assert not rest.size


def test_an_error_is_carried_to_the_next_weight_until_it_is_paid():
    filters = np.random.default_rng(0).normal(size=(4, 5, 3, 3)).astype(np.float32)
    levels, scales = weights.diffused(filters)
    rounded = levels * scales[:, None, None, None]
    # The sums along the winding line are right to half a level at every channel's end.
    for channels in range(1, 6):
        sums = (part[:, :channels].sum((1, 2, 3)) for part in (filters, rounded))
        assert (np.abs(np.subtract(*sums)) <= 0.51 * scales).all()
    assert np.abs(levels).max() <= weights.LEVELS
    assert np.abs(filters - rounded).max() <= 1.01 * scales.max()
