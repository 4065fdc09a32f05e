"""What people hand over and where they call from: modes, numbers, formats, threads."""

import pytest
import torch

import featviz as fv
from featviz.ascent.effective_field import effective_field
from featviz.attribution.groups import channel_attribution
from tests.networks import CLASSES, LAYERS, SmallCNN

MODES = [torch.no_grad, torch.inference_mode]


def wrapped(module):
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
    expected = answers(wrapped(SmallCNN()), photographs()[0])
    with mode():
        module, photo = SmallCNN(), photographs()[0]
        found = answers(wrapped(module), photo)
        assert not torch.is_grad_enabled()
    for name, value in expected.items():
        assert not found[name].is_inference(), name
        torch.testing.assert_close(found[name], value, rtol=0, atol=0, msg=name)


def test_a_network_first_used_in_inference_mode_serves_later():
    network = wrapped(SmallCNN())
    with torch.inference_mode():
        answers(network, photographs()[0])
    assert answers(network, photographs()[0])["pictures"].shape == (2, 3, 24, 24)
