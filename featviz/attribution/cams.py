"""Class activation maps by torchcam, on a network's private view."""

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torchcam import methods

from featviz.attribution.probe import Probe
from featviz.objectives.algebra import IMAGE

CAMS: Mapping[str, type] = MappingProxyType(
    {
        "gradcam": methods.GradCAM,
        "gradcam++": methods.GradCAMpp,
        "smoothgradcam++": methods.SmoothGradCAMpp,
        "xgradcam": methods.XGradCAM,
        "layercam": methods.LayerCAM,
        "scorecam": methods.ScoreCAM,
        "sscam": methods.SSCAM,
        "iscam": methods.ISCAM,
    }
)
"""torchcam's methods that explain any scalar in any convolutional layer.

The others don't: CAM needs a classifier of one linear layer, LeGrad a vision transformer; RefineCAM
and FinerCAM combine maps of several layers or classes, which an objective's algebra does here.
"""


def cam(probe: Probe, method: str, seed: int) -> Tensor:
    """Computes one of torchcam's maps, as it comes: not normalized, rectified where torchcam does.

    Args:
        probe: The photo, the objective and the layer.
        method: One of `CAMS`.
        seed: Where the noise of Smooth Grad-CAM++ and SS-CAM comes from.

    Returns:
        (h, w) map.

    Raises:
        ValueError: The layer is the image itself.
    """
    if probe.module is None:
        raise ValueError(
            f"{method} weighs the units of a layer, and {IMAGE!r} has none; for a map in pixels "
            "use gradient, integrated or occlusion."
        )
    with (
        torch.random.fork_rng(devices=[]),
        torch.enable_grad(),
        CAMS[method](probe, "module") as extractor,
    ):
        torch.default_generator.manual_seed(int(seed))  # graphics cards' streams stay as they are
        # After torchcam's own hooks, which keep what the layer says: a copy goes on, so that
        # in-place operations spare it.
        guard = probe.module.register_forward_hook(lambda _m, _i, value: value.clone())
        try:
            scores = probe(probe.inputs)
            maps: list[Tensor] = extractor(
                scores=scores, normalized=False, targets=lambda scores: scores[0]
            )
        finally:
            guard.remove()
    return maps[0][0].detach()
