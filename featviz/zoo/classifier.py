"""AlexNet's classifier: too large to bundle, fetched on request and cached where torch caches."""

import hashlib
import re
import urllib.error
from pathlib import Path
from urllib.parse import urlparse

import torch
from torch import Tensor
from torchvision.models import AlexNet_Weights

from featviz.zoo.weights import WeightsError

URL: str = AlexNet_Weights.IMAGENET1K_V1.url
"""Where torchvision publishes the whole of AlexNet, 233 MB; the name ends in the file's hash."""

_HASH = re.compile(r"-([0-9a-f]{8,})\.")


def cached(url: str | None = None) -> Path:
    """Returns where torch caches a weights file, AlexNet's without it, or would."""
    url = url or URL
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name


def load_classifier(url: str | None = None) -> dict[str, Tensor]:
    """Reads a published state dict from torch's cache, or downloads it there with a progress bar.

    Args:
        url: Address of the file, whose name holds the first digits of its sha256; without it
            AlexNet's.

    Returns:
        The state dict.

    Raises:
        WeightsError: The file isn't there and can't be downloaded, or isn't the published one.
    """
    url = url or URL
    path = cached(url)
    put = f"put the file {path.name} ({url}) into the folder {path.parent}"
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), _prefix(path), progress=True)
        except (OSError, urllib.error.URLError) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            raise WeightsError(
                f"the classifier's weights can't be downloaded ({reason}); {put}."
            ) from error
        except RuntimeError as error:  # torch.hub's word for another hash
            raise WeightsError(
                f"the download of {path.name} is not the published file; {put}."
            ) from error
    if not _digest(path).startswith(_prefix(path)):
        raise WeightsError(
            f"the file {path} is damaged or not the published one; delete it, or {put}."
        )
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _prefix(path: Path) -> str:
    found = _HASH.search(path.name)
    return found[1] if found else ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
