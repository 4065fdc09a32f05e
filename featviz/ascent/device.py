"""What the machine can do: devices, and number formats that it computes natively."""

import torch

PRECISIONS = ("auto", "float32", "bfloat16")
"""Number formats of the network's pass; "auto" is bfloat16 where the machine has it natively."""


def find_device(name: str | torch.device) -> torch.device:
    """Returns the device of that name.

    Args:
        name: "cuda", "mps", "cpu", or an exact one such as "cuda:1", or torch's own; "auto" is the
            first of the three that is there.

    Raises:
        ValueError: The machine has no such device.
    """
    name = str(name)
    offered = (("cuda", torch.cuda), ("mps", torch.backends.mps), ("cpu", torch.cpu))
    present = [kind for kind, module in offered if module.is_available()]
    if name == "auto":
        name = present[0]
    kind, separator, number = name.partition(":")
    if kind not in present or (separator and not number.isdigit()):
        there = ", ".join(present)
        raise ValueError(f"this machine has no device {name!r}; it has {there}, or say 'auto'.")
    return torch.device(name)


def find_precision(name: str, device: torch.device) -> torch.dtype:
    """Returns the number format of that name.

    Args:
        name: One of `PRECISIONS`.
        device: Where the network will run.

    Raises:
        ValueError: There is no format of that name.
    """
    if name not in PRECISIONS:
        raise ValueError(f"precision is one of {', '.join(PRECISIONS)}, not {name!r}.")
    if name == "auto":
        name = "bfloat16" if _has_native_bfloat16(device) else "float32"
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def _has_native_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # Without these instructions the processor emulates the format and is slower than in float32.
    abilities = torch.cpu.get_capabilities()
    return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))
