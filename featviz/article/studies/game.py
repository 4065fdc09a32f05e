"""The reader against SqueezeNet: which photographs is a picture for?"""

from collections.abc import Iterator

import numpy as np

from featviz.article.studies import deep_judge
from featviz.article.studies.links import unit_link
from featviz.article.studies.microscope import natural_patches, scope
from featviz.article.studies.shared import SEED
from featviz.figures import Figure, Round, game
from featviz.microscope import findings
from featviz.microscope.views import NEURON

ROUNDS = 5
"""Rounds of each layer."""


def two_choices() -> Figure:
    """Twenty rounds of two choices."""
    rounds = list(_rounds())
    order = np.random.default_rng(SEED).permutation(len(rounds))
    return game(
        [rounds[index] for index in order],
        f"SqueezeNet's {deep_judge.EYE}",
        id="game",
        alt="Rounds of a game: a neuron's picture between two sets of four patches of photographs",
        caption=f"<strong>Your turn.</strong> On one side of a neuron's picture are the {findings.PATCHES} patches that excite it most, "
        f"on the other those of another unit of its layer; {ROUNDS} rounds of each layer. The score is kept on this page only.",
    )


def _rounds() -> Iterator[Round]:
    """The rounds of each layer, units and sides drawn at random."""
    random = np.random.default_rng(SEED)
    for layer in deep_judge.LAYERS:
        patches = natural_patches(layer)
        chosen = deep_judge.choices(layer)[deep_judge.EYE][0]
        for unit, other in random.permutation(len(chosen))[: 2 * ROUNDS].reshape(-1, 2).tolist():
            right = int(random.integers(2))
            pair = (unit, other) if right == 0 else (other, unit)
            picture = scope().pictures(layer, NEURON, (unit,)).images[0, 0]
            left, right_side = (patches.images[one] / np.float32(255) for one in pair)
            yield Round(
                picture / np.float32(255),
                (left, right_side),
                right,
                # A tie, which no pair of real descriptions gives, would count as wrong.
                right if chosen[unit, other] == 1 else 1 - right,
                layer,
                (f"{layer}:{pair[0]}", f"{layer}:{pair[1]}"),
                unit_link(layer, unit),
            )
