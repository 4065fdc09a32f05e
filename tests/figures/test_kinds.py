"""What every kind of figure holds without JavaScript, and what it says of bad input."""

import html
import json
import math
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from figure_samples import LAYERS, everything, ladder, sheet, textures

from featviz import figures
from featviz.figures._plot import Scale

VOID = {"img", "br", "input", "rect", "path"}
# Their ends are implied, and left out of long tables.
NO_END = {"tr", "th", "td"}


def payload(figure):
    match = re.search(r"<template>(.*?)</template>", figure._repr_html_(), re.DOTALL)
    return json.loads(html.unescape(match[1]))


def visible(figure):
    """The text of the static figure."""
    markup = re.sub(r"<template>.*?</template>", "", figure._repr_html_(), flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", markup))


class Balance(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.images, self.ids = [], [], []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "img":
            self.images.append(attributes)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag not in VOID | NO_END:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        if "id" in dict(attrs):
            self.ids.append(dict(attrs)["id"])

    def handle_endtag(self, tag):
        if tag not in VOID | NO_END:
            assert self.open.pop() == tag


def test_every_figure_is_the_same_bytes_again(all_figures):
    again = {f.id: f._repr_html_() for f in everything()}
    assert again == {name: f._repr_html_() for name, f in all_figures.items()}


def test_every_figure_is_well_formed_and_reserves_its_images(all_figures):
    ids = []
    for figure in all_figures.values():
        reader = Balance()
        reader.feed(figure._repr_html_())
        assert reader.open == [], figure.id
        for image in reader.images:
            assert image["alt"].strip(), figure.id
            assert int(image["width"]) > 0
            assert int(image["height"]) > 0
        ids += reader.ids
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("figure", everything(), ids=lambda f: f.id)
def test_the_static_figure_is_complete(figure):
    static = figure._repr_html_()
    assert f'id="fig-{figure.id}"' in static
    assert "<img" in static or "<svg" in static or "<table" in static
    assert "<script" not in static
    assert "http" not in re.sub(r'xmlns="[^"]+"', "", static)


def test_true_to_scale_crops_what_is_larger_than_the_field_and_outlines_what_is_smaller():
    large, small = (
        figures.Rung(layer, field, textures(1, 40), ["u"])
        for layer, field in (("a", 10), ("b", 80))
    )
    content = figures.ladder([large, small], **ARGS)._repr_html_()
    styles = re.findall(r"--fv-field:([\d.]+);--fv-shown:([\d.]+);--fv-cropped:([\d.]+)%", content)
    assert [tuple(map(float, row)) for row in styles] == [(0.125, 0.5, 37.5), (1.0, 0.5, 0.0)]


def test_labels_and_numbers_are_there_without_scripts(all_figures):
    assert 'alt="conv5:2"' in all_figures["ladder"]._repr_html_()
    assert "sees 163 px" in visible(all_figures["ladder"])
    assert "conv5:11" in visible(all_figures["all"])
    assert re.search(r"conv5:7\s+7\s", visible(all_figures["all"]))
    assert re.search(r"conv5\s+40 px", visible(all_figures["field"]))
    assert "Frames at steps 0, 8, 64." in visible(all_figures["ascent"])
    assert "conv5, middle of dog" in visible(all_figures["inspector"])
    assert re.search(r"b\s+3\s+4", visible(all_figures["methods"]))
    assert "The number under an image: activation." in all_figures["methods"]._repr_html_()


def test_payload_of_a_sheet(all_figures):
    data = payload(all_figures["all"])
    assert data["sprite"] == {
        "columns": 4, "rows": 3, "width": 40, "height": 40, "pixelated": False,
    }  # fmt: skip
    assert data["labels"][3] == "conv5:3"
    assert data["values"] == {"activation": [float(i) for i in range(12)]}
    assert data["links"][11] == "unit.html#11"
    assert data["find"] is False


def test_a_sheet_can_be_stored_small():
    assert payload(sheet(side=20))["sprite"]["width"] == 20


def test_payload_of_a_trajectory_puts_marks_on_the_curve(all_figures):
    data = payload(all_figures["ascent"])
    marks = data["units"][0]["marks"]
    assert data["steps"] == [0, 8, 64]
    assert data["units"][1]["values"] == ["2", "4", "6"]
    xs, ys = zip(*marks, strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys, reverse=True)
    assert marks[0][0] < 60
    assert 326 > marks[-1][0] > 260


def test_payload_of_an_inspector_is_compact(all_figures):
    (layer,) = payload(all_figures["inspector"])["layers"]
    assert layer["grid"] == [3, 3]
    assert len(layer["units"]) == len(layer["bars"]) == 2 * 3 * 3 * 2
    assert max(layer["bars"]) == 255
    assert all(isinstance(value, int) for value in layer["bars"] + layer["units"])


def test_filters_are_signed_around_gray_on_one_scale():
    weights = np.zeros((2, 3, 5, 5))
    weights[0, 0, 0, 0], weights[1, 1, 0, 0] = 2.0, -1.0
    figure = figures.filters(weights, id="f", alt="Two filters.", columns=2)
    assert payload(figure)["values"] == {"largest weight": [2.0, 1.0]}
    assert payload(figure)["sprite"]["pixelated"] is True


def test_svg_follows_the_page(all_figures):
    for name in ("curves", "bars", "dots"):
        svg = all_figures[name]._repr_html_()
        assert 'role="img" aria-label="A figure of the test."' in svg
        assert "currentColor" in svg
        assert "var(--fv-series-1" in svg
        assert "<style" not in svg


def test_a_long_name_breaks_into_lines_centered_under_its_bar():
    names = ["edge or bar", "grating", "spot or check", "color edge"]
    content = figures.bars(names, {"a": range(4)}, "y", id="b", alt="Bars.")._repr_html_()
    narrow = content.partition("fv-plot--narrow")[2]
    labels = {
        label: (float(x), float(y))
        for x, y, label in re.findall(r'<text x="([\d.]+)" y="([\d.]+)">([a-z ]+)</text>', narrow)
    }
    assert labels["edge or"][0] == labels["bar"][0] < labels["grating"][0]
    assert labels["bar"][1] > labels["edge or"][1] == labels["grating"][1]


def test_lines_keep_their_places_and_break_where_a_value_is_missing():
    x, y = np.arange(5.0), [0.0, 1.0, np.nan, 1.0, 0.0]
    content = figures.curves({"a": (x, y)}, "x", "y", id="c", alt="A line.")._repr_html_()
    (d,) = re.findall(r'<path d="([^"]*)"[^>]*series-1', content.partition("fv-plot--narrow")[0])
    pieces = [re.findall(r"-?[\d.]+", piece) for piece in d.split("m")[1:]]
    steps = np.array(pieces, float).reshape(-1, 2)
    (x0, y0), (x1, y1), (x3, y3), (x4, y4) = np.cumsum(steps, axis=0)
    assert (y0, y1) == pytest.approx((y4, y3), abs=0.11)
    assert np.array([x1, x3, x4]) - x0 == pytest.approx(
        (x4 - x0) / 4 * np.array([1, 3, 4]), abs=0.2
    )


@pytest.mark.parametrize(
    ("low", "high", "log", "expected"),
    [
        (-0.2, 4.2, False, [0, 1, 2, 3, 4]),
        (0.12, 0.57, False, [0.2, 0.3, 0.4, 0.5]),
        (-13_000, 8_000, False, [-10_000, -5_000, 0, 5_000]),
        (0.9, 110, True, [1, 10, 100]),
        (3, 30, True, [5, 10, 20]),
        (1e-7, 1e5, True, [1e-7, 1e-4, 0.1, 100, 1e5]),
        (31, 44, True, [35, 40]),
    ],
)
def test_an_axis_is_numbered_at_round_values(low, high, log, expected):
    assert Scale(low, high, log).ticks(5) == pytest.approx(expected)


def test_a_logarithmic_axis_needs_something_positive():
    with pytest.raises(ValueError, match="A plot needs a positive value"):
        figures.dots(["c"], {"a": [[0, -1]]}, "y", log_y=True, **ARGS)


def test_labels_are_escaped_everywhere():
    label = '"><script>x</script>'
    for figure in (
        ladder(alt=label),
        sheet(values={label: range(12)}),
        figures.table([[label, 1]], ["a", label], id="t", alt=label),
        figures.bars([label], {label: [1]}, label, id="b", alt=label),
        figures.grid([label], [label], textures(1)[None], id="g", alt=label),
    ):
        assert "<script" not in figure._repr_html_()


def test_tables_align_numbers_and_can_be_scrolled_by_key():
    static = figures.table(
        [["a", 1, "x"], ["b", None, "y"]], ["n", "v", "t"], id="t", alt="A table."
    )
    content = static._repr_html_()
    assert '<td class="fv-number">1</td>' in content
    assert "<td>x</td>" in content
    assert 'role="region" tabindex="0" aria-label="A table."' in content


def test_a_spectrum_tells_each_activation_and_where_it_lies(all_figures):
    words = visible(all_figures["spectrum"])
    assert re.search(r"optimized against\s+−90\s.*low\s+−30\s+−29\s.*optimized for\s+120", words)
    content = all_figures["spectrum"]._repr_html_()
    assert "from −30 to 40 on photographs, 120 optimized for." in content
    # The axis runs from the one synthetic image to the other: zero lies at 90 of 210.
    assert f"left:{100 * (0.02 + 90 / 210) / 1.04:.1f}%" in content


def test_a_picker_is_a_strip_of_named_pictures():
    strip = figures.picker("photo", textures(2, 200), ["cat", "my dog"], title="T")._repr_html_()
    assert 'data-kind="photo"' in strip
    assert strip.count("<img") == 2
    assert 'data-pick="my-dog"' in strip
    assert 'width="96"' in strip


ARGS = {"id": "x", "alt": "A figure."}


def turn(count=1, **changes):
    arguments = {"right": 0, "machine": 0, "group": "a", "names": ("u", "v"), "link": "m.html"}
    return figures.Round(textures(1)[0], (textures(count),) * 2, **arguments | changes)


MISTAKES = [
    (lambda: ladder(alt=""), "Figure 'ladder' has no alt text"),
    (lambda: figures.ladder([], **ARGS), "The ladder has no rows"),
    (
        lambda: figures.ladder([("conv1", 11, textures(2), ["a"])], **ARGS),
        "labels of 'conv1' has 1 entries, but there are 2 images",
    ),
    (lambda: sheet(values={"v": [1, 2]}), r"values\['v'\] has 2 entries, but there are 12 images"),
    (lambda: sheet(links=["a"]), "links has 1 entries"),
    (lambda: figures.filters(np.ones((2, 64, 5, 5)), **ARGS), "only filters that read RGB"),
    (lambda: figures.filters(np.zeros((2, 3, 5, 5)), **ARGS), "All weights are zero"),
    (
        lambda: figures.grid(["a"], ["b", "c"], textures(1)[None], **ARGS),
        "Row 'a' of images has 1 entries, but there are 2 columns",
    ),
    (
        lambda: figures.methods(["a"], ["b"], textures(1)[None], [[1, 2]], **ARGS),
        r"scores has shape \(1, 2\): expected \(1, 1\)",
    ),
    (
        lambda: figures.attribution_grid(textures(1), [[np.zeros(3)]], ["a"], ["b"], **ARGS),
        r"A map has shape \(3,\)",
    ),
    (
        lambda: figures.receptive_field(textures(1)[0], [("conv1", 0)], **ARGS),
        "Field of 'conv1' has size 0",
    ),
    (
        lambda: figures.trajectory(textures(2), [3, 3], [1, 2], **ARGS),
        r"steps must increase, but are \[3, 3\]",
    ),
    (lambda: figures.spectrum([], ["low"], **ARGS), "units is empty"),
    (lambda: figures.curves({}, "x", "y", **ARGS), "series is empty"),
    (
        lambda: figures.curves({"a": ([1, 2], [1])}, "x", "y", **ARGS),
        r"Series 'a' has arrays of shapes \(2,\), \(1,\)",
    ),
    (lambda: figures.bars(LAYERS, {"a": [1]}, "y", **ARGS), "series 'a' has 1 entries"),
    (lambda: figures.intervals(["c"], {}, "x", **ARGS), "series is empty"),
    (
        lambda: figures.intervals(["c"], {"a": ([1], [0], [1, 2])}, "x", **ARGS),
        "series 'a' has 2 entries, but there are 1 rows",
    ),
    (lambda: figures.interval_panels(["c"], {}, **ARGS), "panels is empty"),
    (
        lambda: figures.interval_panels(["c"], {"a": (([1], [0], [1, 2]), 0.0)}, **ARGS),
        "series 'a' has 2 entries, but there are 1 rows",
    ),
    (lambda: figures.dots(["c"], {"a": [[np.nan]]}, "y", **ARGS), "without any finite value"),
    (lambda: figures.table([["a"]], ["x", "y"], **ARGS), "Row 0 has 1 entries"),
    (
        lambda: figures.inspector(
            textures(1),
            ["a"],
            [
                figures.InspectorLayer(
                    "c", np.full((1, 1, 1, 1), 7), np.ones((1, 1, 1, 1)), textures(2)
                )
            ],
            **ARGS,
        ),
        "names unit 7, but has 2 images",
    ),
    (
        lambda: figures.attribution_grid(
            textures(1), [[np.ones((3, 3))]], ["a"], ["b"], insets=textures(2), **ARGS
        ),
        "insets",
    ),
    (
        lambda: figures.inspector(textures(1), ["a"], [], start=(0.5, 1.0), **ARGS),
        r"start is two shares from 0 to less than 1, not \(0.5, 1.0\)",
    ),
    (lambda: figures.game([], "the judge", **ARGS), "at least one round"),
    (lambda: turn(machine=2), "machine must be 0, the left choice, or 1, not 2"),
    (
        lambda: figures.game([turn(count=3)], "the judge", **ARGS),
        "3 photographs don't fill a square",
    ),
]


@pytest.mark.parametrize(("make", "message"), MISTAKES, ids=[m[1][:32] for m in MISTAKES])
def test_mistakes_are_told_in_a_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_figures_read_nothing_of_the_core():
    code = (
        "import sys, types; sys.modules['featviz'] = m = types.ModuleType('featviz');"
        f"m.__path__ = [{str(figures.WEB.parents[1])!r}]; import featviz.figures;"
        "print([n for n in sys.modules if n.split('.')[0] == 'torch' or "
        "n.startswith('featviz.') and not n.startswith(('featviz.figures', 'featviz.writing'))])"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "[]"


def test_scripts_load_in_the_order_of_their_names_and_stay_short():
    scripts = sorted(figures.WEB.glob("*.js"))
    assert scripts[0].name == "fv-base.js"
    for script in scripts:
        source = script.read_text("utf-8")
        assert source.startswith("// @ts-check\n")
        assert not re.search(
            r"innerHTML|\bfetch\(|\bimport\b|\bexport\b|https?:(?!//www.w3)", source
        )
        assert script.name == "fv-base.js" or source.count("\n") <= 150


def test_bars_show_single_values_and_no_interval_where_there_is_none():
    def drawing(low, high, **more):
        series = {"a": ([1.0, 2.0], [low, 1.5], [high, 2.5])}
        figure = figures.bars(["x", "y"], series, "y", id="b", alt="Bars.", **more)
        return figure._repr_html_().partition("fv-plot--narrow")[0]

    def intervals(svg):
        return re.search(r'd="([^"]*)"[^>]*stroke-width="1.5"', svg)[1].count("m")

    assert intervals(drawing(0.5, 1.5)) == 2
    assert intervals(drawing(math.nan, math.nan)) == 1
    dots = [
        drawing(0.5, 1.5, each={"a": [[1.0, 1.2], [2.0] * count]}).count("h0") for count in (1, 4)
    ]
    assert dots[1] - dots[0] == 3


def test_intervals_stand_in_rows_from_the_top_and_break_long_names():
    series = {"a": ([1.0, 2.0], [0.5, math.nan], [1.5, math.nan])}
    figure = figures.intervals(["things people made", "y"], series, "n", id="i", alt="Rows.")
    drawing = figure._repr_html_().partition("fv-plot--narrow")[0]
    heights = {word: float(re.search(rf'y="([^"]+)"[^>]*>{word}<', drawing)[1])
               for word in ("things people", "made", "y")}  # fmt: skip
    assert heights["things people"] < heights["made"] < heights["y"]
    # A number without an interval is a dot alone.
    lines, dots = re.findall(r'd="([^"]*)"[^>]*stroke="var\(--fv-series-1', drawing)
    assert (lines.count("m"), dots.count("h0")) == (1, 2)


def test_points_of_a_panel_are_dots_that_its_axes_hold():
    lines = {"one": {"mean": ([0, 1], [0, 1])}, "two": {"mean": ([0, 1], [0, 1])}}
    html = figures.curves(
        lines, "x", "y", id="c", alt="Panels.", points={"two": ([0.2, 4.0, 9.0], [0, 50, 1])}
    )._repr_html_()
    one, two = html.split("<svg")[1:]
    assert (one.count("h0"), two.count("h0")) == (0, 3)
    assert ">8<" in two
    assert ">8<" not in one
    assert ">40<" in one  # the vertical axis is shared


@pytest.mark.parametrize(
    ("most", "shares"), [(None, ["0.5", "1"]), (100, ["0.2", "0.4"]), (25, ["0.8", "1"])]
)
def test_a_full_bar_is_the_columns_largest_or_what_it_is_said_to_be(most, shares):
    html = figures.grid(
        ["a", "b"], ["c"], textures(2)[:, None], id="g", alt="Two.", scores=[[20], [40]],
        score_most=most,
    )._repr_html_()  # fmt: skip
    assert re.findall(r"--fv-share:([\d.]+)", html) == shares


def test_bars_below_zero_are_as_long_as_they_are_large_and_of_another_color():
    html = figures.grid(
        ["a", "b"], ["c"], textures(2)[:, None], id="g", alt="Two.", scores=[[20], [-40]]
    )._repr_html_()
    assert re.findall(r"(fv-score[^\"]*)\" style=\"--fv-share:([\d.]+)", html) == [
        ("fv-score", "0.5"), ("fv-score fv-score--below", "1"),
    ]  # fmt: skip


def test_bars_of_nothing_but_zero_have_an_axis():
    assert ">0<" in figures.bars(["a"], {"s": [0.0]}, "y", id="x", alt="None.")._repr_html_()


def test_a_heading_of_a_grid_may_span_columns():
    images = [[*textures(3)]]
    html = figures.grid(["a"], [("two", 2), "one"], images, id="g", alt="Three.")._repr_html_()
    assert re.search(r'--fv-span:2"[^>]*aria-colspan="2">two', html)
    assert "--fv-columns:3" in html


@pytest.mark.parametrize(
    ("spans", "line", "headed"),
    [
        ([1] * 6, None, []),
        ([1] * 8, 4, [0, 1, 2, 3, 4, 5, 6, 7]),
        ([1] * 10, 5, [*range(10)]),
        ([3, 3, 3], 3, [0, 3, 6]),
        ([2, 2, 2, 2], 4, [0, 2, 4, 6]),
        ([4, 3], 4, [0, 4]),
        ([5, 3], 4, [0, 4, 5]),
        ([5, 5], 5, [0, 5]),
        ([8], 4, [0, 4]),
    ],
)
def test_a_row_too_long_for_a_phone_is_broken_between_its_groups(spans, line, headed):
    count = sum(spans)
    columns = [(f"g{i}", span) for i, span in enumerate(spans)]
    html = figures.grid(["a"], columns, [[*textures(count)]], id="g", alt="Many.")._repr_html_()
    assert re.findall(r"--fv-line:(\d+)", html) == ([str(line)] if line else [])
    assert ("fv-tiles--long" in html) == bool(line)
    cells = html.split('role="cell"')[2:]  # behind the corner
    assert [i for i, cell in enumerate(cells) if cell.startswith(' data-column="g')] == headed


@pytest.mark.parametrize(
    ("left", "right", "line", "headed"),
    [
        (1, 4, None, []),
        (4, 4, 4, [0, 4]),
        (6, 6, 6, [0, 6]),
        (1, 6, 6, [0, 1]),
        (5, 3, 5, [0, 5]),
        (7, 7, 4, [0, 4, 7, 11]),
    ],
)
def test_the_sides_of_a_long_pair_begin_lines_of_their_own(left, right, line, headed):
    sides = textures(left)[None], textures(right)[None]
    html = figures.pairs(*sides, ["a"], headings=("x", "y"), id="p", alt="Two.")._repr_html_()
    assert re.findall(r"--fv-line:(\d+)", html) == ([str(line)] if line else [])
    cells = html.split('role="cell"')[2:]  # behind the corner
    assert [i for i, cell in enumerate(cells) if "data-column=" in cell.split(">")[0]] == headed


@pytest.mark.parametrize(("rows", "columns", "images"), [([], [], []), (["a"], [], [[]])])
def test_a_grid_of_nothing_is_a_figure(rows, columns, images):
    assert "fv-grid" in figures.grid(rows, columns, images, id="g", alt="None.")._repr_html_()


def test_a_tile_without_a_score_is_as_high_as_those_with_one():
    scores, images = [[np.nan, -2.0], [np.nan, np.nan]], [[*textures(2)]] * 2
    html = figures.grid(
        ["a", "none"], ["x", "y"], images, scores=scores, id="g", alt="Four."
    )._repr_html_()
    assert html.count('class="fv-score fv-score--none"') == 1
    assert html.count('class="fv-score fv-score--below"') == 1


def test_names_stand_under_the_tiles_that_are_there():
    html = figures.grid(
        ["a"], ["x", "y"], [[textures(1)[0], None]], labels=[["conv1:0", "none"]], named=True,
        scores=[[1.0, 2.0]], id="g", alt="One.",
    )._repr_html_()  # fmt: skip
    assert re.findall(r'<span class="fv-under"[^>]*>([^<]*)</span><span class="fv-score', html) == [
        "conv1:0"
    ]
    assert html.count("fv-under") == 1
    six = figures.grid(["a"], [""] * 6, [[*textures(6)]], named=True, id="g", alt="Six.")
    assert "--fv-line:3" in six._repr_html_()


def test_dots_begin_with_the_color_that_is_asked_for():
    html = figures.dots(
        ["c"], {"a": [[1, 2]], "b": [[3]]}, "y", first_color=1, **ARGS
    )._repr_html_()
    assert set(re.findall(r"--fv-series-\d", html)) == {"--fv-series-2", "--fv-series-3"}
    assert re.findall(r"--fv-color:var\(--fv-series-(\d)[^>]*>(\w)</li>", html) == [
        ("2", "a"), ("3", "b"),
    ]  # fmt: skip


def test_no_band_lies_over_a_line():
    band = ([0, 1], [0, 1], [0, 0], [1, 1])
    html = figures.curves({"a": band, "b": band}, "x", "y", **ARGS)._repr_html_()
    wide = html.partition("fv-plot--narrow")[0]
    assert wide.rindex('opacity="0.18"') < wide.index('stroke="var(--fv-series-1')


@pytest.mark.parametrize(
    ("digits", "told"),
    [(2, ["0.50", "0.00", "\N{MINUS SIGN}0.10"]), (None, ["0.5", "0", "\N{MINUS SIGN}0.1"])],
)
def test_scores_have_the_digits_that_are_asked_for_and_no_minus_before_a_zero(digits, told):
    html = figures.grid(
        ["a"], list("xyz"), [[*textures(3)]], id="g", alt="Three.",
        scores=[[0.5, -0.0, -0.1]], score_digits=digits,
    )._repr_html_()  # fmt: skip
    assert re.findall(r"--fv-share:[\d.]+\">([^<]+)<", html) == told
