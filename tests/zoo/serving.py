"""Servers of made-up weights, and state dicts in a few kilobytes."""

import hashlib
import io
import threading
from contextlib import contextmanager
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import torch
import torchvision


def repeated(shapes: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A state dict of these shapes in a few kilobytes: every tensor is one number, repeated."""
    return {
        name: torch.full((), 0.001 * (i % 7), dtype=value.dtype).expand(value.shape)
        for i, (name, value) in enumerate(shapes.items())
    }


def made_up(architecture: str, **options: object) -> dict[str, torch.Tensor]:
    """Such a state dict of one of torchvision's architectures."""
    with torch.device("meta"):
        module = torchvision.models.get_model(architecture, weights=None, **options)
    return repeated(module.state_dict())


def saved(state: dict[str, torch.Tensor], **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer, **options)
    return buffer.getvalue()


class Quiet(SimpleHTTPRequestHandler):
    """A file server that doesn't write to the terminal."""

    def log_message(self, *_: object) -> None:
        pass


class Hub(Quiet):
    """The part of the hub that gives files: OWNER/NAME/resolve/main/FILE."""

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.replace("/resolve/main/", "/"))

    def end_headers(self) -> None:
        try:
            data = Path(self.translate_path(self.path)).read_bytes()
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        except OSError:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("X-Repo-Commit", "1" * 40)
        super().end_headers()


class Cut(Quiet):
    """A server that breaks off half-way."""

    def copyfile(self, source: io.BufferedReader, outputfile: io.BufferedWriter) -> None:
        outputfile.write(source.read()[:100])


@contextmanager
def serving(folder, kind=Quiet):
    """Gives the address of a server of the files in a folder."""
    httpd = HTTPServer(("127.0.0.1", 0), partial(kind, directory=str(folder)))
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}"
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()
