"""Fits the law of natural amplitudes to the sample photographs: `python tools/fit_natural.py`.

Prints `EXPONENTS` and `AMPLITUDES` of `featviz.images.natural`, how many photographs and crops
they rest on, and how far the law is from what it was fitted to.
"""

import math

import torch
from torch import Tensor

from featviz import photos
from featviz.images.colors import LOGIT_MARGIN, from_colors
from featviz.images.fourier import REFERENCE_FREQUENCY, radial_frequencies

TEXTURES = ("brick", "grass", "gravel")
"""Samples that are left out: one gray material each, photographed to fill the frame."""

SIDES = (64, 128, 256)
"""Sides of the crops in pixels; the law is one for all of them."""


def crops(image: Tensor, side: int) -> Tensor:
    """Cuts an image (3, H, W) into squares (N, 3, side, side) that don't overlap."""
    down, across = image.shape[1] // side, image.shape[2] // side
    whole = image[:, : down * side, : across * side]
    blocks = whole.reshape(3, down, side, across, side)
    return blocks.permute(1, 3, 0, 2, 4).reshape(-1, 3, side, side)


def half_octaves(side: int) -> Tensor:
    """Numbers the coefficients of `rfft2` by half octaves below the Nyquist frequency; -1: none."""
    frequencies = radial_frequencies(side, side)
    numbers = (-2 * frequencies.mul(2).log2()).sub(1e-6).ceil().sub(1).long()
    return numbers.where((frequencies > 0) & (frequencies < 0.5), -1)


def measure(side: int) -> tuple[Tensor, Tensor, int, int]:
    """What the photographs hold in half octaves.

    Returns:
        (bands,) mean frequencies, (3, bands) amplitudes, and how many photographs and crops.
        An amplitude is the root of the energy per coefficient that half of the crops stay below,
        every photograph having the same say.
    """
    where = half_octaves(side)
    bands = range(int(where.max()) + 1)
    energies, shares = [], []
    for name in photos.samples():
        squares = crops(photos.load(name).image, side)
        if name in TEXTURES or not len(squares):
            continue
        logits = squares.clamp(LOGIT_MARGIN, 1 - LOGIT_MARGIN).logit()
        energy = torch.fft.rfft2(from_colors(logits), norm="ortho").abs().square()
        energies.append(torch.stack([energy[..., where == band].mean(-1) for band in bands], -1))
        shares.append(torch.full((len(squares),), 1 / len(squares)))
    levels, share = torch.cat(energies), torch.cat(shares) / len(shares)
    order = levels.sort(0)
    below = share[order.indices].cumsum(0) < 0.5
    middle = order.values.gather(0, below.sum(0, keepdim=True))[0]
    frequencies = radial_frequencies(side, side)
    centers = torch.stack([frequencies[where == band].log().mean().exp() for band in bands])
    return centers, middle.sqrt(), len(shares), len(levels)


def fit_law() -> tuple[list[float], list[float], Tensor]:
    """The law's exponents and amplitudes, and its residuals (3, points) in natural logarithms."""
    measurements = [measure(side) for side in SIDES]
    x = torch.cat([centers for centers, *_ in measurements]).div(REFERENCE_FREQUENCY).log()
    y = torch.cat([amplitudes for _, amplitudes, *_ in measurements], 1).log()
    basis = torch.stack([x, torch.ones_like(x)], 1)
    law = torch.linalg.lstsq(basis, y.T).solution
    return law[0].tolist(), law[1].exp().tolist(), (basis @ law).T - y


def main() -> None:
    """Prints the law."""
    exponents, amplitudes, residuals = fit_law()
    print("EXPONENTS =", tuple(round(number, 2) for number in exponents))
    print("AMPLITUDES =", tuple(round(number, 2) for number in amplitudes))
    deviations = residuals.square().mean(1).sqrt()
    print("off by a factor of", ", ".join(f"{math.exp(one):.2f}" for one in deviations.tolist()))
    for side in SIDES:
        *_, photographs, count = measure(side)
        print(f"{side} px: {count} crops of {photographs} photographs")


if __name__ == "__main__":
    main()
