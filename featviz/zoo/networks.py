"""Networks that load by name: bundled, torchvision's, timm's, Hugging Face's, and from files."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from featviz.network.network import Network
from featviz.zoo import from_timm, from_torchvision, from_transformers
from featviz.zoo.bundled import BUNDLED
from featviz.zoo.hub import CONFIG
from featviz.zoo.sources import Request

OTHERS = (
    "torchvision's classifiers go by their names (featviz.networks('torchvision')), timm's as "
    "timm:NAME (featviz.networks('timm')), Hugging Face's as hf:OWNER/NAME or a folder, and a file "
    "of weights with its architecture=NAME"
)
"""How networks are named that aren't bundled."""

WEIGHTS = (".safetensors", ".pth", ".pt", ".bin")
"""What the names of files of weights end in."""


def load(
    name: str | Path,
    *,
    architecture: str | None = None,
    weights: str | Path | None = None,
    classifier: bool = False,
    download: bool = False,
) -> Network:
    """Loads a network by its name; nothing is downloaded that isn't asked for.

    The bundled networks work without a connection: `"alexnet"`, the convolutional trunk of
    torchvision's AlexNet, and `"squeezenet"`, SqueezeNet 1.1 with its classifier. Every classifier
    of torchvision has its own name, `"vgg16"` or `"resnet50"`; one of timm's is
    `"timm:legacy_xception"` (with the extra `[timm]`), one of Hugging Face's
    `"hf:microsoft/resnet-50"` (with the extra `[huggingface]`), or a folder of its files. They come
    with their published weights, normalization and names of classes. Layers have the names of
    the paper or are the network's blocks, shallow to deep: `"conv4_3"` of VGG, `"mixed4c"` of
    GoogLeNet, `"layer3.5"` of a ResNet; the name of any module works beside them.

    Args:
        name: The network's name; or a file of weights, whose `architecture` is said.
        architecture: The name of the network that a file of weights belongs to, `"resnet18"` say.
        weights: Where its weights come from: a file of tensors, the folder where it lies, or
            which of those that torchvision publishes (`"IMAGENET1K_V1"`). Without it they are the
            default ones, from the cache of torch or of the hub. Weights of one's own may have
            another number of classes.
        classifier: Whether all of AlexNet is wanted, which is not bundled.
        download: Whether weights that aren't in the cache may be downloaded there.

    Returns:
        The network, in evaluation mode, on the CPU.

    Raises:
        ValueError: No network has that name, or its weights can't be had, or they are damaged or
            another network's. A download that fails is an `OSError` too.
        ModuleNotFoundError: It takes an extra that isn't installed.
    """
    text = str(name)
    if architecture is not None:
        if weights is not None:
            raise ValueError(f"the weights are in {text} or in {weights}: name one of them.")
        text, weights = architecture, Path(name)
        if not weights.expanduser().exists():
            raise ValueError(f"there is no file {name} of weights.")
    if text in BUNDLED:
        if weights is None and not (classifier and text == "alexnet"):
            return BUNDLED[text].load()
        text = BUNDLED[text].architecture
    load_from, source_name = _source(text)
    return load_from(Request(source_name, weights, download))


def networks(source: str = "bundled") -> tuple[str, ...]:
    """Returns the names that `load` knows, which print with a sentence on how others are named.

    Args:
        source: `"bundled"`: the networks that are part of featviz; `"torchvision"` or `"timm"`:
            those that have published weights there.

    Raises:
        ValueError: There is no such source.
        ModuleNotFoundError: Its extra isn't installed.
    """
    listings: dict[str, Callable[[], tuple[str, ...]]] = {
        "bundled": lambda: _Names(BUNDLED),
        "torchvision": from_torchvision.names,
        "timm": lambda: tuple(f"timm:{name}" for name in from_timm.names()),
    }
    if source not in listings:
        raise ValueError(f"networks come from {', '.join(listings)}, not from {source!r}.")
    return listings[source]()


class _Names(tuple[str, ...]):
    """Names that print with a sentence on how others are named."""

    def __repr__(self) -> str:
        return f"{super().__repr__()} are bundled; {OTHERS}."


def _source(name: str) -> tuple[Callable[[Request], Network], str]:
    """Who loads a network, and what it is called there."""
    for prefix, load in _PREFIXES.items():
        if name.startswith(prefix):
            return load, name.removeprefix(prefix)
    names = from_torchvision.names()
    if name in names:
        return from_torchvision.load, name
    path = Path(name).expanduser()
    if (path / CONFIG).is_file():
        return from_transformers.load, name
    if path.is_file() or path.suffix in WEIGHTS:
        raise ValueError(
            f"{name} is a file of weights: say whose, featviz.load({name!r}, "
            f"architecture='resnet18'); or --network resnet18 --weights {name}."
        )
    near = difflib.get_close_matches(name, [*BUNDLED, *names], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"no network is called {name!r}.{hint} {' and '.join(BUNDLED)} are bundled; {OTHERS}; "
        f"wrap any other module in featviz.Network(module)."
    )


_PREFIXES: Mapping[str, Callable[[Request], Network]] = MappingProxyType(
    {"timm:": from_timm.load, "hf:": from_transformers.load}
)
"""What names begin with that aren't torchvision's, and who loads them."""
