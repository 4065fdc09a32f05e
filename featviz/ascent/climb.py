"""Gradient ascent on the input image: what a unit wants to see.

Source: D. Erhan, Y. Bengio, A. Courville, P. Vincent, "Visualizing Higher-Layer Features of a Deep
Network", 2009, section 3; in the form of C. Olah et al., "Feature Visualization", Distill 2017.
"""

import warnings
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from tqdm import tqdm

from featviz.ascent.device import find_device
from featviz.ascent.outcome import warn_of_failures
from featviz.ascent.plan import Job, check, frame_numbers, plan, random_streams, starts
from featviz.ascent.precision import suiting_precision
from featviz.ascent.recipes import Recipe, lengths
from featviz.ascent.result import Maximization, join
from featviz.ascent.score import Scorer, is_linear_in_image, score
from featviz.images import transforms
from featviz.network.inputs import Images
from featviz.network.network import Network
from featviz.network.passes import own_mode
from featviz.objectives.algebra import Objective
from featviz.objectives.text import as_objectives

Stop = Callable[[Tensor], Tensor]
"""A stop criterion: history (steps so far, N) -> (N,) booleans, true for images that are done. Each
column must be judged by itself."""

Callback = Callable[[int, Tensor], None]
"""Called after each step of each batch with the step's number and the objectives (N,)."""


@dataclass(frozen=True)
class Plateau:
    """Stops an image when its objective no longer rises.

    Attributes:
        window: Steps over which the objective is averaged.
        tolerance: Relative rise from one window to the next below which an image is done.
    """

    window: int = 32
    tolerance: float = 0.01

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError(f"a plateau's window is at least 1 step, not {self.window!r}.")

    def __call__(self, history: Tensor) -> Tensor:
        """Says which images are done: history (steps so far, N) -> (N,) booleans."""
        if len(history) < 2 * self.window:
            return torch.zeros(history.shape[1], dtype=torch.bool)
        recent = history[-self.window :].mean(0)
        before = history[-2 * self.window : -self.window].mean(0)
        return recent - before < self.tolerance * before.abs()


@own_mode()
def maximize(
    network: Network,
    objectives: Objective | str | Iterable[Objective | str],
    *,
    size: int | tuple[int, int] | None = None,
    steps: int | None = None,
    seed: int = 0,
    recipe: Recipe | None = None,
    start: Images | None = None,
    streams: Sequence[Hashable] | None = None,
    frames: Sequence[int] | str = (),
    stop: Stop | None = None,
    callback: Callback | None = None,
    batch: int | None = None,
    device: str | torch.device = "auto",
    precision: str = "auto",
    progress: bool | None = None,
) -> Maximization:
    """Finds images that excite units, by gradient ascent.

    An image depends on its objective, the settings and the seed alone: on one device it has the
    same bits again, in any batch, in any order, with any number of threads (a network in float32
    whose own modules compute exponentials, as SiLU does, may round by it; attention rounds by the
    batch; Apple's graphics cards promise nothing). Another device rounds otherwise, and pictures
    drift apart. The network comes back as it was. Calls from several threads wait for each other.

    Args:
        network: The network.
        objectives: One objective per image, or one; text forms do as well, `"conv5:12"` say, and
            names of the network's classes. Equal objectives get different images.
        size: Side of the images in pixels, or (height, width). Without it, `start`'s; central
            neurons get the smallest canvas that holds the part of their field that they use
            (`ascent.used_field`), everything else 160 px; neither gets more than `network.size`.
        steps: How many steps to take, if not the recipe's.
        seed: Where all randomness comes from.
        recipe: How to climb. Without it, `recipes.LINEAR` where the objective is linear in the
            image, `recipes.NEURON` for neurons, else `recipes.STANDARD`. All three keep the energy
            of the images within twice that of photographs; `recipes.HIGHEST` does not.
        start: (3, H, W) or (N, 3, H, W) images in [0, 1] to start from, a photograph say, instead
            of noise; NumPy arrays, of bytes too, and pictures of Pillow's do as well.
        streams: One label per image; images with equal labels start from the same noise and are
            changed alike, so that their pictures can be compared place by place. Without it every
            image has noise of its own.
        frames: Steps before which to keep the image, or "log" for 0, 1, 2, 4, ... and the last.
        stop: Ends images early, `Plateau()` for instance.
        callback: Called after each step with its number and the batch's objectives (N,).
        batch: Images to optimize at a time, if not as many as suit the machine; changes the speed,
            not the result. Graphics cards take no more than suit them.
        device: "auto", "cuda", "mps" or "cpu", or torch's own.
        precision: "auto", "float32" or "bfloat16" for the network's pass; "auto" is the one that
            suits the machine and the network.
        progress: Whether to show a progress bar; without it, where a terminal is there.

    Returns:
        The images, their values and how they came about. After Ctrl-C, what there is.

    Warns:
        UserWarning: A picture ended gray, never moved, or is clipped in large part; or what the
            network says of an image depends on others or on chance.

    Raises:
        ValueError: An unknown layer, unit, class, device or precision; no objective or a text that
            can't be read; wrong numbers of
            steps, frames, images, starts or streams; a neuron without a receptive field, canvases
            of different sizes, or one too small for its layer.
        TypeError: What is to be maximized is no objective, or a seed or frame no whole number.
    """
    goals = as_objectives(network, objectives)
    check(goals, recipe, steps, batch)
    target = find_device(device)
    dtype = suiting_precision(network, precision, target)
    if not network.is_steady:
        warnings.warn(
            f"what {network.name} says of an image depends on the others in its batch, or on "
            "chance, and so do its pictures: batch norm without running statistics does that, and "
            "dropout that is always on.",
            stacklevel=3,  # behind `own_mode` is the caller
        )
    origins = starts(start, len(goals), size)
    sides = size if origins is None else (origins.shape[-2], origins.shape[-1])
    jobs = plan(network, goals, recipe, steps, sides, batch, target)
    generators = random_streams(goals, seed, streams)
    total = sum(len(job.rows) * job.recipe.steps for job in jobs)
    frame_steps = frame_numbers(frames, max(job.recipe.steps for job in jobs))
    climbs: list[tuple[list[int], Maximization]] = []
    with tqdm(total=total, unit="step", disable=None if progress is None else not progress) as bar:

        def report(step: int, values: Tensor) -> None:
            bar.update(len(values))
            if callback is not None:
                callback(step, values)

        for job in jobs:
            own = [generators[row] for row in job.rows]
            origin = None if origins is None else origins[job.rows]
            try:
                climb = _Climb(network, job, own, origin, target, dtype)
                climbs.append((job.rows, climb.run(frame_steps, stop, report)))
            except KeyboardInterrupt:
                if not climbs:
                    raise
                climbs[-1] = climbs[-1][0], replace(climbs[-1][1], interrupted=True)
            if climbs[-1][1].interrupted:
                break
    whole = join(climbs)
    # Contrast tells nothing of a photograph, nor of an optimum that lies at its bounds.
    bounded = [origins is not None or is_linear_in_image(network, one) for one in whole.objectives]
    warn_of_failures(whole, jobs, bounded, stacklevel=3)  # behind `own_mode` is the caller
    return whole


class _Climb:
    """One batch on its way up."""

    def __init__(
        self,
        network: Network,
        job: Job,
        streams: list[torch.Generator],
        start: Tensor | None,
        device: torch.device,
        precision: torch.dtype,
    ) -> None:
        self.network, self.job, self.precision = network, job, precision
        self.steps = job.recipe.steps
        self.image = job.recipe.image.build(streams, *job.size, start).to(device)
        shape = (self.steps, transforms.draws(job.recipe.transforms))
        self.uniform = torch.stack([torch.rand(shape, generator=s) for s in streams], 1).to(device)
        self.optimizer = job.recipe.optimizer.start(list(self.image.parameters()))
        self.scorer = Scorer(network, job.objectives, device, precision, job.width)
        self.history = torch.full((self.steps, len(streams)), torch.nan)
        self.gradients = self.history.clone()
        self.done = torch.zeros(len(streams), dtype=torch.bool)

    def run(
        self, frame_steps: tuple[int, ...], stop: Stop | None, report: Callback
    ) -> Maximization:
        """Takes the steps; Ctrl-C ends them."""
        frames: list[Tensor] = []
        interrupted = False
        try:
            for step in range(self.steps):
                if step in frame_steps:
                    frames.append(self.pictures())
                self.step(step)
                report(step, self.history[step])
                if stop is not None:
                    self.done |= stop(self.history[: step + 1])
                if self.done.all():
                    break
        except KeyboardInterrupt:
            interrupted = True
        try:
            return self._result(frames, frame_steps, interrupted)
        except KeyboardInterrupt:  # what the steps have made isn't lost
            return self._result(frames, frame_steps, True)

    def _result(
        self, frames: list[Tensor], frame_steps: tuple[int, ...], interrupted: bool
    ) -> Maximization:
        frames = frames + [self.pictures()] * (len(frame_steps) - len(frames))
        images = self.pictures()
        values = torch.stack([self.exact(stage) for stage in (*frames, images)])
        return Maximization(
            self.job.objectives,
            images,
            self.opacities(),
            values[-1],
            self.history,
            self.gradients,
            frame_steps,
            torch.stack(frames) if frames else images.new_empty((0, *images.shape)),
            values[:-1],
            str(self.precision).removeprefix("torch."),
            interrupted,
        )

    def step(self, number: int) -> None:
        """One step uphill of every image that isn't done."""
        images: Tensor = self.image(number)
        inputs = self.network.normalize(images)
        inputs = transforms.apply(self.job.recipe.transforms, inputs, self.uniform[number], number)
        active = ~self.done

        def note(gradient: Tensor) -> None:
            self.gradients[number, active] = lengths(gradient).cpu()[active]

        images.register_hook(note)  # type: ignore[no-untyped-call]
        values = self.scorer(inputs, images)
        if not values.requires_grad:
            raise ValueError(
                f"no gradient reaches the image from {self.job.objectives[0]}: the code of "
                f"{self.network.name} ends it on the way (torch.no_grad, inference_mode, detach); "
                "take that out of its forward."
            )
        self.optimizer.zero_grad()
        torch.autograd.backward(values.sum())
        self.move(number)
        self.history[number, active] = values.detach().cpu()[active]

    def move(self, number: int) -> None:
        """Changes the parameters of every image that isn't done."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.job.recipe.optimizer.rate_at(number, self.steps)
        parameters = list(self.image.parameters())
        originals = [parameter.detach()[self.done].clone() for parameter in parameters]
        self.optimizer.step()
        with torch.no_grad():
            for parameter, original in zip(parameters, originals, strict=True):
                parameter[self.done] = original
            silent = self.gradients[number] == 0
            if silent.any():
                self.image.amplify(silent)

    @torch.no_grad()
    def pictures(self) -> Tensor:
        """The images as they are, for the eye."""
        return self.image.shown().cpu()

    @torch.no_grad()
    def opacities(self) -> Tensor:
        """How opaque the images are, (N, 1, H, W)."""
        return self.image.alpha().cpu()

    def exact(self, images: Tensor) -> Tensor:
        """The objectives (N,) on images as they are, in full precision."""
        return score(self.network, self.job.objectives, self.network.normalize(images), images)
