"""What other processes get is what was sent, small, loaded once, and refused where it can't be."""

import os
import pickle
import platform
import subprocess
import sys
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import featviz as fv
from featviz.network.parcels import pack, unpack
from featviz.network.parts import parse_part, part_of_environment, share_of
from featviz.network.workers import results
from tests.networks import SmallCNN

CODE = "featviz.store"


@dataclass(frozen=True)
class Hold:
    """A function that holds something."""

    thing: object

    def __call__(self, task):
        return task


def count_threads(task):
    return torch.get_num_threads()


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
        self.other = nn.Conv2d(3, 4, 3)
        self.other.weight = self.one.weight
        self.one.bias.requires_grad_(False)
        self.register_buffer("seen", torch.tensor(3), persistent=False)


def sent(thing, folder, **options):
    return pack(Hold(thing), folder, CODE, **{"same_script": True, **options})


def test_a_network_arrives_as_it_was(tmp_path, alexnet):
    parcel = sent(alexnet, tmp_path)
    assert len(pickle.dumps(parcel)) < 10_000
    assert Path(parcel.weights).stat().st_size > 9_000_000
    there = unpack(parcel).thing
    assert there.fingerprint == alexnet.fingerprint
    image = torch.rand(1, 3, 80, 80, generator=torch.Generator().manual_seed(0))
    assert fv.activations(there, image, "conv5").equal(fv.activations(alexnet, image, "conv5"))


def test_shared_tensors_layouts_and_flags_arrive(tmp_path):
    there = unpack(sent(Tied(), tmp_path)).thing
    assert there.one.weight is there.other.weight
    assert isinstance(there.one.weight, nn.Parameter)
    assert there.one.weight.stride() == Tied().one.weight.stride()
    assert [there.one.weight.requires_grad, there.one.bias.requires_grad] == [True, False]
    assert there.seen.item() == 3


def test_tensors_that_share_memory_arrive(tmp_path):
    module = SmallCNN()
    weight = module.features[0].weight.detach()
    module.register_buffer("first", weight[:2])
    there = unpack(sent(module, tmp_path)).thing
    assert there.first.equal(there.features[0].weight[:2])
    assert there.first.equal(weight[:2])


def test_a_parcel_is_opened_once_and_its_file_written_once(tmp_path):
    parcel = sent(SmallCNN(), tmp_path)
    again = sent(SmallCNN(), tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    assert unpack(pickle.loads(pickle.dumps(parcel))) is unpack(again)


def test_weights_that_are_missing_or_damaged_are_said(tmp_path):
    parcel = sent(SmallCNN(), tmp_path)
    path = Path(parcel.weights)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=r"the weights in .* are damaged; delete that file"):
        unpack(parcel)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"share one store, .* name it by FEATVIZ_CACHE"):
        unpack(parcel)


def test_a_worker_that_computes_otherwise_is_refused(tmp_path):
    with pytest.raises(ChildProcessError, match=r"another version of featviz .*, or another kind"):
        unpack(replace(sent(SmallCNN(), tmp_path), version="0"))


def test_what_only_the_running_script_defines_is_refused_to_strangers(tmp_path, monkeypatch):
    monkeypatch.setattr(SmallCNN, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "SmallCNN", SmallCNN, raising=False)
    sent(SmallCNN(), tmp_path)
    with pytest.raises(ValueError, match=r"other processes need SmallCNN, which they can't import"):
        sent(SmallCNN(), tmp_path, same_script=False)


class Failing:
    """An executor whose second task ends by an error."""

    def __init__(self, error):
        self.error, self.futures = error, []

    def submit(self, do, task):
        future = Future()
        if not self.futures:
            future.set_result("done")
        elif len(self.futures) == 1:
            future.set_exception(self.error)
        self.futures.append(future)
        return future


def stumble():
    """What Dask's adaptor raises of a task that was lost with its scheduler."""
    try:
        exec("kind, error, trace = None", {"__name__": "distributed.cfexecutor"})
    except TypeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (BrokenProcessPool("gone"), r"ended from outside, .* What is done is kept\."),
        (CancelledError(), r"its scheduler went away, .* What is done is kept\."),
        (stumble(), r"its scheduler went away, .* What is done is kept\."),
        (ModuleNotFoundError("no", name="timm"), r"a worker can't import timm: install there"),
    ],
)
def test_what_befalls_an_executor_is_one_sentence_and_ends_the_rest(tmp_path, error, message):
    executor = Failing(error)
    with pytest.raises(ChildProcessError, match=message):
        list(results(executor, sent(None, tmp_path), range(3), kept=True))
    assert executor.futures[2].cancelled()


def test_an_executor_that_takes_no_more_ends_what_it_has(tmp_path):
    class Full(Failing):
        def submit(self, do, task):
            if len(self.futures) == 1:
                raise self.error
            self.futures.append(Future())
            return self.futures[-1]

    executor = Full(BrokenProcessPool("gone"))
    with pytest.raises(ChildProcessError, match="a worker was ended from outside"):
        list(results(executor, sent(None, tmp_path), range(3), kept=False))
    assert executor.futures[0].cancelled()


def test_nothing_is_said_to_be_kept_that_is_not(tmp_path):
    with pytest.raises(ChildProcessError, match=r"take less memory\.$"):
        list(results(Failing(BrokenProcessPool("")), sent(None, tmp_path), range(3), kept=False))


@pytest.mark.parametrize("kind", [KeyError, TypeError])
def test_the_works_own_error_comes_as_it_is(tmp_path, kind):
    with pytest.raises(kind, match="conv9"):
        list(results(Failing(kind("conv9")), sent(None, tmp_path), range(3), kept=False))


@pytest.mark.parametrize("options", [{}, {"threads": 3}])
def test_a_task_computes_by_one_thread_or_as_many_as_are_said(tmp_path, options):
    before = torch.get_num_threads()
    with ThreadPoolExecutor(1) as pool:
        parcel = pack(count_threads, tmp_path, CODE, same_script=False, **options)
        ((_, threads),) = results(pool, parcel, [0], kept=False)
    assert threads == options.get("threads", 1)
    with ThreadPoolExecutor(1) as pool:  # a thread that starts later has as many as ever
        assert pool.submit(torch.get_num_threads).result() == before


TAKES_AND_FREES = """
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import torch
from featviz.network.parcels import pack
from featviz.network.workers import results

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def do(task):
    for _ in range(50):
        torch.ones(2**20)
    before = faults()
    for _ in range(50):
        torch.ones(2**20)
    return faults() - before

parcel = pack(do, Path(sys.argv[1]), "featviz.store", same_script=True)
with ThreadPoolExecutor(1) as pool:
    print(*(faulted for _, faulted in results(pool, parcel, [0], kept=False)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_memory_is_kept_between_steps_where_dask_would_not_have_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(TAKES_AND_FREES)
    environment = os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [sys.executable, str(script), str(tmp_path)]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(answer.stdout) < 1000  # of 50 times 1,024 pages


HOARDS = """
import os, threading
import torch
from featviz.network.memory import give_back_freed

def held():  # MB
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 10**6

def work():  # what is freed lies below what is kept
    freed = [torch.ones(2**14) for _ in range(1000)]
    kept.append(torch.ones(2**14))

kept = []
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
    thread.join()
before = held()
give_back_freed()
print(before - held())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_goes_back_where_it_is_not_wanted_any_more():
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": str(2**25)}
    command = [sys.executable, "-c", HOARDS]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(answer.stdout) > 50  # of 65 that a thread takes


# ---- parts --------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 1000), max_size=60), st.integers(1, 12))
def test_parts_share_a_work_without_overlap_and_evenly(work, count):
    parts = [share_of((number, count), work) for number in range(1, count + 1)]
    assert [at for part in parts for at in part] == list(range(len(work)))
    for part in parts:
        own = sum(work[at] for at in part)
        assert own <= sum(work) / count + max(work, default=0)


@pytest.mark.parametrize(
    ("variables", "part"),
    [
        ({}, None),
        ({"SLURM_ARRAY_TASK_ID": "2"}, None),
        ({"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "16"}, (3, 16)),
        (
            {
                "SLURM_ARRAY_TASK_ID": "7",
                "SLURM_ARRAY_TASK_COUNT": "4",
                "SLURM_ARRAY_TASK_MIN": "1",
                "SLURM_ARRAY_TASK_STEP": "3",
            },
            (3, 4),
        ),
        ({"RANK": "0", "WORLD_SIZE": "2"}, (1, 2)),
    ],
)
def test_a_schedulers_variables_name_the_part(variables, part):
    answer = part_of_environment(variables)
    assert (answer and answer[0]) == part


def test_variables_that_name_no_part_are_refused():
    with pytest.raises(ValueError, match=r"RANK=2 of WORLD_SIZE=2 names no part of the work"):
        part_of_environment({"RANK": "2", "WORLD_SIZE": "2"})


@pytest.mark.parametrize("text", ["3", "0/4", "5/4", "-1/4", "a/b", "3/16/2"])
def test_a_text_that_is_no_part_is_refused(text):
    with pytest.raises(ValueError, match="such as 3/16, not"):
        parse_part(text)
    assert parse_part(" 3 / 16 ") == (3, 16)
