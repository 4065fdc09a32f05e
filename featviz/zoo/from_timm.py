"""timm's networks, with the weights that it publishes or a file of one's own."""

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor

from featviz.network.network import Network
from featviz.zoo import files
from featviz.zoo.hub import CONFIG, folder_weights, hub_weights
from featviz.zoo.imagenet import CLASSES
from featviz.zoo.layers import named_layers
from featviz.zoo.sources import Request, extra
from featviz.zoo.weights import WeightsError

EXTRA = "timm"
"""What brings timm: `pip install 'featviz[timm]'`."""

BESIDE = ("mean", "std", "num_classes", "label_names", "classifier")
"""What `config.json` beside the weights says that counts more than what timm knows of a network."""

SAID = 200
"""Letters of timm's own message about weights that don't fit."""


def names() -> tuple[str, ...]:
    """Returns the names of timm's networks that have weights."""
    return tuple(extra("timm", EXTRA).list_models(pretrained=True))


def load(request: Request) -> Network:
    """Loads one of timm's networks.

    Args:
        request: Its name is timm's, with or without a tag: `"xception71"`, `"resnet50.a1_in1k"`.

    Raises:
        ValueError: There is no such network in timm.
        WeightsError: Its weights aren't there, or aren't its own.
        ModuleNotFoundError: Its extra isn't installed.
    """
    timm = extra("timm", EXTRA)
    _check_name(timm, request.name)
    path = _weights(timm, request)
    module = _create(timm, request, path)
    about = module.pretrained_cfg
    return Network(
        module.eval(),
        about["mean"],
        about["std"],
        named_layers(module),
        name=request.name,
        classes=_classes(timm, module),
    )


def known_name(architecture: str, tag: str | None) -> str:
    """Returns timm's name of a network, with its tag if timm has one of that name."""
    return (
        f"{architecture}.{tag}"
        if tag in _tags(extra("timm", EXTRA), architecture)
        else architecture
    )


def _tags(timm: ModuleType, architecture: str) -> list[str]:
    """What timm calls the weights of a network that it publishes."""
    names = timm.list_models(f"{architecture}.*", pretrained=True)
    return [name.partition(".")[2] for name in names]


def _check_name(timm: ModuleType, name: str) -> None:
    plain, _, tag = name.partition(".")
    if not timm.is_model(plain):
        near = difflib.get_close_matches(plain, timm.list_models(), n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else "."
        raise ValueError(
            f"timm has no network {plain!r}{hint} featviz.networks('timm') lists those that have "
            f"weights."
        )
    tags = _tags(timm, plain)
    if tag and tag not in tags:
        raise ValueError(
            f"timm's {plain} has no weights {tag!r}; there are {', '.join(tags) or 'none'}."
        )


def _weights(timm: ModuleType, request: Request) -> Path:
    if request.file:
        return request.file
    if request.folder and (request.folder / CONFIG).is_file():
        return folder_weights(request.folder)
    about = timm.get_pretrained_cfg(request.name)
    if request.weights and not request.folder:
        raise WeightsError(f"there is no file or folder {str(request.weights)!r} of weights.")
    if about is not None and about.hf_hub_id:
        if request.folder:
            return folder_weights(request.folder)
        return hub_weights(about.hf_hub_id, EXTRA, download=request.download)
    if about is not None and about.url:
        return files.published(about.url, download=request.download, folder=request.folder)
    raise WeightsError(
        f"timm publishes no weights of {request.name}; name a file of your own (weights=, "
        f"--weights), or wrap timm.create_model({request.name!r}) in featviz.Network."
    )


def _create(timm: ModuleType, request: Request, path: Path) -> Any:
    """The network with its weights; timm brings old ones into their present form."""
    state = files.read(path)
    config = timm.get_pretrained_cfg(request.name)
    about = {**(config.to_dict() if config else {}), **_beside(path)}
    classes = _outputs(state, about) or about.get("num_classes")
    overlay = {**about, "custom_load": False, "num_classes": classes, "state_dict": state}
    name = request.name.partition(".")[0]
    try:
        module = timm.create_model(
            name, pretrained=True, pretrained_cfg_overlay=overlay, num_classes=classes
        )
    except (RuntimeError, KeyError) as error:
        reason = " ".join(str(error).split())[:SAID]
        raise WeightsError(
            f"the weights in {path} don't fit timm's {name}, which says: {reason}"
        ) from error
    module.pretrained_cfg.pop("state_dict")
    return module


def _beside(path: Path) -> Mapping[str, Any]:
    """What the file beside a file of weights says about them, as timm writes it."""
    config = path.parent / CONFIG
    if not config.is_file():
        return {}
    facts = json.loads(config.read_text("utf-8"))
    about = {**facts, **facts.get("pretrained_cfg", {})}
    return {key: about[key] for key in BESIDE if about.get(key) is not None}


def _outputs(state: Mapping[str, Tensor], about: Mapping[str, Any]) -> int | None:
    """How many classes there are weights for, where that can be read off them."""
    classifier = about.get("classifier")
    last = state.get(f"{classifier}.weight") if isinstance(classifier, str) else None
    return None if last is None else len(last) - (about.get("label_offset") or 0)


def _classes(timm: ModuleType, module: Any) -> tuple[str, ...]:
    names, count = module.pretrained_cfg.get("label_names"), module.num_classes
    if names and len(names) == count:
        return tuple(names)
    if count == len(CLASSES):
        return CLASSES
    subset = timm.data.infer_imagenet_subset(module)  # by the number of classes
    if not subset:
        return ()
    about = timm.data.ImageNetInfo(subset)
    return tuple(about.index_to_description(index) for index in range(count))
