"""AlexNet's classifier: fetched on request, and what is said where it can't be."""

import hashlib
import io
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest
import torch
import torchvision

import featviz as fv
from featviz.zoo import classifier
from featviz.zoo.weights import WeightsError


def made_up() -> bytes:
    """A state dict of AlexNet's shapes in a few kilobytes: every tensor is one number, repeated."""
    with torch.device("meta"):
        shapes = torchvision.models.alexnet(weights=None).state_dict()
    state = {
        name: torch.full((1,), 0.01 * i).expand(v.shape)
        for i, (name, v) in enumerate(shapes.items())
    }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


class Quiet(SimpleHTTPRequestHandler):
    """A file server that doesn't write to the terminal."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of made-up weights; gives (address, file name) and an empty cache for torch."""
    data = made_up()
    folder = tmp_path / "served"
    folder.mkdir()
    name = f"alexnet-made-up-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    (folder / name).write_bytes(data)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    httpd = HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}", name
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_the_whole_of_alexnet_is_fetched_once_and_scores_classes(server, monkeypatch, capsys):
    address, name = server
    monkeypatch.setattr(classifier, "URL", f"{address}/{name}")
    net = fv.load("alexnet", classifier=True)
    assert len(net.classes) == 1000
    assert net.layers == ("conv1", "conv2", "conv3", "conv4", "conv5")
    assert not net.module.training
    image = torch.full((3, 224, 224), 0.5)
    assert fv.activations(net, image, ["output"])["output"].shape == (1, 1000)
    assert "100%" in capsys.readouterr().err  # the progress bar
    monkeypatch.setattr(torch.hub, "download_url_to_file", None)  # a second download would fail
    assert fv.load("alexnet", classifier=True).fingerprint == net.fingerprint


def refusal(url: str) -> str:
    with pytest.raises(WeightsError) as caught:
        classifier.load_classifier(url)
    return str(caught.value)


def test_without_a_network_one_sentence_says_which_file_goes_where(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    said = refusal("http://127.0.0.1:9/alexnet-made-up-12345678.pth")
    assert said.startswith("the classifier's weights can't be downloaded (")
    assert f"into the folder {tmp_path / 'hub' / 'checkpoints'}." in said
    assert "put the file alexnet-made-up-12345678.pth (http://127.0.0.1:9/" in said
    assert "\n" not in said
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_missing_page_says_the_same(server):
    assert "can't be downloaded (" in refusal(f"{server[0]}/alexnet-12345678.pth")


def test_another_file_under_that_name_is_refused(server, tmp_path):
    address, name = server
    served = tmp_path / "served" / name
    served.write_bytes(served.read_bytes() + b"x")
    assert "is not the published file" in refusal(f"{address}/{name}")
    assert not classifier.cached(f"{address}/{name}").exists()


def test_a_damaged_file_in_the_cache_is_refused(server):
    address, name = server
    path: Path = classifier.cached(f"{address}/{name}")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    assert f"the file {path} is damaged or not the published one; delete it" in refusal(
        f"{address}/{name}"
    )


def test_squeezenet_brings_its_own_classifier():
    assert len(fv.load("squeezenet", classifier=True).classes) == 1000


def test_torchvisions_address_carries_a_hash():
    assert classifier.cached().name.endswith("-7be5be79.pth")
