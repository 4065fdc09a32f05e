"""Claims about clusters: the same bytes by any executor, what sharing costs, many photographs."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch
from PIL import Image

import featviz as fv
from featviz.ascent import climb, plan
from featviz.measures.reading import decoded, find_photographs, in_batches
from featviz.measures.survey import survey
from featviz.microscope.build import Microscope
from featviz.microscope.status import find_status
from featviz.microscope.views import VIEWS
from featviz.network.network import Network, private_view
from featviz.network.passes import own_mode, run_to
from featviz.store import Store
from featviz.upkeep import entries, usage

LAYERS = ("conv1", "conv2")
"""Layers that every executor builds."""

WORKERS = 2
"""Processes of every executor."""

UNITS = 26_560
"""Units of ResNet-50's convolutions."""

ENTRIES = 100_000
"""Entries of a large store."""

SIDE = 192
"""Pixels of the photographs: the least that hold whole fields of conv5, in round numbers."""

FEW = 200
"""Photographs whose memory is compared with that of many."""


@contextmanager
def _dask() -> Iterator[Executor]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client.get_executor(pure=False, retries=2)


@contextmanager
def _loky() -> Iterator[Executor]:
    from joblib.externals.loky import ProcessPoolExecutor as Loky

    with Loky(WORKERS) as pool:
        yield pool


@contextmanager
def _processes() -> Iterator[Executor]:
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        yield pool


@contextmanager
def _threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(WORKERS) as pool:
        yield pool


@contextmanager
def _executorlib() -> Iterator[Executor]:
    from executorlib import SingleNodeExecutor

    with SingleNodeExecutor(max_workers=WORKERS) as pool:
        yield pool


EXECUTORS: dict[str, tuple[str, Callable[[], object]]] = {
    "threads": ("concurrent.futures", _threads),
    "processes": ("concurrent.futures", _processes),
    "loky": ("joblib", _loky),
    "Dask": ("distributed", _dask),
    "executorlib": ("executorlib", _executorlib),
}
"""Name -> the package that it takes, and how it starts; mpi4py's is left to those with an MPI."""


def same_bytes(network: Network, units: int, steps: int | None) -> None:
    """Prints whether every executor, and parts, end with the bytes of a plain loop."""
    print(f"\nTwo layers, {units} units each, all views: bytes against a plain loop")
    expected, seconds = _built(network, units, steps)
    print(f"{'loop':<14}{len(expected)} files, {seconds:.1f} s", flush=True)
    for name, (package, start) in EXECUTORS.items():
        if find_spec(package) is None:
            print(f"{name:<14}not installed", flush=True)
            continue
        with start() as executor:  # type: ignore[attr-defined]
            _built(network, 1, 1, executor=executor)  # workers import and load
            files, seconds = _built(network, units, steps, executor=executor)
        print(f"{name:<14}{_verdict(files == expected)}, {seconds:.1f} s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for number in (3, 1, 2):
            files, _ = _built(network, units, steps, folder, part=(number, 3))
        print(f"{'three parts':<14}{_verdict(files == expected)}", flush=True)


def _verdict(same: bool) -> str:
    return "the same bytes" if same else "OTHER BYTES"


def _built(
    network: Network, units: int, steps: int | None, folder: str | None = None, **how: object
) -> tuple[dict[str, bytes], float]:
    """Entries of two layers by name, and the seconds that they took."""
    views = [replace(view, steps=steps or view.steps) for view in VIEWS]
    with tempfile.TemporaryDirectory() as own:
        scope = Microscope(network, store=Store(folder or own), views=views)
        start = time.perf_counter()
        scope.build(LAYERS, range(units), **how)  # type: ignore[arg-type]
        seconds = time.perf_counter() - start
        files = {entry.key: entry.path.read_bytes() for entry in entries(scope.store)}
    return files, seconds


def overhead(network: Network, units: int, steps: int | None) -> None:
    """Prints what Dask costs against a plain loop, and what two of its workers gain."""
    print("\nDask against the same work without it, a thread each; medians of three rounds in turn")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as its workers have
    alone: list[float] = []
    loops: list[float] = []
    pairs: list[float] = []
    processes: list[float] = []
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
        Client(cluster) as client,
        ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool,
    ):
        workers = list(client.scheduler_info()["workers"])
        two = client.get_executor(pure=False, retries=2)
        one = client.get_executor(pure=False, retries=2, workers=workers[:1])
        for executor in (two, one, pool):
            _built(network, WORKERS, 1, executor=executor)  # workers import and load
        for _ in range(3):
            loops.append(_built(network, units, steps)[1])
            alone.append(_built(network, units, steps, executor=one)[1])
            pairs.append(_built(network, units, steps, executor=two)[1])
            processes.append(_built(network, units, steps, executor=pool)[1])
    torch.set_num_threads(threads)
    loop, single, pair, both = (float(np.median(x)) for x in (loops, alone, pairs, processes))
    print(f"one worker / loop           {single / loop:.3f}  (at most 1.05)")
    print(f"two processes / two workers {both / pair:.3f}  (at least 0.9)")
    print(f"seconds: loop {loop:.1f}, one {single:.1f}, two {pair:.1f}, processes {both:.1f}")


def photographs(network: Network, count: int) -> None:
    """Prints how fast and in how much memory photographs are surveyed, against bare passes."""
    with tempfile.TemporaryDirectory() as folder:
        _make_photographs(Path(folder), count)
        # Linux hands a process's peak on to those it starts: they start before this one surveys.
        most = [_peak(folder, number) for number in (FEW, count)]
        ours, bare = [], []
        for _ in range(3 if count <= 2000 else 1):
            ours.append(_seconds(lambda: _survey(network, folder)))
            bare.append(_seconds(lambda: _bare(network, folder)))
        a, b = min(ours), min(bare)
        print(f"\n{count:,} photographs of {SIDE} px, {len(network.layers)} layers")
        print(f"survey {count / a:.0f} a second, bare passes {count / b:.0f}: {a / b:.2f}")
        print("(at most 1.3; bare passes are those of as many images that are decoded already)")
        print(f"peak memory {most[1]:.0f} MB, of {FEW} photographs {most[0]:.0f} MB", flush=True)


def _survey(network: Network, folder: str, limit: int | None = None) -> None:
    with tempfile.TemporaryDirectory() as store:
        survey(network, folder, size=SIDE, store=Store(store), progress=False)


@own_mode()
@torch.no_grad()
def _bare(network: Network, folder: str) -> None:
    """As many passes to the last layer of images that are there."""
    files = find_photographs(Path(folder))
    batch = next(in_batches(decoded(files, SIDE)))
    inputs = network.normalize(torch.stack([image for _, image in batch]))
    refs = [network.resolve(network.layers[-1])]
    view = private_view(network, refs)
    for first in range(0, len(files), len(batch)):
        run_to(view, inputs[: len(files) - first], refs)


def _seconds(do: Callable[[], object]) -> float:
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


_PEAK = """
import resource, sys
import featviz as fv
from benchmarks import scale
scale.survey_some(fv.load("alexnet"), sys.argv[1], int(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def survey_some(network: Network, folder: str, count: int) -> None:
    """Surveys links to the first photographs of a folder."""
    with tempfile.TemporaryDirectory() as few:
        for file in sorted(Path(folder).iterdir())[:count]:
            (Path(few) / file.name).hardlink_to(file)
        _survey(network, few)


def _peak(folder: str, count: int) -> float:
    """Peak memory in MB of a process that surveys so many."""
    command = [sys.executable, "-c", _PEAK, folder, str(count)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(answer) / 1000  # Linux counts kilobytes


def _make_photographs(folder: Path, count: int) -> None:
    """Writes JPEGs of smooth noise, each another."""
    chance = np.random.default_rng(0)
    for number in range(count):
        noise = chance.integers(0, 256, (SIDE // 8, SIDE // 8, 3), np.uint8)
        picture = Image.fromarray(noise).resize((SIDE + 16, SIDE), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:06}.jpg", quality=85)


def _scopes(network: Network, folder: str, units: int) -> list[Microscope]:
    """As many microscopes, of one seed each, as have so many units together."""
    own = sum(map(network.units, network.layers))
    return [Microscope(network, seed=at, store=Store(folder)) for at in range(-(-units // own))]


def planned(network: Network) -> None:
    """Prints how long the plan for as many units as ResNet-50's takes."""
    with tempfile.TemporaryDirectory() as folder:
        scopes = _scopes(network, folder, UNITS)
        goals = tuple(
            fv.Channel(layer, unit)
            for layer in network.layers
            for unit in range(network.units(layer))
        )
        goals = (goals * len(scopes))[:UNITS]
        scopes[0].work("conv5")  # what units use of their fields is measured once
        tasks = _seconds(lambda: [one.work(n) for one in scopes for n in network.layers])
        jobs = _seconds(lambda: list(plan.plan(network, goals, None, None, None, None)))
    print(f"\n{UNITS:,} units: the microscope's tasks in {tasks:.2f} s, batches of as many")
    print(f"objectives in {jobs:.2f} s (at most 2)", flush=True)


def large_store(network: Network) -> None:
    """Prints how long a store of many entries takes to answer."""
    with tempfile.TemporaryDirectory() as folder:
        scopes = _scopes(network, folder, ENTRIES // len(VIEWS))
        for scope in scopes:
            _fill(scope)
        seconds = _seconds(lambda: [find_status(scope) for scope in scopes])
        one = _seconds(lambda: find_status(scopes[0]))
        whole = _seconds(lambda: usage(scopes[0].store))
        count = sum(1 for _ in entries(scopes[0].store))
    print(f"\nA store of {count:,} entries: status of all in {seconds:.1f} s, of {one:.2f} s for")
    print(f"one network of {len(scopes)} (under 5); du in {whole:.1f} s", flush=True)


def _fill(scope: Microscope) -> None:
    """Makes the entries that a microscope asks for, with nothing to see in them."""
    arrays = {"images": np.zeros((1, 3, 8, 8), np.uint8), "values": np.ones(1, np.float32)}
    about = json.dumps({"spec": "0", "code": climb.__name__, "sha256": ""})
    data = safetensors.numpy.save(arrays, {"featviz": about})
    for layer, units in scope.numbers():
        values = dict.fromkeys(units, np.float32(1))
        for view in scope.views(layer):
            for spec in scope.specs(layer, view, units, values).values():
                path = scope.store.path(spec, climb.__name__)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)


PARTS = ("executors", "overhead", "photographs", "plan", "store")
"""What is measured unless parts are named."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="parts to run")
    parser.add_argument("--units", type=int, default=32, help="units a layer, for executors")
    parser.add_argument("--steps", type=int, help="steps of these, if not the views' own")
    parser.add_argument("--photographs", type=int, default=20_000, help="how many are surveyed")
    options = parser.parse_args()
    network = fv.load("alexnet")
    if "executors" in options.only:
        same_bytes(network, options.units, options.steps)
    if "overhead" in options.only:
        overhead(network, options.units, options.steps)
    if "photographs" in options.only:
        photographs(network, options.photographs)
    if "plan" in options.only:
        planned(network)
    if "store" in options.only:
        large_store(network)


if __name__ == "__main__":
    main()
