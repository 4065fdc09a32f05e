"""A pass is in full float32 and repeatable; the caller's modes and module stay as they are."""

from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest
import torch

import featviz as fv
from featviz.attribution.groups import channel_attribution
from featviz.network.network import private_view
from featviz.network.passes import own_mode
from tests.networks import CLASSES, LAYERS, SmallCNN

BACKENDS = torch.backends
GENERAL = (
    *(BACKENDS, BACKENDS.cudnn, BACKENDS.mkldnn),
    *(BACKENDS.cuda.matmul, BACKENDS.mkldnn.matmul),
)
SETTINGS = (
    *GENERAL,
    *(BACKENDS.cudnn.conv, BACKENDS.cudnn.rnn, BACKENDS.mkldnn.conv, BACKENDS.mkldnn.rnn),
)
PHOTO = torch.rand(3, 48, 48, generator=torch.Generator().manual_seed(0))
CLIMB = {"size": 24, "steps": 2, "precision": "float32", "progress": False}
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no graphics card")

CALLERS = {
    "nothing": lambda: None,
    "the fastest convolutions": lambda: setattr(BACKENDS.cudnn, "benchmark", True),
    "all work": lambda: setattr(BACKENDS, "fp32_precision", "tf32"),
    "graphics cards": lambda: setattr(BACKENDS.cudnn, "fp32_precision", "tf32"),
    "products": lambda: setattr(BACKENDS.cuda.matmul, "fp32_precision", "tf32"),
    "products, by the older name": lambda: setattr(BACKENDS.cuda.matmul, "allow_tf32", True),
    "products, everywhere": lambda: torch.set_float32_matmul_precision("medium"),
}


REPEATABLE = (*["ieee"] * len(SETTINGS), True, False)


def modes():
    precisions = [setting.fp32_precision for setting in SETTINGS]
    return (*precisions, BACKENDS.cudnn.deterministic, BACKENDS.cudnn.benchmark)


@pytest.fixture(params=CALLERS)
def caller(request):
    CALLERS[request.param]()
    yield modes()
    BACKENDS.cudnn.benchmark = False
    torch.set_float32_matmul_precision("highest")
    for setting in GENERAL:
        setting.fp32_precision = "none"


class Watched(SmallCNN):
    """Notes the modes of all its passes."""

    seen: ClassVar = []  # of the class, because modules are copied

    def forward(self, images):
        self.seen.append(modes())
        return super().forward(images)


@pytest.fixture
def watched():
    Watched.seen.clear()
    return fv.Network(Watched().eval(), layers=LAYERS, classes=CLASSES)


@pytest.mark.parametrize(
    "ask",
    [
        lambda net: fv.maximize(net, ["conv3:1", "conv2:3@center", "bee"], **CLIMB),
        lambda net: fv.evaluate(net, "conv3:1", PHOTO),
        lambda net: fv.activations(net, PHOTO, "conv2:relu"),
        lambda net: fv.attribute(net, PHOTO, "bee", "conv2", "gradcam"),
        lambda net: fv.attribute(net, PHOTO, "bee", "conv2", "integrated"),
        lambda net: channel_attribution(net, PHOTO, "bee", "conv2"),
    ],
    ids=["ascent", "values", "activations", "torchcam's maps", "our maps", "units"],
)
def test_passes_are_repeatable_and_the_callers_modes_come_back(caller, watched, ask):
    ask(watched)
    assert set(Watched.seen) == {REPEATABLE}
    assert modes() == caller


def test_the_callers_modes_come_back_after_an_error(caller):
    @own_mode()
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert modes() == caller


def test_threads_do_not_take_each_others_modes_for_the_callers(caller, watched):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fv.activations(watched, PHOTO, "conv3"), range(16)))
    assert set(Watched.seen) == {REPEATABLE}
    assert modes() == caller


def test_what_follows_a_more_general_setting_goes_on_following_it(watched):
    fv.activations(watched, PHOTO, "conv3")
    before = modes()
    BACKENDS.cudnn.fp32_precision = "ieee"
    assert BACKENDS.cudnn.conv.fp32_precision == BACKENDS.cuda.matmul.fp32_precision == "ieee"
    BACKENDS.cudnn.fp32_precision = "none"
    assert modes() == before


@pytest.mark.parametrize("network", ["small", "alexnet"])
@CUDA
def test_a_graphics_card_computes_in_float32(request, network):
    network = request.getfixturevalue(network)
    photo = torch.rand(2, 3, 227, 227, generator=torch.Generator().manual_seed(0))
    deep = network.layers[-1]
    BACKENDS.cuda.matmul.allow_tf32 = True
    try:
        found = fv.activations(network, photo.cuda(), deep).cpu()
        shares = fv.attribute(network, photo[0].cuda(), f"{deep}:1", network.layers[0], "gradient")
    finally:
        BACKENDS.cuda.matmul.allow_tf32 = False
        BACKENDS.cuda.matmul.fp32_precision = "none"
    expected = fv.activations(network, photo, deep)
    # TF32 is off by 3e-4 and more; what remains is that sums are added in another order.
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()
    expected = fv.attribute(network, photo[0], f"{deep}:1", network.layers[0], "gradient").map
    assert (shares.map - expected).abs().max() < 1e-5 * expected.abs().max()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@CUDA
def test_a_graphics_card_gives_the_same_bits_again(alexnet, precision):
    options = {"size": 64, "steps": 8, "device": "cuda", "precision": precision}
    objectives = ["conv1:relu:1", "conv3:1", "conv5:9", "conv5:3@center"]
    one, other = (fv.maximize(alexnet, objectives, progress=False, **options) for _ in range(2))
    assert one.images.equal(other.images)
    assert one.values.equal(other.values)
    alone = fv.maximize(alexnet, objectives, batch=1, progress=False, **options)
    assert alone.images.equal(one.images)


# ---- what a pass may write into -----------------------------------------------------------------


class Counting(SmallCNN):
    """Writes into a buffer, but only when it sees bright images: no trial pass would show it."""

    def __init__(self):
        super().__init__()
        self.register_buffer("bright", torch.zeros(3))

    def forward(self, images):
        if images.mean() > 0.9:
            self.bright += 1
        return super().forward(images)


def test_a_pass_that_writes_into_a_buffer_leaves_the_callers_alone():
    module = Counting().eval()
    network = fv.Network(module, (0.0,) * 3, (1.0,) * 3, layers=LAYERS)
    for light in (0.5, 1.0):
        fv.activations(network, torch.full((3, 48, 48), light), "conv3")
        fv.maximize(network, "conv3:1", start=torch.full((3, 48, 48), light), steps=1)
    assert module.bright.tolist() == [0, 0, 0]
    view = private_view(network)
    view(torch.ones(1, 3, 48, 48))
    assert view.bright.tolist() == [1, 1, 1]
