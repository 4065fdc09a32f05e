"""Packs the article's photographs from the Debian packages that carry them.

    python tools/pack_photographs.py
    python tools/pack_photographs.py --accept

`credits.json` beside the photographs lists what is packed and from where. The packed bytes depend
on the packages and on Pillow's version alone: they must have the hashes that the list states, or
nothing is written. After a change of the list, `--accept` writes the photographs and their hashes.
Packages come through apt-get of a Debian or Ubuntu with the listed versions.
"""

import argparse
import hashlib
import io
import json
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

FOLDER = Path(__file__).parents[1] / "featviz" / "article" / "photographs"
"""Where the article keeps its photographs."""

SCENE_SIDE = 320
"""Shorter side of a scene, in pixels: AlexNet's 224 and room to crop. Smaller ones stay as are."""

CUTOUT_SIDE = 224
"""Side of a cut-out, in pixels: that of AlexNet's training crops."""

OBJECT_SIDE = CUTOUT_SIDE * 2 // 3
"""Longer side of a cut-out's object, in pixels: about as large as objects in training crops."""

MEAN_COLOR = (124, 116, 104)
"""What lies behind a cut-out, RGB in 0..255: torchvision's ImageNet mean (0.485, 0.456, 0.406)."""

QUALITY = {"scenes": 85, "cutouts": 80}
"""Pillow's WebP quality of each set."""

# Qt's resource files: the marks that a node's flags carry. Source: qtbase/src/tools/rcc/rcc.h.
RCC_COMPRESSED, RCC_FOLDER, RCC_ZSTANDARD = 1, 2, 4


class PackError(ValueError):
    """A package cannot be had, or holds something else than the list says."""


def unpack(package: str, version: str, folder: Path) -> Path:
    """Downloads a Debian package, which apt-get checks by its hash, and unpacks it.

    Args:
        package: Its name.
        version: Its exact version.
        folder: An existing folder.

    Returns:
        The folder of its files.

    Raises:
        PackError: If apt-get does not have this version.
    """
    command = ["apt-get", "download", "--quiet", f"{package}={version}"]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if process.returncode != 0:
        raise PackError(
            f"apt-get could not download {package} {version}; run apt-get update on a Debian that "
            f"has it. It said: {process.stderr.strip()}"
        )
    target = folder / package
    archive = next(folder.glob(f"{package}_*.deb"))
    subprocess.run(["dpkg", "-x", str(archive), str(target)], check=True)
    archive.unlink()
    return target


@cache
def resources(path: Path) -> dict[str, bytes]:
    """Reads a Qt resource file.

    Args:
        path: The `.rcc` file.

    Returns:
        Its files by their paths.

    Raises:
        PackError: If it is no such file, or is compressed by Zstandard.
    """
    data = path.read_bytes()
    if data[:4] != b"qres":
        raise PackError(f"{path} is not a Qt resource file.")
    version, nodes, contents, names = struct.unpack(">4I", data[4:20])
    length = 14 if version < 2 else 22  # since version 2 a node also holds a time

    def name(offset: int) -> str:
        start = names + offset
        characters = int.from_bytes(data[start : start + 2], "big")
        return data[start + 6 : start + 6 + 2 * characters].decode("utf-16-be")

    def walk(index: int, folder: str) -> Iterator[tuple[str, bytes]]:
        at = nodes + index * length
        offset, flags, first, second = struct.unpack(">IHII", data[at : at + 14])
        here = f"{folder}/{name(offset)}" if index else ""
        if flags & RCC_FOLDER:
            for child in range(second, second + first):
                yield from walk(child, here)
            return
        if flags & RCC_ZSTANDARD:
            raise PackError(f"{path} is compressed by Zstandard, which is not read here.")
        start = contents + second
        size = int.from_bytes(data[start : start + 4], "big")
        content = data[start + 4 : start + 4 + size]
        yield here, zlib.decompress(content[4:]) if flags & RCC_COMPRESSED else content

    return dict(walk(0, ""))


def read(root: Path, file: str) -> Image.Image:
    """Opens an image of an unpacked package.

    Args:
        root: The folder of the package's files.
        file: A path below it; of a file within a Qt resource file, that file's path, `#`, and the
            path within.

    Returns:
        The image, upright.

    Raises:
        PackError: If there is none.
    """
    path, _, inner = file.partition("#")
    try:
        source = io.BytesIO(resources(root / path)[inner]) if inner else root / path
        return ImageOps.exif_transpose(Image.open(source))
    except (FileNotFoundError, KeyError):
        raise PackError(f"The package {root.name} holds no {file}.") from None


def scene(image: Image.Image) -> Image.Image:
    """Reduces a photograph until its shorter side is `SCENE_SIDE`."""
    scale = min(1.0, SCENE_SIDE / min(image.size))
    size = (round(image.width * scale), round(image.height * scale))
    return image.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def cutout(image: Image.Image) -> Image.Image:
    """Sets an object that is cut out on transparency in the middle of the mean color."""
    # Colors times opacity, so that what lies hidden under transparency bleeds into no edge.
    layer = image.convert("RGBA")
    layer = layer.crop(layer.getchannel("A").getbbox()).convert("RGBa")
    scale = OBJECT_SIDE / max(layer.size)
    size = (max(1, round(layer.width * scale)), max(1, round(layer.height * scale)))
    layer = layer.resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    ground = Image.new("RGBA", (CUTOUT_SIDE, CUTOUT_SIDE), (*MEAN_COLOR, 255))
    ground.alpha_composite(layer, ((CUTOUT_SIDE - size[0]) // 2, (CUTOUT_SIDE - size[1]) // 2))
    return ground.convert("RGB")


def encode(image: Image.Image, kind: str) -> bytes:
    """Composes an image as its set wants it and compresses it.

    Args:
        image: As the package has it.
        kind: "scenes" or "cutouts".

    Returns:
        A WebP file without metadata.
    """
    data = io.BytesIO()
    picture = scene(image) if kind == "scenes" else cutout(image)
    picture.save(data, "WEBP", quality=QUALITY[kind], method=6)
    return data.getvalue()


def pack(credits: dict[str, Any], accept: bool) -> dict[Path, bytes]:
    """Packs all photographs of the list.

    Args:
        credits: The list; with `accept` its hashes are set.
        accept: Whether other hashes than those of the list will do.

    Returns:
        What to write, by the path below `FOLDER`.

    Raises:
        PackError: If a package or a file is not there, or a hash is another.
    """
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for package, version in credits["packages"].items():
            root = unpack(package, version, Path(folder))
            for entry in credits["photographs"]:
                if entry["package"] != package:
                    continue
                data = encode(read(root, entry["file"]), entry["set"])
                digest = hashlib.sha256(data).hexdigest()
                if not accept and digest != entry["sha256"]:
                    raise PackError(
                        f"Packing {entry['name']} gave sha256 {digest}, but it should have "
                        f"{entry['sha256']}; is Pillow the version of constraints.txt?"
                    )
                entry["sha256"] = digest
                files[Path(entry["set"], f"{entry['name']}.webp")] = data
    return files


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line of this module."""
    summary = "Pack the article's photographs from the Debian packages that carry them."
    parser = argparse.ArgumentParser(prog="python tools/pack_photographs.py", description=summary)
    parser.add_argument("--accept", action="store_true", help="write new hashes into credits.json")
    options = parser.parse_args(arguments)
    path = FOLDER / "credits.json"
    credits = json.loads(path.read_text("utf-8"))
    files = pack(credits, options.accept)
    for kind in QUALITY:
        (FOLDER / kind).mkdir(exist_ok=True)
        for old in (FOLDER / kind).glob("*.webp"):
            if old.relative_to(FOLDER) not in files:
                old.unlink()
    for place, data in files.items():
        (FOLDER / place).write_bytes(data)
    if options.accept:
        text = json.dumps(credits, indent=1, ensure_ascii=False)
        path.write_text(f"{text}\n", "utf-8")
    total = sum(map(len, files.values()))
    sys.stdout.write(f"{FOLDER}: {len(files)} photographs, {total} bytes\n")


if __name__ == "__main__":
    try:
        main()
    except PackError as error:
        sys.exit(str(error))
