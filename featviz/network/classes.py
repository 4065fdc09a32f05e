"""Classes by name or index: the one place where names are looked up."""

import difflib
import operator
from collections.abc import Sequence

OFFERED = 5
"""Most names that a message offers in place of an unknown one."""


def class_index(network: str, classes: Sequence[str], wanted: str | int) -> int:
    """Finds the index of a class.

    Args:
        network: What to call the network in messages.
        classes: The names of its classes; none if it has no classifier.
        wanted: A name, in any letter case where that leaves one, or an index.

    Raises:
        ValueError: There is no such class.
    """
    if not classes:
        raise ValueError(
            f"{network} has no classifier, so it scores no class {wanted!r}; "
            f"featviz.load('squeezenet') has one; name your own in Network(..., classes=...)."
        )
    if not isinstance(wanted, str):
        index = plain_index(wanted)
        if 0 <= index < len(classes):
            return index
        raise ValueError(
            f"{network} knows classes 0 to {len(classes) - 1}, not {wanted!r}; "
            f"network.classes lists them."
        )
    if wanted in classes:  # first as written: "cardigan" is a garment, "Cardigan" a dog
        return classes.index(wanted)
    folded = {name.casefold(): index for index, name in enumerate(classes)}
    word = wanted.casefold()
    same = list(dict.fromkeys(name for name in classes if name.casefold() == word))
    if len(same) == 1:
        return classes.index(same[0])
    near = same + [classes[index] for name, index in folded.items() if word in name.split()]
    near += [classes[folded[name]] for name in difflib.get_close_matches(word, folded)]
    offer = ", ".join(list(dict.fromkeys(near))[:OFFERED])
    hint = f"; the nearest are {offer}" if offer else ""
    raise ValueError(
        f"{network} knows no class {wanted!r}{hint} (network.classes lists all {len(classes)})."
    )


def plain_index(wanted: object) -> int:
    """Returns a whole number as Python's own; -1 for all else."""
    try:
        return operator.index(wanted)  # type: ignore[arg-type]
    except TypeError:
        return -1
