# ---
# title: From edges to a face
# description: Units of AlexNet taken apart down to the first layer, and the parts taken away to see whether the unit was made of them.
# ---

# %% [markdown]
# # From edges to a face
#
# <p class="lede" markdown>A face in conv5 reads faces and eyes in conv4, rings and fur in conv3, stripes and color in conv1. It depends on them: without
# the {{ keep }} units of each layer that add most, {{ circuit_removed_conv5_4 }} of the response of conv5's units is left; without as many
# random units, as active, {{ random_removed_conv5_4 }}. But nothing is made of these units alone: with all others silenced,
# {{ circuit_kept_conv5_16 }} is left even with {{ most }} a layer. Circuits this small tell what a unit cannot do without, not all that
# it is made of.</p>

# %% tags=["hide"]
from featviz.article.studies import circuits as study

# %% tags=["hide-code"]
study.numbers()

# %% [markdown]
# *Zoom In*[^olah2020] read circuits from the weights of another network by hand. Here they are computed for every unit but those of conv1,
# which read the pixels. On the {{ best }} photographs where a unit is strongest, its value is divided among the units of each earlier layer
# (activation times gradient); the {{ keep }} with the largest parts stand in a column. Photographs that choose don't test:
# {{ sought }} choose, {{ tested }} others test.

# %%
study.walk()

# %% [markdown]
# Kernels show where a unit reads another. *Through all between* are the expanded weights[^voss2021]: all paths from one unit to the other,
# as if ReLUs let everything pass and pooling took the mean.
#
# ## One face, one eye
#
# Picture and weight say the same of [conv5:143](../microscope.py#conv5-143): of conv4 it reads most of all {{ face_conv4_1 }}, faces
# with dark eyes ({{ face_conv4_1_weight }}), which adds {{ face_conv4_1_adds }} of its value on photographs. Taken away alone, it leaves
# {{ face_conv4_1_left }}. [conv5:159](../microscope.py#conv5-159), eyes, reads the same unit ({{ eye_conv4_1_weight }}). In conv3 both
# turn to rings: {{ eye_conv3_1 }} adds {{ eye_conv3_1_adds }} to the eye, and without it {{ eye_conv3_1_left }} is left, less than without
# any one unit of conv4.

# %%
study.steps()

# %% [markdown]
# A large part isn't a large loss: {{ face_conv4_2 }} adds {{ face_conv4_2_adds }} to the face, and without it {{ face_conv4_2_left }} is
# left. Others that see the same may stand in for it.
#
# *Wrong if* nothing were lost without the units that add most.
# { .wrong-if }
#
# ## Taken away
#
# Two units prove nothing, and we chose them. So we drew {{ proved }} units of each of three layers, and tested their circuits both
# ways[^wang2023].

# %%
study.proof()

# %% [markdown]
# Without its circuit of {{ keep }} a layer, a unit of conv5 loses {{ more_removed_conv5_4 }} percentage points more than without random
# units (95% interval), one of conv4 {{ more_removed_conv4_4 }}, one of conv3 {{ more_removed_conv3_4 }}. Kept alone, {{ most }} a layer
# give a unit of conv3 {{ circuit_kept_conv3_16 }} of its response and those of conv4 and conv5 nothing: too little passes through
# layers of which most is silenced.
#
# *Wrong if* random units had been missed as much.
# { .wrong-if }
#
# ## Where the story fails
#
# For {{ failing_conv3 }}, {{ failing_conv4 }} and {{ failing_conv5 }} of {{ proved }} units of conv3, conv4 and conv5, random units are
# missed as much as the circuit, or more.

# %%
study.failures()

# %% [markdown]
# ## Motifs
#
# *Zoom In* names patterns that return in many circuits. We counted three, the first in two ways.

# %%
study.motifs()

# %% [markdown]
# *The same at another angle.* {{ quarter_conv1 }} filters of conv1 have a partner at a quarter turn, and of conv3 {{ quarter_conv3 }}. Mirror
# images are what remains: {{ mirror_conv5 }} units of conv5 are more alike to their own mirror image than to themselves upside down, and
# with the pixels of each kernel dealt anew {{ mirror_conv5_chance }}. Part of that is inherited: what reads units that are like their mirror
# images is like its own, whatever its kernels. In conv4 that is nearly all: dealt kernels make {{ mirror_conv4_chance }}, the real ones
# {{ mirror_conv4 }}.
#
# *Union over cases.* Units read a unit and its mirror image together more often than other pairs: {{ union_conv1 }} cases in conv2, by chance
# {{ union_conv1_chance }}.
#
# *Inhibition across.* Its own orientation excites and the crossing one inhibits {{ crossing_conv1 }} oriented units of conv2, by
# chance {{ crossing_conv1_chance }}; in conv5 {{ crossing_conv4 }}, by chance {{ crossing_conv4_chance }}: deep down little of it is left.
#
# *Wrong if* dealt weights had made as many. Of conv1's mirror images they do: {{ mirror_conv1 }}, dealt {{ mirror_conv1_chance }}.
# { .wrong-if }
