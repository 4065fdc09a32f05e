"""Files of weights: from torch's cache, from where the caller says, or by a download asked for.

What is read is tensors: safetensors, or torch's own format without the rest of pickle.
"""

import hashlib
import re
import urllib.error
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlparse

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from featviz.zoo.weights import DownloadError, WeightsError

SAFE = ".safetensors"
"""What the name of a file of tensors alone ends in."""

WRAPPINGS = ("state_dict", "model")
"""Keys under which training scripts keep the weights beside other things."""

PARALLEL = "module."
"""What `nn.DataParallel` puts before the name of every weight."""

_HASH = re.compile(r"-([0-9a-f]{8,})\.")


def cached(url: str) -> Path:
    """Returns where torch caches a published file, or would."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name


def expected(url: str) -> str:
    """Returns the first digits of a published file's sha256, which its name ends in; "" if not."""
    digits = _HASH.search(cached(url).name)
    return digits[1] if digits else ""


def published(url: str, *, download: bool = False, folder: Path | None = None) -> Path:
    """Finds a published file of weights, and checks that it is the published one.

    Args:
        url: Its address.
        download: Whether it may be downloaded, with a progress bar, where it isn't there.
        folder: Where it lies; torch's cache without it.

    Returns:
        Its path.

    Raises:
        WeightsError: It isn't there and no download is asked for, or it is another file.
        DownloadError: The download failed.
    """
    path = folder / cached(url).name if folder else cached(url)
    advice = f"put the file {path.name} ({url}) into the folder {path.parent}"
    if not path.exists():
        if not download:
            raise WeightsError(
                f"the weights {path.name} are not on this computer; ask for a download "
                f"(download=True, --download), or {advice}."
            )
        _download(url, path, advice)
    if not sha256(path).startswith(expected(url)):
        raise WeightsError(
            f"the file {path} is damaged or not the published one; delete it, or {advice}."
        )
    return path


def read(path: Path) -> dict[str, Tensor]:
    """Reads the weights of a file, never more than tensors.

    Args:
        path: A `.safetensors` file, or one that `torch.save` wrote of a state dict.

    Returns:
        Names -> tensors, on the CPU.

    Raises:
        WeightsError: The file can't be read, or holds something else.
    """
    try:
        if path.suffix == SAFE:
            return safetensors.torch.load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"there is no file {path} of weights.") from None
    except (OSError, MemoryError):
        raise
    except Exception as error:  # of bytes that are no weights torch's reader raises anything
        raise WeightsError(
            f"{path} can't be read as weights alone: write them with safetensors, or with "
            f"torch.save(module.state_dict(), path)."
        ) from error
    inner = state
    while isinstance(inner, dict):
        state = inner
        inner = next((state[key] for key in WRAPPINGS if isinstance(state.get(key), dict)), None)
    if not isinstance(state, dict) or not state:
        raise WeightsError(f"{path} holds no weights by name, but {type(state).__name__}.")
    if not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path} holds other things than tensors among its weights.")
    if all(key.startswith(PARALLEL) for key in state):
        return {key.removeprefix(PARALLEL): value for key, value in state.items()}
    return state


BATCH_COUNT = ".num_batches_tracked"
"""What the names of batch norm's counts end in."""


def fill(module: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Gives a module the weights of a file.

    Args:
        module: The module; its weights may be on the meta device.
        state: Names -> tensors.
        path: The file, for messages.

    Raises:
        WeightsError: They belong to another module.
    """
    own = module.state_dict()
    entries = OrderedDict(state)
    # Modules read older files by their version, which safetensors doesn't keep.
    about = getattr(state, "_metadata", None) or getattr(own, "_metadata", None)
    setattr(entries, "_metadata", about)  # noqa: B010 - PyTorch keeps it there
    # Files older than this count, or renamed, lack it; it matters to training alone.
    for key in own:
        if key.endswith(BATCH_COUNT):
            entries.setdefault(key, torch.tensor(0))
    try:
        module.load_state_dict(entries, assign=True)
    except RuntimeError as error:
        raise WeightsError(
            f"the weights in {path} don't fit {type(module).__name__}: {_misfit(own, entries)}."
        ) from error


def _misfit(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    """The first difference between two state dicts, and how many there are."""
    misfits = [
        *(
            f"{key} is {tuple(state[key].shape)} and should be {tuple(own[key].shape)}"
            for key in own
            if key in state and state[key].shape != own[key].shape
        ),
        *(f"{key} is missing" for key in own if key not in state),
        *(f"{key} is too many" for key in state if key not in own),
    ]
    more = f" ({len(misfits) - 1} more don't match)" if len(misfits) > 1 else ""
    return f"{misfits[0]}{more}"


def sha256(path: Path) -> str:
    """Returns the hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(url: str, path: Path, advice: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written beside under another name, and moved when its hash is right.
        torch.hub.download_url_to_file(url, str(path), expected(url), progress=True)
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise DownloadError(f"{path.name} can't be downloaded ({reason}); {advice}.") from error
    except RuntimeError as error:  # torch.hub's word for another hash
        raise DownloadError(
            f"the download of {path.name} is not the published file; {advice}."
        ) from error
