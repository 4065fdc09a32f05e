"""Transforms do what they say, to each image by its own numbers."""

import math

import pytest
import torch
import torch.nn.functional as F

from featviz.images import transforms
from featviz.images.transforms import (
    LUCID,
    NARROW,
    STANDARD,
    Affine,
    Cycle,
    Jitter,
    Pad,
    Rotate,
    Scale,
    _resample,
    _Shift,
    _similarity,
)

EVERY = [
    Pad(3),
    Jitter(4),
    Jitter(4, frame=2),
    Scale(),
    Rotate(),
    Affine(),
    Affine(frame=0),
    Cycle(((Jitter(4),), (Affine(),))),
]
SAME_SIZE = [Jitter(4), Scale(), Rotate(), Affine(frame=0), Cycle(((Jitter(4),),))]


def some_images(count=3, height=24, width=30, dtype=torch.float32):
    stream = torch.Generator().manual_seed(1)
    return torch.randn(count, 3, height, width, generator=stream, dtype=dtype)


def smooth(height=64, width=80):
    """A disc off the middle, wide enough for interpolation to keep it."""
    y = torch.arange(height)[:, None] - (height - 1) / 2
    x = torch.arange(width) - (width - 1) / 2
    return torch.exp(-((y + 4) ** 2 + (x - 8) ** 2) / 30).expand(1, 3, height, width)


def center(images):
    """Center of mass (y, x), from the middle."""
    height, width = images.shape[-2:]
    mass = images[0, 0] / images[0, 0].sum()
    y = torch.arange(height) - (height - 1) / 2
    x = torch.arange(width) - (width - 1) / 2
    return (mass.sum(1) * y).sum().item(), (mass.sum(0) * x).sum().item()


def draw(transform, count, seed=2):
    return torch.rand(count, transform.draws, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("transform", SAME_SIZE, ids=str)
@pytest.mark.parametrize("size", [(24, 30), (17, 9), (1, 1)])
def test_the_canvas_keeps_its_size(transform, size):
    images = some_images(3, *size)
    assert transform(images, draw(transform, 3), 0).shape == images.shape
    assert transform(images, draw(transform, 3), 1).shape == images.shape


def test_pad_frames_with_the_mean_color_and_crop_undoes_it():
    images = some_images()
    frames = Pad(3)(images, torch.empty(3, 0), 0)
    assert frames.shape == (3, 3, 30, 36)
    assert frames[..., :3, :].abs().max() == frames[..., -3:].abs().max() == 0
    assert frames[..., 3:-3, 3:-3].equal(images)


@pytest.mark.parametrize("transform", EVERY, ids=str)
@pytest.mark.parametrize("step", [0, 1])
def test_an_image_depends_on_its_own_numbers_alone(transform, step):
    images, uniform = some_images(), draw(transform, 3)
    together = transform(images, uniform, step)
    for i in range(3):
        alone = transform(images[i : i + 1], uniform[i : i + 1], step)
        assert alone[0].equal(together[i])
    if transform.draws:
        twins = transform(images[:1].repeat(3, 1, 1, 1), uniform, step)
        assert not twins[0].equal(twins[1])


@pytest.mark.parametrize("transform", EVERY, ids=str)
def test_the_images_given_stay_as_they_are(transform):
    images = some_images()
    before = images.clone()
    transform(images, draw(transform, 3), 0)
    assert images.equal(before)


def test_jitter_shifts_by_whole_pixels_up_to_its_reach_and_wraps():
    images = some_images(1)
    uniform = torch.tensor([[0.0, 0.999]])
    assert Jitter(4)(images, uniform, 0).equal(images.roll((-4, 4), (2, 3)))
    assert Jitter(4)(images, torch.full((1, 2), 0.5), 0).equal(images)
    shifts = {
        tuple(Jitter(1)(torch.eye(5).expand(1, 3, 5, 5), row[None], 0)[0, 0, 0].tolist())
        for row in torch.rand(100, 2, generator=torch.Generator().manual_seed(0))
    }
    assert len(shifts) == 5  # row against column: differences from -2 to 2


def test_jitter_of_nothing_is_nothing():
    images = some_images()
    assert Jitter(0)(images, draw(Jitter(0), 3), 0).equal(images)


@pytest.mark.parametrize("pixels", [1, 3, 9])
def test_a_framed_jitter_is_a_frame_and_a_jitter(pixels):
    images, framed = some_images(4), Jitter(pixels, frame=3)
    uniform = torch.tensor([[0.0, 0.999], [0.999, 0.5], [0.3, 0.7], [0.5, 0.0]])
    expected = Jitter(pixels)(Pad(3)(images, uniform[:, :0], 0), uniform, 0)
    assert framed(images, uniform, 0).equal(expected)


@pytest.mark.parametrize("frame", [0, 2])
def test_the_gradient_of_a_shift_shifts_back(frame):
    shifts = [[1, -2], [0, 3], [-4, 0]]
    images = some_images(3, 4, 5, torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: _Shift.apply(x, shifts, frame), images)
    gradient = some_images(3, 4 + 2 * frame, 5 + 2 * frame, torch.float64).flip(0)
    (gradients,) = torch.autograd.grad(_Shift.apply(images, shifts, frame), images, gradient)
    for image, shift, expected in zip(gradient, shifts, gradients, strict=True):
        back = image.roll([-shift[0], -shift[1]], (1, 2))
        assert back[:, frame : frame + 4, frame : frame + 5].equal(expected)


@pytest.mark.parametrize("transform", [Affine(frame=0), Rotate(), Scale()], ids=str)
@pytest.mark.parametrize("size", [(24, 30), (17, 40)])
def test_with_neutral_numbers_resampling_is_the_identity(transform, size):
    images = some_images(2, *size)
    neutral = torch.full((2, transform.draws), 0.5)
    torch.testing.assert_close(transform(images, neutral, 0), images, atol=1e-4, rtol=0)


def test_scale_moves_things_away_from_the_middle():
    image = smooth()
    y, x = center(image)
    for number, zoom in ((0.0, 0.8), (1.0, 1.25)):
        place = center(Scale(0.8, 1.25)(image, torch.tensor([[number]]), 0))
        assert place == pytest.approx((zoom * y, zoom * x), abs=0.1)


def test_rotate_turns_by_its_angle_without_stretching():
    image = smooth()
    y, x = center(image)
    other = Rotate(30.0)(image, torch.tensor([[0.0]]), 0)
    place = center(other)
    assert place[0] ** 2 + place[1] ** 2 == pytest.approx(y**2 + x**2, rel=0.02)
    angle = torch.atan2(torch.tensor(place[0]), torch.tensor(place[1])) - torch.atan2(
        torch.tensor(y), torch.tensor(x)
    )
    assert abs(angle.rad2deg().item()) == pytest.approx(30, abs=0.5)
    back = Rotate(30.0)(other, torch.tensor([[1.0]]), 0)
    assert center(back) == pytest.approx((y, x), abs=0.1)


def test_affine_is_rotation_zoom_and_shift_at_once():
    image = smooth()
    for transform, alone in (
        (Affine(30.0, 1.0, 1.0, 0.0, 0), Rotate(30.0)),
        (Affine(0.0, 0.8, 1.25, 0.0, 0), Scale(0.8, 1.25)),
    ):
        expected = alone(image, torch.tensor([[0.9]]), 0)
        torch.testing.assert_close(transform(image, torch.full((1, 4), 0.9), 0), expected)
    usual = Affine()
    assert (usual.degrees, usual.low, usual.high) == (Rotate().degrees, Scale().low, Scale().high)
    # The window moves right and down by 3 px, so what is in it moves left and up.
    other = Affine(0.0, 1.0, 1.0, 3.0, 0)(image, torch.ones(1, 4), 0)
    y, x = center(image)
    assert center(other) == pytest.approx((y - 3, x - 3), abs=0.1)


@pytest.mark.parametrize("size", [(24, 30), (17, 40)])
def test_affines_frame_is_that_of_pad(size):
    images = some_images(2, *size).requires_grad_()
    frames = Affine(frame=5)(images, torch.full((2, 4), 0.5), 0)
    torch.testing.assert_close(frames, Pad(5)(images, torch.empty(2, 0), 0), atol=1e-4, rtol=0)
    gradient = some_images(2, size[0] + 10, size[1] + 10)
    (back,) = torch.autograd.grad(frames, images, gradient)
    torch.testing.assert_close(back, gradient[..., 5:-5, 5:-5], atol=1e-4, rtol=0)


def test_affines_gradient_is_the_exact_one_up_to_interpolation():
    torch.manual_seed(3)
    images = smooth().repeat(8, 1, 1, 1).requires_grad_()
    uniform = torch.rand(8, 4)
    gradient = smooth(76, 92).flip(2).repeat(8, 1, 1, 1)
    affine = Affine()
    (ours,) = torch.autograd.grad(affine(images, uniform, 0), images, gradient)
    angle = math.radians(affine.degrees) * (2 * uniform[:, 0] - 1)
    zoom = affine.low + (affine.high - affine.low) * uniform[:, 1]
    shift = affine.pixels * (2 * uniform[:, 2:] - 1)
    exact = _resample(images, _similarity(1 / zoom, angle, shift), (76, 92))
    (theirs,) = torch.autograd.grad(exact, images, gradient)
    # Ripples of the exact gradient, from a grid that zooms, average out over a few pixels.
    ours, theirs = (F.avg_pool2d(g, 9, 1) for g in (ours, theirs))
    error = (ours - theirs).flatten(1).norm(dim=1) / theirs.flatten(1).norm(dim=1)
    assert error.max() < 0.01


def test_outside_of_the_image_is_the_mean_color():
    shrunk = Scale(0.5, 0.5)(torch.ones(1, 3, 32, 32), torch.zeros(1, 1), 0)
    assert shrunk[..., :7, :].abs().max() == 0
    assert shrunk[..., 9:23, 9:23].min() == pytest.approx(1)


def test_cycle_takes_turns():
    images = some_images()
    first, second = (Pad(2), Jitter(4)), (Affine(),)
    cycle = Cycle((first, second))
    assert cycle.draws == 4
    uniform = draw(cycle, 3)
    for step in range(4):
        expected = transforms.apply(second if step % 2 else first, images, uniform, step)
        assert cycle(images, uniform, step).equal(expected)


def test_a_cycle_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one sequence"):
        Cycle(())


def test_a_sequence_takes_its_numbers_in_turn():
    images = some_images()
    chain = (Pad(2), Jitter(4), Scale(), Jitter(2))
    assert transforms.draws(chain) == 5
    uniform = torch.rand(3, 5, generator=torch.Generator().manual_seed(0))
    expected = Pad(2)(images, uniform[:, :0], 0)
    expected = Jitter(4)(expected, uniform[:, :2], 0)
    expected = Scale()(expected, uniform[:, 2:3], 0)
    expected = Jitter(2)(expected, uniform[:, 3:], 0)
    assert transforms.apply(chain, images, uniform, 0).equal(expected)
    assert transforms.apply((), images, uniform, 0) is images


def test_the_standard_transforms_span_what_lucids_do():
    pad, _, zoom, turn, _ = LUCID
    ((affine,), (jitter,)) = STANDARD[0].turns
    assert (affine.degrees, affine.low, affine.high) == (turn.degrees, zoom.low, zoom.high)
    assert affine.frame == jitter.frame == pad.pixels < jitter.pixels
    ((affine,), (jitter,)) = NARROW[0].turns
    assert (affine.degrees, affine.low, affine.high) == (turn.degrees, zoom.low, zoom.high)
    assert affine.frame == jitter.frame == pad.pixels / 2 < jitter.pixels


@pytest.mark.parametrize("chain", [STANDARD, LUCID])
def test_the_standard_tuples_can_be_applied(chain):
    images = some_images()
    uniform = torch.rand(3, transforms.draws(chain), generator=torch.Generator().manual_seed(0))
    for step in (0, 1):
        others = transforms.apply(chain, images, uniform, step)
        assert others.isfinite().all()
        assert not others.equal(images)
