"""What a page was computed with, as told by the Python that computed it."""

from __future__ import annotations

import inspect
import platform
import sys
from importlib import metadata
from pathlib import Path

# What a page's numbers depend on, as readers know it; only what the page has imported is named.
_PACKAGES = {"torch": "PyTorch", "torchvision": "torchvision", "numpy": "NumPy"}
_PROCESSORS = Path("/proc/cpuinfo")


def describe() -> dict[str, str]:
    """Describe this process: versions, machine, and how the network is computed.

    Returns:
        Texts by name: "versions", "machine", and after featviz has computed also "passes", the
        number format of the network's pass, and "seed", where randomness starts.
    """
    versions = [f"Python {platform.python_version()}"]
    versions += [
        f"{name} {metadata.version(package)}"
        for package, name in _PACKAGES.items()
        if package in sys.modules
    ]
    facts = {"versions": ", ".join(versions), "machine": _machine()}
    if "featviz.ascent.climb" in sys.modules:
        # Imported here because the site is built without torch, and few kernels have it.
        from featviz.ascent import climb
        from featviz.ascent.device import find_device, find_precision

        device = find_device("auto")
        precision = find_precision("auto", device)
        facts["passes"] = f"{str(precision).removeprefix('torch.')} on the {_DEVICES[device.type]}"
        facts["seed"] = str(inspect.signature(climb.maximize).parameters["seed"].default)
    return facts


_DEVICES = {"cpu": "processor", "cuda": "graphics card", "mps": "graphics card"}


def _machine() -> str:
    system = f"{platform.system()} {platform.machine()}"
    try:
        lines = _PROCESSORS.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    if not names:
        return system
    return f"{system}, {names[0]}, {len(names)} {'core' if len(names) == 1 else 'cores'}"
