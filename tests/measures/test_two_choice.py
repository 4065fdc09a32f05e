"""Whether pictures can be matched with photographs."""

import pytest
import torch

from featviz.measures.two_choice import plain_look, seen_by, two_choice
from featviz.network.values import activations


def test_a_judge_is_right_where_descriptions_agree_and_guesses_where_they_do_not():
    pictures = torch.randn(200, 32, generator=torch.Generator().manual_seed(0))
    other = torch.randn(200, 32, generator=torch.Generator().manual_seed(1))
    assert (two_choice(pictures, 3 * pictures + 7) == 1).all()
    assert abs(two_choice(pictures, other).mean() - 0.5) < 0.05


def test_two_choices_equal_a_count_by_hand():
    pictures, photographs = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(2))
    one, other = ((x - x.mean(0)) / x.std(0) for x in (pictures, photographs))
    for unit, share in enumerate(two_choice(pictures, photographs).tolist()):
        near = [torch.cosine_similarity(one[unit], seen, dim=0).item() for seen in other]
        right = sum(near[unit] > value for value in near)
        assert share == pytest.approx(right / 5)


def test_two_units_are_enough():
    pictures = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert two_choice(pictures, 5 * pictures).tolist() == [1, 1]
    assert two_choice(pictures, -pictures).tolist() == [0, 0]


def test_what_says_nothing_is_a_coin():
    assert (two_choice(torch.ones(5, 3), torch.rand(5, 3)) == 0.5).all()


def test_one_unit_has_nothing_to_be_told_from():
    with pytest.raises(ValueError, match="at least 2 units"):
        two_choice(torch.ones(1, 3), torch.ones(1, 3))
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2, 4\)"):
        two_choice(torch.ones(2, 3), torch.ones(2, 4))


def test_a_judge_describes_by_means_over_places(small):
    images = torch.rand(3, 3, 32, 32)
    layer = "conv3:relu"
    expected = activations(small, images, [layer])[layer].mean((2, 3))
    assert seen_by(small, layer, images).allclose(expected)


def test_a_judge_describes_by_dense_layers_too(small):
    images = torch.rand(3, 3, 32, 32)
    assert seen_by(small, "classifier.3", images).equal(activations(small, images, "classifier.3"))


def test_a_plain_look_knows_color_and_coarseness_but_no_place():
    image = torch.rand(1, 3, 24, 24)
    turned = image.flip((2, 3))
    assert plain_look(image).allclose(plain_look(turned), atol=1e-6)
    red = image * torch.tensor([1.0, 0.5, 0.5]).view(3, 1, 1)
    assert not plain_look(image).allclose(plain_look(red), atol=0.05)
    fine = torch.tensor([0.0, 1.0]).repeat(12).expand(1, 3, 24, 24)
    coarse = torch.tensor([0.0, 1.0]).repeat_interleave(12).expand(1, 3, 24, 24)
    assert plain_look(fine)[0, 6] > plain_look(coarse)[0, 6]


def test_a_plain_look_by_hand():
    # Stripes of 0 and 1, four pixels wide, in red; half of that in green; blue stays dark.
    red = torch.tensor([0.0, 1.0]).repeat_interleave(4).repeat(2).expand(16, 16)
    images = torch.stack([red, red / 2, 0 * red])[None]
    stripes = 0.5 * (256 / 255) ** 0.5  # the standard deviation of 256 pixels
    # 3 of 15 steps across are a whole stripe, and none is down.
    expected = torch.tensor([[0.5, 0.25, 0, stripes, stripes / 2, 0, 0.2 / stripes, 0]])
    torch.testing.assert_close(plain_look(images), expected)
    turned = expected[:, [0, 1, 2, 3, 4, 5, 7, 6]]
    torch.testing.assert_close(plain_look(images.mT), turned)
    flat = torch.full((1, 3, 8, 8), 0.5)
    torch.testing.assert_close(plain_look(flat), torch.tensor([[0.5] * 3 + [0.0] * 5]))
