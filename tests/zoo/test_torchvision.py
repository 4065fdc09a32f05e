"""torchvision's classifiers give what torchvision's own give, from weights of many kinds."""

import pytest
import safetensors.torch
import torch
from torch import nn
from torchvision import models

import featviz as fv
from featviz.zoo import files
from featviz.zoo.weights import WeightsError

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def unchecked(monkeypatch):
    """Weights that nobody publishes, under the names of those that torchvision does."""
    monkeypatch.setattr(files, "expected", lambda url: "")


def random(architecture, **options):
    """A random network, alive to its last layer."""
    torch.manual_seed(0)
    module = models.get_model(architecture, weights=None, **options).eval()
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_mean, -0.1, 0.1)
    return module


def published(architecture):
    return models.get_model_weights(architecture).DEFAULT


def keep(state, architecture, folder):
    path = folder / files.cached(published(architecture).url).name
    torch.save(state, path)
    return path


INCEPTION = {"transform_input": True, "init_weights": False}


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("googlenet", INCEPTION),
        ("mobilenet_v3_small", {}),
        ("regnet_y_400mf", {}),
        ("shufflenet_v2_x0_5", {}),
        ("mnasnet0_5", {}),
    ],
)
def test_a_network_gives_what_torchvisions_own_gives(architecture, options, tmp_path):
    module = random(architecture, **options)
    keep(module.state_dict(), architecture, tmp_path)
    net = fv.load(architecture, weights=tmp_path)
    preset = published(architecture).transforms()
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (preset.mean, preset.std))
    with torch.no_grad():
        expected = module((IMAGES - mean) / std)
        given = net.module(net.normalize(IMAGES))
    assert expected.std() > 0.01
    torch.testing.assert_close(given, expected, rtol=1e-3, atol=1e-4 * expected.std().item())
    assert net.name == architecture
    assert net.classes[281] == "tabby"
    assert not net.module.training
    assert not any(name.startswith(("aux", "Aux")) for name, _ in net.module.named_modules())


def test_old_names_of_densenet_are_read(tmp_path):
    module = random("densenet121")
    old = {
        key.replace("norm1", "norm.1").replace("conv2", "conv.2"): value
        for key, value in module.state_dict().items()
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    # They are older than batch norm's count, too.
    old = {key: value for key, value in old.items() if "num_batches_tracked" not in key}
    net = fv.load("densenet121", weights=keep(old, "densenet121", tmp_path))
    with torch.no_grad():
        expected = module(net.normalize(IMAGES))
        assert net.module(net.normalize(IMAGES)).equal(expected)


@pytest.mark.parametrize("architecture", ["mobilenet_v3_small", "mnasnet0_5", "squeezenet1_1"])
def test_weights_of_ones_own_may_have_other_classes(architecture, tmp_path):
    path = tmp_path / "mine.safetensors"
    safetensors.torch.save_file(random(architecture, num_classes=7).state_dict(), path)
    net = fv.load(path, architecture=architecture)
    assert net.units("output") == 7
    assert net.classes == ()
    assert fv.load(architecture, weights=path).fingerprint == net.fingerprint


def test_a_file_without_the_heads_of_training_is_whole(tmp_path):
    module = random("googlenet", aux_logits=False, **INCEPTION)
    path = tmp_path / "mine.pth"
    torch.save(module.state_dict(), path)
    net = fv.load(path, architecture="googlenet")
    with torch.no_grad():
        torch.testing.assert_close(
            net.module((IMAGES - 0.5) / 0.5),
            module(fv.Network(module).normalize(IMAGES)),
            rtol=1e-3,
            atol=1e-4,
        )


def test_other_published_weights_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    first = files.cached(models.ResNet50_Weights.IMAGENET1K_V1.url)
    first.parent.mkdir(parents=True)
    torch.save(random("resnet18").state_dict(), first)
    with pytest.raises(WeightsError, match=r"; torch's cache has weights='IMAGENET1K_V1'\.$"):
        fv.load("resnet50")
    with pytest.raises(WeightsError, match=r"resnet50-0676ba61.*don't fit ResNet: "):
        fv.load("resnet50", weights="IMAGENET1K_V1")
    with pytest.raises(WeightsError) as caught:
        fv.load("resnet50", weights="V3")
    assert str(caught.value) == (
        "there is no file or folder 'V3' of weights, and those published for resnet50 are called "
        "IMAGENET1K_V1 and IMAGENET1K_V2."
    )
