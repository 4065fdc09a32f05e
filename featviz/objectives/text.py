"""The text form of objectives, as the command line and the store write them.

conv5:12             channel 12 of conv5, averaged over positions
conv5:relu:12        the same after the ReLU
relu#2:12            the second run of a module that runs more than once
conv5:12~2           the same without 2 positions along each border
conv5:12@6,6         the neuron at row 6, column 6;  conv5:12@center  the one in the middle
conv5:*              the whole layer (DeepDream)
conv5:dot[0.1,...]   a direction;  conv5:cos[0.1,...]  by its angle
logit:281            the score of a class; by its name logit:espresso, logit:[tiger cat]
diversity:conv4      how little the images of a group resemble each other
penalty:tv           also penalty:l1, penalty:l2, penalty:blur
0.5*conv4:1 - conv4:2 + 0.1*penalty:tv
"""

import math
import re
from collections.abc import Iterable

from featviz.network.network import Network
from featviz.objectives.algebra import Objective, weighted_sum
from featviz.objectives.penalties import L1, L2, Blur, TotalVariation
from featviz.objectives.units import Channel, DeepDream, Direction, Diversity, Logit, Neuron

FORMS = (
    "conv5:12, conv5:12@6,6, conv5:12@center, conv5:*, logit:281, -conv3:7, 0.5*conv4:1 - conv4:2"
)
"""The forms that an error message lists."""

_PENALTIES = {str(penalty): penalty for penalty in (TotalVariation(), L1(), L2(), Blur())}
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TERM = re.compile(
    rf"\s*(?P<sign>[+-]?)\s*(?:(?P<factor>{_NUMBER})\s*\*\s*)?(?P<spec>[^\s\[]+(?:\[[^\]]*\])?)"
)
_CLASS = re.compile(r"logit:(?:(?P<index>\d+)|(?P<word>[^\W\d][\w'-]*)|\[(?P<name>[^\]]+)\])")
_SPEC = re.compile(
    r"(?P<layer>[^\s:*\[\]+-][^\s:*\[\]]*(?::relu)?):"
    r"(?:(?P<unit>\d+)(?:~(?P<border>\d+)|@(?:(?P<row>\d+),(?P<column>\d+)|(?P<center>center)))?"
    r"|(?P<whole>\*)|(?P<kind>dot|cos)\[(?P<vector>[^\]]+)\])"
)


def parse(text: str) -> Objective:
    """Reads an objective from its text form; `str(objective)` is the way back.

    Args:
        text: For instance `"conv5:12"` or `"0.5*conv4:1 - conv4:2"`.

    Returns:
        The objective.

    Raises:
        ValueError: The text is none of the forms.
    """
    terms: list[tuple[float, Objective]] = []
    end = 0
    while end < len(text.rstrip()) or not terms:
        match = _TERM.match(text, end)
        if match is None or (terms and not match["sign"]):
            raise _unreadable(text)
        weight = float(match["factor"] or 1) * (-1 if match["sign"] == "-" else 1)
        if not math.isfinite(weight):
            raise ValueError(f"a weight is a finite number, not {match['factor']} as in {text!r}.")
        terms.append((weight, _spec(match["spec"], text)))
        end = match.end()
    return weighted_sum(terms)


def as_objectives(
    network: Network, objectives: Objective | str | Iterable[Objective | str]
) -> tuple[Objective, ...]:
    """Reads what is asked of a network: one objective or several, each itself or in words.

    Args:
        network: The network.
        objectives: Objectives, text forms (`"conv5:12"`) or names of the network's classes.

    Returns:
        The objectives, resolved.

    Raises:
        ValueError: A text that can't be read, or what the network can't answer.
        TypeError: Something else.
    """
    if isinstance(objectives, str) or not isinstance(objectives, Iterable):
        objectives = (objectives,)
    return tuple(_as_objective(network, one) for one in objectives)


def _as_objective(network: Network, one: object) -> Objective:
    if isinstance(one, str):
        # Every text form has a colon; a class may have one in its name, a lone layer is a slip.
        form = ":" in one or one in network.layers
        one = parse(one) if form and one not in network.classes else Logit(one)
    if not isinstance(one, Objective):
        raise TypeError(
            f"an objective is a Channel, a Neuron or the like, or its text, 'conv5:12' say, "
            f"not {one!r}."
        )
    return one.resolve(network)


def _spec(spec: str, text: str) -> Objective:
    """One term without its weight."""
    if spec in _PENALTIES:
        return _PENALTIES[spec]
    kind, _, rest = spec.partition(":")
    if kind == "diversity" and rest:
        return Diversity(rest)
    if match := _CLASS.fullmatch(spec):
        return Logit(int(match["index"]) if match["index"] else match["word"] or match["name"])
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise _unreadable(text)
    layer = match["layer"]
    if match["whole"]:
        return DeepDream(layer)
    if match["kind"]:
        try:
            vector = tuple(float(number) for number in match["vector"].split(","))
        except ValueError:
            raise _unreadable(text) from None
        return Direction(layer, vector, cosine=match["kind"] == "cos")
    unit = int(match["unit"])
    if match["center"]:
        return Neuron(layer, unit)
    if match["row"]:
        return Neuron(layer, unit, (int(match["row"]), int(match["column"])))
    return Channel(layer, unit, int(match["border"] or 0))


def _unreadable(text: str) -> ValueError:
    return ValueError(f"can't read the objective {text!r}; it looks like one of {FORMS}.")
