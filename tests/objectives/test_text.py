"""Text and objectives are two forms of one thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import featviz as fv
from featviz.objectives.algebra import Sum
from featviz.objectives.penalties import L1, L2, Blur, TotalVariation
from featviz.objectives.text import FORMS, parse
from featviz.objectives.units import Channel, DeepDream, Direction, Diversity, Logit, Neuron

KINDS = ("logit", "penalty", "diversity")
"""First words of the text form, which a layer can't be called in it."""

layers = st.from_regex(r"\A[a-z0-9_][a-z0-9_-]{0,5}(\.[a-z0-9_-]{1,4}){0,2}(:relu)?\Z").filter(
    lambda name: name.removesuffix(":relu") not in KINDS
)
units = st.integers(0, 5000)
numbers = st.floats(allow_nan=False, allow_infinity=False)
singles = st.one_of(
    st.builds(Channel, layers, units),
    st.builds(Channel, layers, units, units),
    st.builds(Neuron, layers, units, st.none() | st.tuples(units, units)),
    st.builds(DeepDream, layers),
    st.builds(Direction, layers, st.lists(numbers, min_size=1, max_size=4).map(tuple)),
    st.builds(Direction, layers, st.lists(numbers, min_size=1, max_size=4).map(tuple), st.just(1)),
    st.builds(Logit, units),
    st.builds(Logit, st.text("abz 09-',:*+.", min_size=1)),
    st.builds(Diversity, layers),
    st.sampled_from([TotalVariation(), L1(), L2(), Blur()]),
)
weights = st.floats(-1e6, 1e6)


@st.composite
def objectives(draw):
    """Anything that the algebra makes."""
    total = draw(singles)
    for _ in range(draw(st.integers(0, 3))):
        term = draw(singles)
        total = draw(
            st.sampled_from([total + term, total - term, -total, draw(weights) * total - term])
        )
    return total


@given(objectives())
def test_text_round_trips(objective):
    assert parse(str(objective)) == objective
    assert str(parse(str(objective))) == str(objective)


@given(objectives())
def test_spaces_around_do_not_matter(objective):
    assert parse(f"  {objective} ") == objective


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("conv5:12", Channel("conv5", 12)),
        ("conv5:relu:12", Channel("conv5:relu", 12)),
        ("features.10:relu:12@6,7", Neuron("features.10:relu", 12, (6, 7))),
        ("conv5:12~2", Channel("conv5", 12, border=2)),
        ("conv5:12@center", Neuron("conv5", 12)),
        ("conv5:*", DeepDream("conv5")),
        ("conv1:dot[0.5,-1,2e-3]", Direction("conv1", (0.5, -1.0, 0.002))),
        ("conv1:cos[1, 2]", Direction("conv1", (1.0, 2.0), cosine=True)),
        ("logit:281", Logit(281)),
        ("logit:espresso", Logit("espresso")),
        ("logit:[281]", Logit("281")),
        ("2*logit:[tiger cat] - logit:tabby", 2 * Logit("tiger cat") - Logit("tabby")),
        ("diversity:conv4:relu", Diversity("conv4:relu")),
        ("penalty:tv", TotalVariation()),
        ("-conv3:7", -Channel("conv3", 7)),
        ("+conv3:7", Channel("conv3", 7)),
        ("0:3", Channel("0", 3)),
        ("2*0:3", 2 * Channel("0", 3)),
        ("1e-3*conv3:7", 0.001 * Channel("conv3", 7)),
        ("0.5*conv4:1 - conv4:2", 0.5 * Channel("conv4", 1) - Channel("conv4", 2)),
        ("0.5 * conv4:1 -conv4:2", 0.5 * Channel("conv4", 1) - Channel("conv4", 2)),
        ("conv4:1 + conv4:1", 2 * Channel("conv4", 1)),
    ],
)
def test_forms(text, objective):
    assert parse(text) == objective


def test_the_examples_of_the_message_can_be_read():
    for example in FORMS.split(", "):
        parse(example)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "conv5",
        "conv5:",
        ":12",
        "conv5:-1",
        "conv5:1.5",
        "conv5:12~",
        "conv5:12~2@center",
        "conv5:12@",
        "conv5:12@6",
        "conv5:12@6,-1",
        "conv5:dot[]",
        "conv5:dot[1,x]",
        "conv5:dot[1,2",
        "conv5:max[1]",
        "penalty:nothing",
        "diversity:",
        "logit:",
        "logit:[]",
        "conv5:12 conv5:13",
        "conv5:12 +",
        "conv5:12 + - conv5:13",
        "0.5*",
        "0.5",
        "x*conv5:12",
        "conv5:12; import os",
    ],
)
def test_unreadable_text_is_quoted_with_the_forms_there_are(text):
    with pytest.raises(ValueError, match="can't read the objective") as error:
        parse(text)
    assert repr(text) in str(error.value)
    assert FORMS in str(error.value)


def test_a_sum_can_be_written_down():
    assert str(0.1 * TotalVariation() + Channel("conv5", 3)) == "conv5:3 + 0.1*penalty:tv"
    assert isinstance(fv.parse("conv5:3 + 0.1*penalty:tv"), Sum)


def test_a_weight_without_end_is_refused():
    with pytest.raises(ValueError, match="a weight is a finite number, not 1e400 as in '1e400"):
        parse("1e400*conv5:1")
