"""Files of Hugging Face's hub: from its cache, or by a download asked for."""

import re
from pathlib import Path

from featviz.zoo import files
from featviz.zoo.sources import extra
from featviz.zoo.weights import DownloadError, WeightsError

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Names that files of weights have on the hub and in a folder of it, the safer first."""

CONFIG = "config.json"
"""Where a repository, or a folder like one, says what its network is."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


def hub_file(repository: str, name: str, needs: str, *, download: bool = False) -> Path | None:
    """Finds a file of a repository, and checks that it is the one that was downloaded.

    Args:
        repository: `"owner/name"`.
        name: The file's name.
        needs: The extra that brings the hub's library.
        download: Whether it may be downloaded, with a progress bar, where it isn't there.

    Returns:
        Its path in the hub's cache; None if it isn't there, or on the hub.

    Raises:
        WeightsError: It is damaged, or the repository's name is none.
        DownloadError: The download failed.
    """
    hub = extra("huggingface_hub", needs)
    try:
        path = _cache_path(repository, name, needs)
        if path is None and download:
            path = Path(hub.hf_hub_download(repository, name))
    except hub.errors.HFValidationError as error:
        raise WeightsError(f"{repository!r} is no name on the hub, OWNER/NAME.") from error
    except hub.errors.RemoteEntryNotFoundError:
        return None
    except OSError as error:
        reason = str(error.__cause__ or error).splitlines()[0].rstrip(".")
        raise DownloadError(
            f"{name} of {repository} can't be downloaded ({reason}); {_otherwise(repository)}."
        ) from error
    if path is not None and path.is_symlink():
        digest = path.readlink().name  # the cache names large files by their hash
        if _SHA256.fullmatch(digest) and files.sha256(path) != digest:
            raise WeightsError(f"the file {path.resolve()} is damaged; delete it.")
    return path


def hub_weights(repository: str, needs: str, *, download: bool = False) -> Path:
    """Finds a repository's file of weights.

    Args:
        repository: `"owner/name"`.
        needs: The extra that brings the hub's library.
        download: Whether it may be downloaded, with a progress bar, where it isn't there.

    Raises:
        WeightsError: It isn't there and no download is asked for, or it is damaged.
        DownloadError: The download failed, or the repository has no weights for PyTorch.
    """
    for asked in (False, True) if download else (False,):
        for name in WEIGHTS:
            path = hub_file(repository, name, needs, download=asked)
            if path is not None:
                return path
    if not download:
        raise WeightsError(
            f"the weights of {repository} are not on this computer; ask for a download "
            f"(download=True, --download), or {_otherwise(repository)}."
        )
    raise DownloadError(f"{repository} has no {' and no '.join(WEIGHTS)} on the hub.")


def folder_weights(folder: Path) -> Path:
    """Finds the file of weights in a folder like a repository of the hub.

    Raises:
        WeightsError: There is none.
    """
    for name in WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    raise WeightsError(f"the folder {folder} holds no {' and no '.join(WEIGHTS)}.")


def _cache_path(repository: str, name: str, needs: str) -> Path | None:
    hub = extra("huggingface_hub", needs)
    try:
        return Path(hub.hf_hub_download(repository, name, local_files_only=True))
    except hub.errors.LocalEntryNotFoundError:
        return None


def _otherwise(repository: str) -> str:
    return (
        f"put its {WEIGHTS[0]} and its files *.json (https://huggingface.co/{repository}) into a "
        f"folder and name that (weights=, --weights)"
    )
