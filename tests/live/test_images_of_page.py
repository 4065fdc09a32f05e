"""Random numbers, transforms and parameterizations of the worker against featviz's."""

import json

import numpy as np
import pytest
import torch

from featviz import photos
from featviz.ascent.plan import random_streams
from featviz.images import transforms
from featviz.images.fourier import Fourier
from featviz.images.natural import Natural
from featviz.images.pixels import Pixels
from featviz.objectives.units import Channel, Neuron

GOALS = (
    (Channel("conv3", 5), '{ layer: "conv3", unit: 5 }'),
    (Channel("conv1:relu", 63), '{ layer: "conv1", unit: 63, relu: true }'),
    (Neuron("conv4", 0), '{ layer: "conv4", unit: 0, at: "center" }'),
    (Neuron("conv4", 0, (3, 11)), '{ layer: "conv4", unit: 0, at: [3, 11] }'),
)

KINDS = {
    "pixels": (Pixels(), "new PixelImage(draw, canvas)"),
    "spectrum": (Fourier(), "fourierImage(draw, canvas)"),
    "bound": (Natural(), "new NaturalImage(draw, canvas, 2, 0.01)"),
    "loud": (Natural(energy=1.5, noise=2.0), "new NaturalImage(draw, canvas, 1.5, 2)"),
}


@pytest.mark.parametrize(("objective", "goal"), GOALS)
def test_random_numbers_are_pythons(node, objective, goal):
    script = f"""
    const stream = await streamOf({goal}, 7);
    return {{ normal: stream.normal(1600), uniform: stream.uniform(700) }};"""
    own = node(script)
    (stream,) = random_streams((objective,), 7)
    normal, uniform = torch.randn(100, 16, generator=stream), torch.rand(175, 4, generator=stream)
    np.testing.assert_allclose(own["normal"], normal.flatten(), rtol=0, atol=2e-6)
    np.testing.assert_array_equal(own["uniform"], uniform.flatten())


@pytest.mark.parametrize("size", [(16, 16), (160, 176), (224, 144), (48, 112)])
def test_fourier_transforms_are_torchs_and_adjoint(node, size):
    plane = torch.randn(size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    script = f"""
    const spectrum = realTransform(new Float64Array(inputs.plane), {size[0]}, {size[1]});
    return {{ spectrum, plane: inverseTransform(spectrum, {size[0]}, {size[1]}) }};"""
    own = node(script, plane=plane)
    exact = torch.view_as_real(torch.fft.rfft2(plane.float().double())).flatten()
    np.testing.assert_allclose(own["spectrum"], exact, rtol=0, atol=1e-4)
    np.testing.assert_allclose(own["plane"] / plane.numel(), plane.flatten(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(160, 160), (75, 90)])
@pytest.mark.parametrize("photo", [False, True])
def test_images_and_their_gradients_are_autograds(node, kind, size, photo):
    parameterization, build = KINDS[kind]
    slope = torch.randn(3, *size, generator=torch.Generator().manual_seed(1))
    start = photos.load("coffee").image[:, 100 : 100 + size[0], 200 : 200 + size[1]]
    script = f"""
    const stream = await streamOf({GOALS[0][1]}, 0), draw = (count) => stream.normal(count);
    const photo = inputs.photo ? picture(inputs.photo, {size[0]}, {size[1]}) : null;
    const canvas = canvasOf({size[0]}, {size[1]}, photo);
    const moving = {build};
    const image = moving.forward().slice(), parameters = moving.parameters.slice();
    const gradient = moving.backward(inputs.slope).slice();
    moving.amplify();
    return {{ image, parameters, gradient, next: stream.uniform(1),
      loud: moving.parameters }};"""
    own = node(script, slope=slope, **({"photo": start} if photo else {}))
    (stream,) = random_streams((GOALS[0][0],), 0)
    image = parameterization.build([stream], *size, start[None] if photo else None)
    shown = image()
    shown.backward(slope[None])
    (parameters,) = image.parameters()
    np.testing.assert_allclose(own["image"], shown.detach().flatten(), rtol=0, atol=2e-6)
    assert_alike(own["parameters"], parameters, image)
    scale = parameters.grad.abs().max().item()
    np.testing.assert_allclose(
        own["gradient"] / scale, parameters.grad.flatten() / scale, atol=2e-6
    )
    with torch.no_grad():
        image.amplify(torch.tensor([True]))
    assert_alike(own["loud"], parameters, image)
    # The same number of random numbers was drawn.
    assert own["next"] == torch.rand(1, generator=stream).numpy()


def assert_alike(own, parameters, image):
    """A transform rounds by its largest coefficient, so that spectra are compared unscaled."""
    weights = (torch.ones_like(parameters) * getattr(image, "scale", 1.0)).flatten()
    expected = parameters.detach().flatten() * weights
    np.testing.assert_allclose(
        own * weights.numpy(), expected, rtol=0, atol=2e-6 * expected.abs().max()
    )


CHANGES = {
    "frame and shift": (
        (transforms.Jitter(14, 12),),
        {"frame": 12, "pixels": 14},
    ),
    "all": (
        (transforms.Affine(10.0, 0.9, 1.1, 8.0, 12),),
        {"degrees": 10, "low": 0.9, "high": 1.1, "pixels": 8, "frame": 12},
    ),
    "small": (
        (transforms.Affine(5.0, 0.95, 1.05, 4.0, 0),),
        {"degrees": 5, "low": 0.95, "high": 1.05, "pixels": 4, "frame": 0},
    ),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("draw", [(0.1, 0.9, 0.3, 0.7), (0.95, 0.0, 0.0, 0.999)])
def test_changes_and_their_gradients_are_featvizs(node, name, draw):
    turn, change = CHANGES[name]
    stream = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, 70, 81, generator=stream, requires_grad=True)
    changed = transforms.apply(turn, image, torch.tensor([draw]), 0)
    slope = torch.randn(changed.shape, generator=stream)
    changed.backward(slope)
    script = f"""
    const image = picture(inputs.image, 70, 81);
    const way = applied({json.dumps(change)}, {json.dumps(draw)}, image);
    const changed = way.there(image);
    return {{ changed: changed.pixels,
      gradient: way.back({{ ...changed, pixels: inputs.slope }}).pixels }};"""
    own = node(script, image=image.detach(), slope=slope)
    # Torch's places on the canvas are float32: 1e-5 px off where they are 100 px from the middle.
    np.testing.assert_allclose(own["changed"], changed.detach().flatten(), rtol=0, atol=5e-5)
    np.testing.assert_allclose(own["gradient"], image.grad.flatten(), rtol=0, atol=2e-4)
