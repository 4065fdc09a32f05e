"""The command that takes a unit apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from featviz.cli import common

if TYPE_CHECKING:
    from torch import Tensor

    from featviz.circuits.graph import Circuit
    from featviz.network.network import Network


@click.command(short_help="Takes a unit apart, down to the first layer.")
@click.argument("unit")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The drawing: an .svg file.")
@click.option(
    "--keep", type=click.IntRange(1), default=4, show_default=True, help="Units per layer."
)
@click.option(
    "--layers", metavar="LAYERS", help="The earlier layers, from UNIT's down: conv4,conv3."
)
@common.photos
@common.seed
@common.network
@common.as_json
def circuit(
    unit: str,
    output: Path | None,
    keep: int,
    layers: str | None,
    folder: Path | None,
    seed: int,
    request: common.Request,
    as_json: bool,
) -> None:
    """Finds the units of earlier layers that UNIT is made of, and draws them with their weights.

    A unit counts by what it adds to UNIT's value on the photos where that is strongest. Pictures
    come from the microscope's store; those that aren't there are made and kept.

    \b
    Examples:
      featviz circuit conv5:12 --keep 4 -o circuit.svg
      featviz circuit conv3:8 --photos my_photos --json
      featviz circuit layer2.1:3 --network resnet18 --download -o circuit.svg
    """
    common.check_output(output, (".svg",), as_json=as_json)
    from featviz.circuits.graph import find_circuit
    from featviz.writing import write_whole

    net = common.load(request)
    earlier = None if layers is None else [name.strip() for name in layers.split(",")]
    found = find_circuit(net, unit, _photographs(net, folder), keep=keep, layers=earlier)
    if output is not None:
        write_whole(output, _drawn(net, found, seed).encode())
        common.say(f"Wrote {output}")
    if as_json:
        click.echo(json.dumps(found.record()))


def _photographs(net: Network, folder: Path | None) -> list[Tensor]:
    """The photographs, squares of the size that the network was made for."""
    from featviz import photos

    if folder is not None:
        return [photo.image for photo in photos.folder(folder, net.size)]
    return [photos.load(name, net.size).image for name in photos.samples()]


def _drawn(net: Network, circuit: Circuit, seed: int) -> str:
    from featviz.figures._circuit_svg import circuit_svg
    from featviz.microscope.build import Microscope
    from featviz.microscope.views import CHANNEL

    scope = Microscope(net, seed=seed)
    columns = [
        (column.layer, column.units.tolist(), column.strengths.tolist())
        for column in circuit.columns
    ]
    pictures = [
        list(scope.pictures(layer, CHANNEL, units).images[:, 0] / 255)
        for layer, units, _ in columns
    ]
    first = circuit.columns[-1].layer
    names = [f"{layer}:{unit}" for layer, units, _ in columns[1:] for unit in units]
    return circuit_svg(
        columns,
        circuit.weights,
        pictures,
        title=f"{circuit.layer}:{circuit.unit} of {net.name}, down to {first}",
        alt="The unit at the left, and for each earlier layer the units that add most to its value "
        f"or take most away: {', '.join(names)}",
        notes=[_note(net, circuit, index) for index in range(len(columns))],
    )


def _note(net: Network, circuit: Circuit, index: int) -> str:
    """What stands below a layer's name: what its units see, and of a residual sum its paths."""
    from featviz.network.network import field_of

    field = field_of(net, circuit.columns[index].layer)
    notes = [f"sees {field.size} px" if field else "sees the whole image"]
    if index and (paths := circuit.paths[index - 1]) > 1:
        notes.append(f"sum over {paths} paths")
    return ", ".join(notes)
