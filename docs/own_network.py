# ---
# title: "Your own network: what changes while it learns?"
# description: A small network trained on this page, looked into before, during and after training. Copy the page and put in your own.
# ---

# %% [markdown]
# # Your own network: what changes while it learns?
#
# <p class="lede" markdown>AlexNet came to us trained. To see learning itself, this page trains a network of three layers,
# in {{ steps }} steps, and looks into it on the way. In the end it recognizes {{ accuracy }} of pictures it has never seen
# ({{ accuracy_low }} to {{ accuracy_high }}, n = {{ held_out }}). The page is also a template: all of its code stands below
# in the order it runs. Put in your own module and your own pictures, and keep the rest.</p>
#
# ## Pictures

# %% tags=["hide"]
import torch
from torch import nn
from torch.nn import functional as F

import featviz as fv
from featviz.article.studies import own_network as study
from featviz.article.studies.own_network_data import KINDS, draw

# %%
study.examples()

# %% [markdown]
# ## The network and its training
#
# Three convolutions, each with batch norm and a ReLU behind it; then the mean over all places and one weight for each unit and
# kind. Nothing in it knows about featviz.


# %% tags=["show-code"]
class ThreeLayers(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 7, stride=2, padding=3)
        self.norm1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 5, padding=2)
        self.norm2 = nn.BatchNorm2d(32)
        self.conv3 = nn.Conv2d(32, 48, 3, padding=1)
        self.norm3 = nn.BatchNorm2d(48)
        self.classify = nn.Linear(48, len(KINDS))

    def forward(self, x):
        x = F.max_pool2d(self.norm1(self.conv1(x)).relu(), 2)
        x = self.norm2(self.conv2(x)).relu()
        x = self.norm3(self.conv3(x)).relu()
        return self.classify(x.mean((2, 3)))


def fresh(seed):
    torch.manual_seed(seed)
    return ThreeLayers()


# %% [markdown]
# featviz needs to know three things about a module: by which mean and deviation its images are normalized, what to
# call its layers, and what its classes are. Training is PyTorch as in any course, with a copy of the network set aside now and then.

# %% tags=["show-code"]
MEAN, STD = [0.5] * 3, [0.25] * 3
STEPS, KEEP = 600, (0, 10, 30, 60, 100, 200, 300, 450, 600)


def look_into(module):
    return fv.Network(module, MEAN, STD, name="three layers", classes=KINDS)


def train(module):
    images, labels = draw(2400, seed=0)
    order = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(module.parameters(), weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=STEPS + 1)
    for step in range(STEPS + 1):
        if step in KEEP:
            copy = ThreeLayers().eval()
            copy.load_state_dict(module.state_dict())
            yield step, look_into(copy)
        batch = torch.randint(len(images), (32,), generator=order)
        loss = F.cross_entropy(module((images[batch] - 0.5) / 0.25), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


networks = dict(train(fresh(0)))
net = networks[STEPS]
untrained = [look_into(fresh(seed)) for seed in range(1, 6)]

# %% tags=["hide-code"]
study.numbers(networks, untrained)

# %% [markdown]
# ## Before, during, after

# %%
study.learning(networks)

# %% [markdown]
# Before training every unit has a picture too: whatever its random weights add up to. Move the slider slowly, once for conv1 and once
# for conv3: conv1 changes least, conv3 and the classes go on changing. That can be measured.

# %%
study.settling(networks)

# %% [markdown]
# *Wrong if* conv1's curve rose with the others'; conv2's and conv3's do rise together.
# { .wrong-if }
#
# After {{ early }} of {{ steps }} steps the activations of a unit of conv1 correlate with those at the end by {{ settled_conv1 }} in the mean, those
# of conv2 by {{ settled_conv2 }} and of conv3 by {{ settled_conv3 }} (95% intervals over units). One reason is
# seen at the left end: much of what a filter of conv1 passes it passes with random weights too.
#
# All of these pictures are found in one way: start from noise and change the image, not the weights, until the unit is as active
# as can be. [The loop in fifteen lines](chapters/ascent.py#the-loop-in-fifteen-lines) stands in [](chapters/ascent.py), and it runs on this
# network too.
#
# ## Which parts of a picture light up?

# %%
study.attributions(net)

# %% [markdown]
# conv1's evidence follows edges. conv3's lies on a part of each figure and not on the whole: as if one piece of a ring were enough to
# tell it from the other kinds.
#
# ## What the shallow and the deep layer do

# %%
study.readers(net, untrained)

# %% [markdown]
# *Wrong if* conv1 told shapes as well as conv3 does.
# { .wrong-if }
#
# conv1 alone tells {{ textures_conv1 }} of the textures but {{ shapes_conv1 }} of the shapes; conv3 tells {{ textures_conv3 }}
# and {{ shapes_conv3 }}. Untrained layers of the same size tell {{ naive_shapes }} of the shapes at conv3, so that depth
# alone is not what does it. This is one small network, trained once; [shallow versus deep](chapters/depth.py) asks the same of AlexNet.
