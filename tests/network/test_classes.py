"""Classes are found by name and by index, in one place."""

import pytest

import featviz as fv
from featviz.network.classes import class_index
from featviz.zoo.imagenet import CLASSES
from tests.networks import SmallCNN


def test_a_name_in_other_letters_is_not_guessed_where_two_remain():
    with pytest.raises(ValueError, match="no class 'CARDIGAN'; the nearest are Cardigan, cardigan"):
        class_index("net", CLASSES, "CARDIGAN")
    assert class_index("net", ("crane", "crane", "Dog"), "Crane") == 0
    with pytest.raises(ValueError, match=r"knows classes 0 to 999, not 1\.5"):
        class_index("net", CLASSES, 1.5)


def test_classes_are_found_by_name_and_by_index():
    assert len(CLASSES) == 1000
    assert [class_index("net", CLASSES, name) for name in CLASSES] == list(range(1000))
    assert class_index("net", CLASSES, "TABBY") == class_index("net", CLASSES, 281) == 281


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("taby", "net knows no class 'taby'; the nearest are tabby"),
        ("cat", "the nearest are tiger cat, Persian cat, Siamese cat"),
        ("qqqqqq", r"net knows no class 'qqqqqq' \(network\.classes lists all 1000\)"),
        (1000, "net knows classes 0 to 999, not 1000; network.classes lists them"),
        (-1, "net knows classes 0 to 999, not -1"),
    ],
)
def test_unknown_class_offers_the_nearest(wanted, message):
    with pytest.raises(ValueError, match=message):
        class_index("net", CLASSES, wanted)


def test_what_is_no_index_is_refused_where_classes_have_no_names():
    net = fv.Network(SmallCNN(), size=32)
    assert net.class_index(4) == 4
    with pytest.raises(ValueError, match=r"SmallCNN scores classes 0 to 4, not 1\.5\."):
        net.class_index(1.5)


def test_a_network_without_a_classifier_says_which_has_one():
    with pytest.raises(ValueError, match=r"net has no classifier, so it scores no class 'tabby'; "):
        class_index("net", (), "tabby")
