"""The drawing of a circuit that stands on its own."""

from xml.etree import ElementTree

import numpy as np
import pytest

from featviz.figures._circuit_svg import AGAINST, FOR, WIDEST, circuit_svg

SVG = "{http://www.w3.org/2000/svg}"
COLUMNS = [("conv2", [7], [3.5]), ("conv1", [4, 2], [1.25, -0.5])]
EDGES = [np.array([[0.5, -0.25]])]
PICTURES = [[np.full((3, 8, 8), 0.5)], [np.zeros((3, 4, 4)), np.ones((3, 4, 4))]]


def draw(**changes):
    arguments = {"columns": COLUMNS, "edges": EDGES, "pictures": PICTURES} | changes
    return circuit_svg(**arguments, title="A <circuit>", alt="What it shows")


def test_lines_are_as_wide_as_weights_and_tell_their_sign_twice():
    root = ElementTree.fromstring(draw())
    lines = {
        one.find(f"{SVG}title").text: one.find(f"{SVG}path").attrib
        for one in root.iter(f"{SVG}g")
        if one.find(f"{SVG}path") is not None
    }
    strong, weak = lines["conv1:4 to conv2:7: 0.5"], lines["conv1:2 to conv2:7: \N{MINUS SIGN}0.25"]
    assert float(strong["stroke-width"]) == WIDEST
    assert float(weak["stroke-width"]) == WIDEST / 2
    assert (strong["stroke"], weak["stroke"]) == (FOR, AGAINST)
    assert "stroke-dasharray" not in strong
    assert weak["stroke-dasharray"]


def test_it_names_itself_its_units_and_their_strengths():
    root = ElementTree.fromstring(draw(notes=["sees 51 px", "sees 11 px"]))
    assert root.find(f"{SVG}title").text == "A <circuit>"
    assert root.find(f"{SVG}desc").text == "What it shows"
    texts = [one.text for one in root.iter(f"{SVG}text")]
    for text in ("conv2:7", "conv1:2", "3.5", "+1.25", "\N{MINUS SIGN}0.5", "sees 11 px"):
        assert text in texts
    hrefs = [one.attrib["href"] for one in root.iter(f"{SVG}image")]
    assert len(hrefs) == 3
    assert all(href.startswith("data:image/webp;base64,") for href in hrefs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"edges": []}, "edges has 0 entries, but there are 1 pairs of columns"),
        ({"edges": [np.ones((2, 1))]}, r"edges of conv2 have shape \(2, 1\): expected \(1, 2\)"),
        ({"pictures": [PICTURES[0], []]}, "pictures of conv1 has 0 entries, but there are 2 units"),
        ({"notes": ["one"]}, "notes has 1 entries, but there are 2 columns"),
    ],
)
def test_what_does_not_fit_is_said(changes, message):
    with pytest.raises(ValueError, match=message):
        draw(**changes)
