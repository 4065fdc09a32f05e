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
    alike = len(labels) == len(CLASSES) and all(
        labels[end].startswith(CLASSES[end]) for end in (0, -1)
    )
    return CLASSES if alike else tuple(labels)
