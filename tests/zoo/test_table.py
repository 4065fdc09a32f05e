"""The table of networks that work is whole, is what comes out today, and its page shows it."""

import json
from dataclasses import asdict, fields, replace

import pytest
from torch import nn

import featviz as fv
from featviz.article.bridge import networks
from tests.networks import SmallCNN
from tests.zoo import checks, table
from tests.zoo.roster import ROSTER, network

QUICK = ("squeezenet1_1", "mobilenet_v3_small", "hf:ResNetForImageClassification")
"""Rows that are made anew each time: seconds each."""

NAMED = {
    "vgg16",
    "resnet50",
    "googlenet",
    "inception_v3",
    "timm:legacy_xception",
    "timm:xception71",
}


def test_every_network_has_its_row():
    rows = table.read()
    assert list(rows) == list(ROSTER)
    assert set(rows) >= NAMED
    assert len(rows) >= 5 + 20
    for name, row in rows.items():
        assert row.name == name
        assert row.layers > 0


def test_the_networks_that_people_name_do_all_of_it():
    rows = table.read()
    for name in (*NAMED, *QUICK):
        assert not any(getattr(rows[name], check) for check in checks.CHECKS), name


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", QUICK)
def test_the_table_is_what_comes_out(name):
    assert checks.row(network(name)) == table.read()[name]


class Wrong(nn.Module):
    """A network without maps, of classes that nothing moves."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, images):
        return self.conv(images.round() * 0).mean((2, 3))


def test_a_network_that_does_not_work_has_no_empty_cells():
    row = checks.row(fv.Network(Wrong().eval(), size=24, name="wrong"))
    assert row.activations == row.untouched == ""
    assert "the noise at their start" in row.ascent
    assert "the noise at their start" in row.logit
    assert row.microscope


def test_a_change_of_the_module_is_seen():
    module = SmallCNN().eval()
    before = checks._state(module)
    assert checks._equal(before, checks._state(module))
    module.classifier[3].bias.data += 1
    assert not checks._equal(before, checks._state(module))
    module.classifier[3].bias.data -= 1
    module.features[1].inplace = False
    assert not checks._equal(before, checks._state(module))


def test_the_page_says_yes_no_and_why():
    good = checks.Row("good", 64, 3, 51, "", "", "", "", "", "")
    bad = replace(good, name="bad", field=checks.WHOLE, gradcam="the map is another")
    assert {*networks.COLUMNS} == {*checks.CHECKS}
    assert [field.name for field in fields(checks.Row)][-len(networks.COLUMNS) :] == list(
        networks.COLUMNS
    )
    shown = networks.table(json.dumps([asdict(good), asdict(bad)]))
    assert shown.startswith("1 of 2 networks do all of it.")
    assert "| `good` | 64 | 3 | 51 | yes | yes | yes | yes | yes | yes |" in shown
    assert "| `bad` | 64 | 3 | whole image | yes | yes | no | yes | yes | yes |" in shown
    assert "- `bad`, Grad-CAM: `` the map is another ``" in shown
