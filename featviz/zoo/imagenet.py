"""The thousand ImageNet classes by name, in torchvision's order."""

from torchvision.models import SqueezeNet1_1_Weights

CLASSES: tuple[str, ...] = tuple(SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"])
"""Names of the classes, in the order of a classifier's outputs."""
