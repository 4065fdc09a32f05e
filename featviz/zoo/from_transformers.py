"""Image classifiers of Hugging Face's transformers, from the hub or a folder like one of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from safetensors import SafetensorError
from torch import Tensor, nn

from featviz.network.network import Network
from featviz.zoo import from_timm
from featviz.zoo.hub import CONFIG, folder_weights, hub_file, hub_weights
from featviz.zoo.imagenet import short_names
from featviz.zoo.layers import named_layers
from featviz.zoo.sources import Request, extra
from featviz.zoo.weights import WeightsError

EXTRA = "huggingface"
"""What brings transformers: `pip install 'featviz[huggingface]'`."""

IMAGES = "preprocessor_config.json"
"""Where it says what images the network takes."""

BYTE = 1 / 255
"""What the bytes of an image are multiplied by, to lie in [0, 1]."""


def load(request: Request) -> Network:
    """Loads an image classifier of transformers, or one of timm's that lies on the hub.

    Args:
        request: Its name is a repository's, `"microsoft/resnet-50"`, or a folder's.

    Raises:
        ValueError: The network takes images in a way of its own.
        WeightsError: Its weights aren't there, or aren't its own.
        ModuleNotFoundError: Its extra isn't installed.
    """
    folder = local = Path(request.name).expanduser()
    if request.weights and (folder / CONFIG).is_file():
        raise WeightsError(
            f"the weights are in {folder} or in {request.weights}: name one of them."
        )
    if request.weights and not request.folder:
        raise WeightsError(f"there is no folder {str(request.weights)!r} of {CONFIG} and weights.")
    if not (folder / CONFIG).is_file():
        folder = request.folder or _from_hub(request)
    about = json.loads((folder / CONFIG).read_text("utf-8"))
    if _is_timms(about):
        tag = about.get("pretrained_cfg", {}).get("tag")
        return from_timm.load(Request(from_timm.known_name(about["architecture"], tag), folder))
    mean, std = _normalization(folder)
    model = _classifier(folder)
    labels = model.config.id2label
    classes = short_names([labels[index] for index in sorted(labels)])
    layers = {short: f"model.{dotted}" for short, dotted in named_layers(model).items()}
    name = request.name if folder != local else local.resolve().name
    return Network(_Scores(model).eval(), mean, std, layers, name=name, classes=classes)


class _Scores(nn.Module):
    """A classifier that returns the scores of its classes and nothing else."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.config = model.config  # says the size of its images, for one

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.model(pixel_values=images).logits
        return scores


def _is_timms(about: Mapping[str, Any]) -> bool:
    """Whether a folder's description is one that timm writes, not transformers."""
    return "model_type" not in about and "architecture" in about


def _from_hub(request: Request) -> Path:
    """The folder of the hub's cache in which a repository's files lie."""
    config = hub_file(request.name, CONFIG, EXTRA, download=request.download)
    if config is not None and not _is_timms(json.loads(config.read_text("utf-8"))):
        extra("transformers", EXTRA)  # before a long download that is of no use without it
    weights = hub_weights(request.name, EXTRA, download=request.download)
    hub_file(request.name, IMAGES, EXTRA, download=request.download)
    if not (weights.parent / CONFIG).is_file():
        raise WeightsError(
            f"the {CONFIG} of {request.name} is not on this computer; ask for a download "
            f"(download=True, --download), or put it into the folder {weights.parent}."
        )
    return weights.parent


def _classifier(folder: Path) -> Any:
    extra("transformers", EXTRA)
    from transformers import AutoModelForImageClassification

    path = folder_weights(folder)
    try:
        model, report = AutoModelForImageClassification.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,  # else it asks whether to run a repository's own code
            use_safetensors=path.suffix == ".safetensors",
            output_loading_info=True,
        )
    except (
        OSError, ValueError, RuntimeError, KeyError, SafetensorError, UnpicklingError
    ) as error:  # fmt: skip
        reason = str(error).split("\n")[0]
        raise WeightsError(f"{folder} holds no image classifier: {reason}") from error
    names = sorted(report["missing_keys"])
    if names:
        raise WeightsError(f"{path} has no weights for {names[0]} ({len(names)} are missing).")
    return model


def _normalization(folder: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The mean and the standard deviation that the images of a network have."""
    path = folder / IMAGES
    if not path.is_file():
        raise WeightsError(
            f"{folder} has no {IMAGES}, so it isn't known what images the network takes; put it "
            f"there, or wrap the model in featviz.Network(model, mean, std)."
        )
    facts = json.loads(path.read_text("utf-8"))
    factor = facts.get("rescale_factor")
    if facts.get("do_flip_channel_order") or abs((factor or BYTE) - BYTE) > 1e-6:
        raise ValueError(
            f"{path} asks for images in another order of colors or another range than red, green "
            f"and blue in [0, 1]; wrap the model in a featviz.Network of your own."
        )
    if not facts.get("do_normalize", True):
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    mean, std = facts.get("image_mean"), facts.get("image_std")
    if mean is None or std is None:
        raise WeightsError(f"{path} says no image_mean or no image_std.")
    # The processor of EfficientNet divides by the deviation once more, for the classifier on top.
    twice = facts.get("include_top", "EfficientNet" in facts.get("image_processor_type", ""))
    return tuple(mean), tuple(value**2 if twice else value for value in std)
