"""Resemblance is 1 at its target, falls with the distance, and knows its target by its bytes."""

import pytest
import torch

import featviz as fv
from featviz.objectives.resemblance import Resemblance

TARGET = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0))


def test_the_target_itself_is_worth_one_and_nothing_at_all_zero():
    values = torch.stack([TARGET, 0 * TARGET, -TARGET, 1.5 * TARGET])
    found = Resemblance("a", TARGET)({"a": values})
    torch.testing.assert_close(found, torch.tensor([1, 0, -3, 0.75]))


@pytest.mark.parametrize("value", [0.0, torch.nan, torch.inf])
def test_a_target_without_a_length_is_refused(value):
    with pytest.raises(ValueError, match="a target in a has finite numbers that aren't all 0"):
        Resemblance("a", torch.full((4, 3, 5), value))


def test_a_target_is_a_tensor_of_any_format():
    with pytest.raises(ValueError, match=r"a target is a tensor \(units, h, w\), not a ndarray"):
        Resemblance("a", TARGET.numpy())
    assert str(Resemblance("a", TARGET.bfloat16())).startswith("a:like[")


def test_every_place_counts_alike():
    target = torch.full((4, 3, 5), 2.0)
    values = target.repeat(2, 1, 1, 1)
    values[0, 1, 2, 3] += 2
    values[1, 0, 0, 0] -= 4
    found = Resemblance("a", target)({"a": values})
    torch.testing.assert_close(found, torch.tensor([1 - 1 / 60, 1 - 4 / 60]))


def test_targets_are_told_apart_by_what_they_hold():
    one, same, other = (Resemblance("a", t) for t in (TARGET, TARGET.clone(), TARGET + 1))
    assert one == same != other
    assert str(one) == str(same) != str(other)
    assert one != Resemblance("b", TARGET)
    assert repr(one) == f"Resemblance(layer='a', digest='{one.digest}')"  # no numbers
    assert str(one).startswith("a:like[")
    assert len(str(one)) == len("a:like[]") + 16
    across = TARGET.mT.contiguous().mT  # the same numbers, otherwise in memory
    assert Resemblance("a", across) == one
    assert Resemblance("a", TARGET.clone().requires_grad_()) == one
    assert one.layers == {"a"}


def test_values_of_another_size_are_refused():
    message = (
        r"a:like\[.*\] compares values of shape \(4, 3, 5\), .* size gives \(4, 3, 6\); let both"
    )
    with pytest.raises(ValueError, match=message):
        Resemblance("a", TARGET)({"a": torch.zeros(1, 4, 3, 6)})


def test_a_target_has_the_layers_units_and_two_axes(small):
    Resemblance("conv3", torch.ones(10, 2, 2)).check(small)
    Resemblance("image", torch.ones(3, 2, 2)).check(small)
    for layer, shape, units in (
        ("conv3", (9, 2, 2), 10),
        ("conv3", (10, 2), 10),
        ("image", (10, 2, 2), 3),
    ):
        message = rf"a target in {layer} has shape \({units}, h, w\), not \({shape[0]}, "
        with pytest.raises(ValueError, match=message):
            Resemblance(layer, torch.ones(shape)).check(small)


def test_a_layers_own_value_resembles_itself(small):
    photo = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    target = fv.activations(small, photo, "conv2")[0]
    images = torch.cat([photo, photo.flip(3)])
    near, far = fv.evaluate(small, Resemblance("conv2", target), images)
    assert near.item() == pytest.approx(1, abs=1e-5)
    assert far < 0.9
