"""Small figures of every kind, for the tests."""

import numpy as np

from featviz import figures

LAYERS = ("conv1", "conv3", "conv5")


def textures(count, side=24, seed=0):
    """Smooth colored waves (count,3,side,side) in [0,1]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    waves = rng.uniform(1, 6, (count, 3, 2))
    phase = waves[..., 0, None, None] * y + waves[..., 1, None, None] * x
    return (0.5 + 0.5 * np.sin(2 * np.pi * phase)).astype(np.float32)


def ladder(**changes):
    rows = [
        figures.Rung(layer, field, textures(3, seed=field), [f"{layer}:{u}" for u in range(3)])
        for layer, field in zip(LAYERS, (11, 99, 163), strict=True)
    ]
    return figures.ladder(rows, **{"id": "ladder", "alt": "Nine units."} | changes)


def sheet(**changes):
    arguments = {
        "id": "all",
        "alt": "Twelve units.",
        "columns": 4,
        "values": {"activation": np.arange(12.0)},
        "links": [f"unit.html#{u}" for u in range(12)],
    }
    return figures.sheet(textures(12, 40), [f"conv5:{u}" for u in range(12)], **arguments | changes)


def many():
    """A sheet of so many units that one may look for some of them."""
    labels = [f"conv1:{u} {'spot' if u % 2 else 'edge'}" for u in range(50)]
    return figures.sheet(textures(50, 40), labels, id="many", alt="Fifty units.")


def microscope(**changes):
    """Two layers of twelve units; every other one is a grating, and one has no color."""
    color = [*range(11), np.nan]
    layers = []
    for layer, before in (("conv1", ""), ("conv2", "conv1")):
        bank = (textures(12, 40, seed=len(before)) * 255).astype(np.uint8)
        units = np.arange(12)
        layers.append(
            figures.MicroscopeLayer(
                layer,
                range(12),
                {"channel": bank[:, None], "neuron": bank[:, None, :, :20, :20]},
                sees=32,
                uses=20,
                fields=("neuron",),
                values={"color": color},
                families=["grating" if unit % 2 else "spot" for unit in units],
                kin=np.stack([units + 1, units + 2], 1) % 12,
                before=before,
                wired=np.stack([units, 0 * units], 1) if before else None,
                weights=np.tile([0.5, -0.25], (12, 1)) if before else None,
                notes={"channel": [f"answers {unit}" for unit in units]},
            )
        )
    low = figures.Choice("low", [[("color", 0, 2)], [("color", 2, 4)]])
    options = {"id": "microscope", "alt": "Twenty-four units.", "filters": {"Hue": [low]}}
    return figures.microscope(layers, **options | changes)


def spectrum(**changes):
    levels = ("low", "zero", "high")
    units = [
        figures.Spectrum(
            f"u:{seed}", *textures(2, 40, seed=seed), (-90.0, 120.0),
            [textures(2, 40, seed=10 * seed + k) for k in range(3)],
            [[-30.0, -29.0], [0.0, 0.5], [40.0, 38.5]], np.linspace(-30, 40, 200),
        )
        for seed in range(2)
    ]  # fmt: skip
    return figures.spectrum(units, levels, **{"id": "spectrum", "alt": "Two units."} | changes)


def game(**changes):
    """Three rounds: the reader's machine is right, wrong, right."""
    rounds = [
        figures.Round(
            textures(1, 40, seed=number)[0],
            (textures(4, seed=number), textures(4, seed=number + 9)),
            right, machine, layer, ("u:0", "u:1"), f"m.html#{number}",
        )
        for number, (right, machine, layer) in enumerate([(0, 0, "a"), (1, 0, "b"), (1, 1, "a")])
    ]  # fmt: skip
    return figures.game(rounds, "the judge", **{"id": "game", "alt": "Three rounds."} | changes)


def circuits(**changes):
    """Three layers of eight units; of each unit's circuit the two units with the next numbers."""
    units = np.arange(8)
    rng = np.random.default_rng(0)
    layers, names = [], ["conv1", "conv2", "conv3"]
    for depth, name in enumerate(names):
        columns = {one: np.stack([units + 1, units + 2], 1) % 8 for one in names[:depth]}
        kernels = rng.standard_normal((8, 8, 3, 3)) if depth else None
        layers.append(
            figures.CircuitLayer(
                name,
                (textures(8, 40, seed=depth) * 255).astype(np.uint8),
                sees=11 * (depth + 1),
                columns=columns,
                shares={one: np.tile([0.5, -0.125], (8, 1)) for one in columns},
                weights=None if kernels is None else kernels.sum((2, 3)),
                kernels=kernels,
                expanded={one: rng.standard_normal((8, 2, 5, 5)) for one in names[: depth - 1]}
                if depth
                else {},
            )
        )
    options = {"start": "conv3:4", "id": "circuits", "alt": "A unit and what it is made of."}
    return figures.circuit_columns(layers, **options | changes)


def everything():
    """One figure of every kind, small."""
    photos = textures(2, 48, seed=9)
    ramp = np.linspace(0, 4, 9).reshape(3, 3)
    steps = np.array([1, 10, 100])
    units = np.arange(2 * 3 * 3 * 2).reshape(2, 3, 3, 2) % 5
    grid = textures(4, seed=5).reshape(2, 2, 3, 24, 24)
    frames = textures(6, 40, seed=8).reshape(3, 2, 3, 40, 40)
    layer = figures.InspectorLayer("conv5", units, units + 1.0, textures(5, 40), field=16)
    common = {"alt": "A figure of the test.", "caption": "<strong>Look</strong> here."}
    return [
        ladder(caption="The <em>ladder</em>."),
        sheet(),
        many(),
        figures.filters(textures(4, 11) - 0.5, id="filters", columns=2, **common),
        figures.grid(
            ["a", "b"], ["x", "y"], grid, id="grid", subjects=["u:0", "u:1"],
            links=["m.html#a", "m.html#b"], **common,
        ),
        figures.methods(["a", "b"], ["x", "y"], grid, [[1, 2], [3, 4]], id="methods", **common),
        figures.grid(["a"], [(name, 3) for name in "xyz"], [[*textures(9)]], id="long", **common),
        figures.pairs(
            textures(2), grid, ["one", "two"], headings=("ours", "theirs"), id="pairs", **common
        ),
        figures.attribution_grid(
            photos, [[ramp, ramp.T]] * 2, ["cat", "dog"], ["conv1", "conv5"], id="maps",
            insets=textures(2), **common,
        ),
        figures.receptive_field(photos[0], [("conv1", 11, 4), ("conv5", 40)], id="field", **common),
        figures.trajectory(
            frames, [0, 8, 64], [[1, 2], [3, 4], [5, 6]], labels=["u:0", "u:1"], id="ascent",
            **common,
        ),
        figures.curves(
            {"a": (steps, steps), "b": (steps, steps, steps - 1, steps + 1)}, "step", "value",
            id="curves", log_x=True, **common,
        ),
        figures.bars(LAYERS, {"a": ([1, 2, 3], [0, 1, 2], [2, 3, 4])}, "n", id="bars", **common),
        figures.dots(LAYERS, {"a": [[1, 2, 9], [2], [3, 4]]}, "n", id="dots", **common),
        figures.intervals(
            LAYERS, {"a": ([1, 2, 3], [0, 1, 2], [2, 3, 4]), "b": ([1, 1, 1],) * 3}, "n",
            id="intervals", at=1, **common,
        ),
        figures.interval_panels(
            LAYERS,
            {"share": (([1, 2, 3], [0, 1, 2], [2, 3, 4]), 1.0), "area": (([5, 6, 7],) * 3, 0.0)},
            id="interval-panels", **common,
        ),
        figures.table([["conv1", 11, -0.5]], ["layer", "px", "score"], id="table", **common),
        figures.inspector(
            photos, ["cat", "dog"], [layer], id="inspector", start=(0.4, 0.9), **common
        ),
        spectrum(),
        game(),
        circuits(link="microscope.html"),
    ]  # fmt: skip


def page(html):
    """A page that holds figures, with their styles and scripts."""
    # Inline, because axe reads linked style sheets by a request, which file:// refuses.
    style = f"<style>{(figures.WEB / 'figures.css').read_text('utf-8')}</style>"
    scripts = "".join(
        f'<script src="{script.as_uri()}"></script>' for script in sorted(figures.WEB.glob("*.js"))
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Figures</title>'
        '<meta name="viewport" content="width=device-width">'
        f"{style}<style>body{{font:16px sans-serif;margin:8px}}figure{{margin:24px 0}}</style>"
        f"</head><body><main><h1>Figures</h1>{html}</main>{scripts}</body></html>"
    )
