"""The value of any images, here or by the workers of an executor."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import torch
from torch import Tensor

from featviz.ascent import score
from featviz.network.inputs import Images, check_images
from featviz.network.network import Network
from featviz.network.parcels import FOLDER, pack
from featviz.network.values import passes
from featviz.network.workers import results
from featviz.objectives.algebra import Objective
from featviz.objectives.text import as_objectives
from featviz.store import Store


def evaluate(
    network: Network,
    objectives: Objective | str | Iterable[Objective | str],
    images: Images,
    *,
    batch: int | None = None,
    executor: Executor | None = None,
    store: Store | None = None,
) -> Tensor:
    """Scores images as they are, in float32.

    Args:
        network: The network.
        objectives: One for all images, or one per image; objectives or their text forms.
        images: (N, 3, H, W) or one image (3, H, W), floats in [0, 1]; NumPy arrays, of bytes
            too, and pictures of Pillow's do as well. The work is done on their device.
        batch: Images per pass, if not as many as suit the memory. It leaves the values alone; 1 x 1
            convolutions and dense layers may round otherwise.
        executor: Whose workers do the passes, as in `Microscope.build`; values are the same, but
            for roundings of 1 x 1 convolutions, as with `batch`.
        store: In whose folder these workers find the weights; the default store without it.

    Returns:
        (N,) values on the images' device, without gradients.

    Raises:
        ValueError: An objective that the network can't answer or that can't be read; another number
            of objectives than of images; images of another shape or range, or too small.
        TypeError: What is to be scored by is no objective.
        ChildProcessError: A worker was ended from outside, or can't do the work.
    """
    images = check_images(images)
    goals = as_objectives(network, objectives)
    whole = any(map(score.is_diverse, goals))  # images that must differ are scored together
    if executor is None or whole or len(goals) not in (1, len(images)):
        return score.evaluate(network, goals, images, batch=batch)
    one = len(goals) == 1
    tasks = [
        (number, goals if one else goals[rows], images[rows].cpu())
        for number, rows in enumerate(passes(images, batch))
    ]
    folder = (store or Store()).folder / FOLDER
    parcel = pack(_Scorer(network), folder, __name__, same_script=False)
    values: dict[int, Tensor] = {}
    for (number, *_), part in results(executor, parcel, tasks, kept=False):
        values[number] = part
    return torch.cat([values[number] for number in sorted(values)]).to(images.device)


@dataclass(frozen=True)
class _Scorer:
    """Scores the images of one pass."""

    network: Network

    def __call__(self, task: tuple[int, Sequence[Objective], Tensor]) -> Tensor:
        _, goals, images = task
        return score.evaluate(self.network, goals, images, batch=len(images) or None)
