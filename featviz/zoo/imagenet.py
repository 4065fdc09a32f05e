"""The thousand ImageNet classes by name, in torchvision's order."""

from collections.abc import Sequence

from torchvision.models import SqueezeNet1_1_Weights

CLASSES: tuple[str, ...] = tuple(SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"])
"""Names of the classes, in the order of a classifier's outputs."""


def short_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Returns the names of classes: ImageNet's thousand as all sources here call them.

    Args:
        labels: Names in the order of a classifier's outputs; "tench, Tinca tinca" say.
    """
    firsts = (labels[0], labels[-1]) if len(labels) == len(CLASSES) else ("", "")
    if all(
        label.startswith(name)
        for label, name in zip(firsts, (CLASSES[0], CLASSES[-1]), strict=True)
    ):
        return CLASSES
    return tuple(labels)
