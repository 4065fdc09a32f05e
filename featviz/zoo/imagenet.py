"""The thousand ImageNet classes by name, in torchvision's order."""

import difflib

from torchvision.models import SqueezeNet1_1_Weights

CLASSES: tuple[str, ...] = tuple(SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"])
"""Names of the classes, in the order of a classifier's outputs."""


def class_index(name_or_index: str | int) -> int:
    """Gives the index of an ImageNet class, by its name or by itself.

    Args:
        name_or_index: A name as in `CLASSES`, in any letter case (which matters for cardigan
            alone), or an index in 0..999.

    Returns:
        The index in 0..999.

    Raises:
        ValueError: If there is no such class.
    """
    if not isinstance(name_or_index, str):
        if 0 <= name_or_index < len(CLASSES):
            return int(name_or_index)
        raise ValueError(
            f"There is no ImageNet class {name_or_index}; indices run from 0 to {len(CLASSES) - 1}."
        )
    if name_or_index in CLASSES:  # first as written: "cardigan" is a garment, "Cardigan" a dog
        return CLASSES.index(name_or_index)
    folded = {name.casefold(): index for index, name in enumerate(CLASSES)}
    wanted = name_or_index.casefold()
    if wanted in folded:
        return folded[wanted]
    near = [name for name in CLASSES if wanted in name.casefold().split()]
    near += [CLASSES[folded[name]] for name in difflib.get_close_matches(wanted, folded)]
    offer = f" The nearest are {', '.join(list(dict.fromkeys(near))[:5])}." if near else ""
    raise ValueError(
        f"There is no ImageNet class {name_or_index!r}.{offer} "
        "List them with featviz.zoo.imagenet.CLASSES."
    )
