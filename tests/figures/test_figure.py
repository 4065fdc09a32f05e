import pytest

from featviz.figures import Figure
from featviz.figures._figure import number, slug, tag


def html(**changes):
    return Figure(**{"tag": "fv-plot", "id": "x", "body": "<p>b</p>"} | changes)._repr_html_()


def test_static_figure_stands_inside_its_element():
    assert html(caption="See <strong>this</strong>", width="page") == (
        '<fv-plot><figure class="fv l-page" id="fig-x"><p>b</p>'
        "<figcaption>See <strong>this</strong></figcaption></figure></fv-plot>"
    )


def test_payload_is_escaped_json_in_a_template():
    content = html(payload={"label": "</template><script>alert(1)</script>&"})
    assert "<script" not in content
    assert '{"label":"&lt;/template&gt;' in content


def test_figures_without_payload_have_no_template():
    assert "<template>" not in html()


@pytest.mark.parametrize("name", ["Fig", "fig-x", "a b", "a--b", "", "1a", "a:b"])
def test_ids_that_cannot_be_anchors_are_refused(name):
    with pytest.raises(ValueError, match="cannot be an anchor"):
        html(id=name)


def test_unknown_width_names_the_valid_ones():
    with pytest.raises(ValueError, match="'wide' is unknown: choose one of body, middle, page"):
        html(width="wide")


def test_tags_escape_attributes_and_leave_out_what_is_none():
    assert tag("img", alt='a "b" <c>', hidden=True, title=None, data_x=0) == (
        '<img alt="a &quot;b&quot; &lt;c&gt;" hidden data-x="0">'
    )


@pytest.mark.parametrize(
    ("value", "digits"),
    [(0, "0"), (1234.5, "1,234"), (-0.1234, "−0.123"), (0.00042, "0.00042"), (12.345, "12.3"),
     (2e-9, "2.0e−09"), (100, "100"), (50.0, "50")],
)  # fmt: skip
def test_numbers_have_three_digits(value, digits):
    assert number(value) == digits


def test_slugs_name_states_in_links():
    assert slug("conv5:12") == "conv5-12"
    assert slug("Cat & dog!") == "cat-dog"
