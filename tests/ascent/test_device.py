"""What the machine can do is found, and what it can't is said."""

import pytest
import torch

from featviz.ascent.device import find_device, find_precision


def test_auto_is_the_best_there_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert find_device("auto").type == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert find_device("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert find_device("auto").type == "cuda"
    assert find_device("cuda:1") == torch.device("cuda", 1)
    assert find_device("cpu").type == "cpu"
    assert find_device(torch.device("cuda", 1)) == torch.device("cuda", 1)


@pytest.mark.parametrize("name", ["tpu", "cuda", "mps", "cuda:0", "auto:1", ""])
def test_a_device_that_is_not_there_says_which_are(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=f"no device '{name}'; it has cpu, or say 'auto'"):
        find_device(name)


@pytest.mark.parametrize(
    ("abilities", "expected"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "avx512_f": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_auto_is_bfloat16_where_the_processor_has_it(monkeypatch, abilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: abilities)
    cpu = torch.device("cpu")
    assert find_precision("auto", cpu) is expected
    assert find_precision("float32", cpu) is torch.float32
    assert find_precision("bfloat16", cpu) is torch.bfloat16


def test_mps_computes_in_float32():
    assert find_precision("auto", torch.device("mps")) is torch.float32


@pytest.mark.parametrize("name", ["float16", "half", ""])
def test_an_unknown_precision_says_which_there_are(name):
    with pytest.raises(
        ValueError, match=f"precision is one of auto, float32, bfloat16, not '{name}'"
    ):
        find_precision(name, torch.device("cpu"))
