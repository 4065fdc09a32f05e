"""Numbers that prose quotes: computed by a page's code, written where its text names them."""

from __future__ import annotations

import re
from collections.abc import Mapping

MIME = "application/vnd.featviz.values+json"


class Values(dict[str, str]):
    """Name the numbers that a page's text quotes.

    Let this be the last expression of a cell; the page's Markdown cells may then say `{{ name }}`.
    What the reader shall see is decided here, by formatting: `Values(share=f"{share:.0%}")`.

    Args:
        **values: One text per name; whole numbers are taken as they are.

    Raises:
        ValueError: If a value is neither a text nor a whole number.
    """

    def __init__(self, **values: str | int) -> None:
        for name, value in values.items():
            if isinstance(value, bool) or not isinstance(value, (str, int)):
                raise ValueError(
                    f"Value {name!r} is {value!r}; give the text that readers shall see, "
                    f'for example f"{{{name}:.2f}}".'
                )
        super().__init__({name: str(value) for name, value in values.items()})

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {MIME: dict(self), "text/plain": repr(self)}


_PLACE = re.compile(r"\{\{( ?)([A-Za-z_]\w*)( ?)\}\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Write the values into a text.

    `{{ name }}` with its spaces must be known; `{{name}}` without them may also be two braces of
    a TeX formula, and stays as it is unless the name is known.

    Args:
        text: Markdown.
        values: What each name stands for.

    Returns:
        The text with every known name replaced.

    Raises:
        ValueError: If a name is unknown.
    """

    def one(match: re.Match[str]) -> str:
        name = match[2]
        if name in values:
            return values[name]
        if not (match[1] and match[3]):
            return match[0]
        names = ", ".join(sorted(values)) or "none"
        raise ValueError(
            f"the text says {{{{ {name} }}}}, but no cell of the page gives a value {name!r}; "
            f"known: {names}. Values come from a cell that ends in Values(...)."
        )

    return _PLACE.sub(one, text)
