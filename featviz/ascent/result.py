"""What gradient ascent gives back: images, values, and how they came about."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from featviz.objectives.algebra import Objective


@dataclass(frozen=True, eq=False)
class Maximization:
    """What gradient ascent found: tensors on the CPU, images in the order asked for.

    `result[3]` and `result[:3]` are the same of fewer images, `len(result)` is their number, and a
    notebook shows them.

    Attributes:
        objectives: What each image was asked to excite.
        images: (N, 3, H, W) float32 in [0, 1]; transparent ones on white.
        alpha: (N, 1, H, W) opacities in [0, 1]; 1 unless the recipe's image is `Transparent`.
        values: (N,) the objectives on the final, untransformed images, in float32.
        history: (steps, N) the objectives on the transformed images, step by step; NaN for steps
            that an image didn't take.
        gradients: (steps, N) norms of the objectives' gradients with respect to the images.
        frame_steps: Numbers of the steps before which `frames` were taken.
        frames: (F, N, 3, H, W) images on the way.
        frame_values: (F, N) the objectives on them, untransformed.
        precision: Number format of the network's pass.
        interrupted: Whether Ctrl-C ended the run. Then images that had not begun are left out, and
            the others are as far as they had come.
    """

    objectives: tuple[Objective, ...]
    images: Tensor = field(repr=False)
    alpha: Tensor = field(repr=False)
    values: Tensor = field(repr=False)
    history: Tensor = field(repr=False)
    gradients: Tensor = field(repr=False)
    frame_steps: tuple[int, ...]
    frames: Tensor = field(repr=False)
    frame_values: Tensor = field(repr=False)
    precision: str
    interrupted: bool = False

    def __len__(self) -> int:
        return len(self.objectives)

    def __getitem__(self, which: int | slice) -> "Maximization":
        if not isinstance(which, slice):
            row = range(len(self))[which]
            which = slice(row, row + 1)
        return replace(
            self,
            objectives=self.objectives[which],
            images=self.images[which],
            alpha=self.alpha[which],
            values=self.values[which],
            history=self.history[:, which],
            gradients=self.gradients[:, which],
            frames=self.frames[:, which],
            frame_values=self.frame_values[:, which],
        )

    def save(self, path: str | Path, *, columns: int | None = None) -> None:
        """Writes the images side by side to one file, without loss.

        Args:
            path: The file, which ends in .png or .webp.
            columns: Images to a row; about a square without it.

        Raises:
            ValueError: There are no images, or the file is of another kind.
            OSError: The file can't be written.
        """
        from featviz.figures._files import save  # not before: matplotlib comes with it

        save(self.images.numpy(), path, columns=columns)

    def _repr_png_(self) -> bytes | None:
        from featviz.figures._files import png

        return png(self.images.numpy()) if len(self) else None


def join(climbs: list[tuple[list[int], Maximization]]) -> Maximization:
    """Puts the images of all batches back into the order asked for."""
    rows = [row for climb_rows, _ in climbs for row in climb_rows]
    order = sorted(range(len(rows)), key=rows.__getitem__)
    results = [climb for _, climb in climbs]
    longest = max(len(climb.history) for climb in results)

    def whole(name: str, dim: int) -> Tensor:
        tensors = [getattr(climb, name) for climb in results]
        if name in ("history", "gradients"):
            tensors = [F.pad(t, (0, 0, 0, longest - len(t)), value=torch.nan) for t in tensors]
        return torch.cat(tensors, dim).index_select(dim, torch.tensor(order))

    objectives = [objective for climb in results for objective in climb.objectives]
    return Maximization(
        tuple(objectives[i] for i in order),
        whole("images", 0),
        whole("alpha", 0),
        whole("values", 0),
        whole("history", 1),
        whole("gradients", 1),
        results[0].frame_steps,
        whole("frames", 1),
        whole("frame_values", 1),
        results[0].precision,
        any(climb.interrupted for climb in results),
    )
