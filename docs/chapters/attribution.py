# ---
# title: "Attribution: what lit up?"
# description: Where in a photograph each layer is active, on one scale; what a place means to a layer; which layer can tell a cat from a cup, measured, with controls.
# ---

# %% [markdown]
# # Attribution: what lit up?
#
# <p class="lede" markdown>Show AlexNet a photograph, and every layer is active at other places of it: shallow layers at
# contours, with many units, whatever one asks; deep layers with few units, which depend on what is there. When two photographs stand
# side by side, {{ share_first }} of Grad-CAM's evidence for one's class lies on the right one at SqueezeNet's first layer, no better
# than a coin, and {{ share_last }} at its last.</p>
#
# A map over a photograph is quickly made and easily believed. So every map in this chapter has one scale with those it is
# compared with, and every number stands beside that of a map that knows nothing.
#
# ## Where is each layer active?
#
# The simplest question needs no gradient and no class. At each place a layer has a vector, one number per unit; its
# length says how active the layer is there.

# %% tags=["hide"]
from featviz.article.studies import attribution as study
from featviz.article.studies import attribution_controls

# %% tags=["hide-code"]
attribution_controls.numbers()

# %% tags=["hide-code"]
attribution_controls.cat_found()

# %% tags=["hide-code"]
study.photo_picker()

# %%
study.activation_maps()

# %% [markdown]
# Tools that stretch each map to its own minimum and maximum turn a silent layer into one that shines. Here each layer is divided by
# *one* number for all photographs, its mean. What remains comparable is where a layer is active, and how much more there than elsewhere.
#
# Strength alone hardly tells layers apart: half of conv1's lies on {{ half_first }} of its places, half of conv5's on {{ half_last }}.
# What changes is how many units share it. On these photographs {{ active_first }} of the units are active at a place of conv1, and
# {{ active_last }} at a place of conv5. So we have to ask *which*.
#
# ## What does a place mean to a layer?
#
# The units with the largest values at a place, each with a [picture of what excites it](ascent.py), translate the place into what the
# network sees there[^olah2018]. That units detect what their pictures show is the assumption of this section.

# %%
study.what_a_place_means()

# %% [markdown]
# Three units are a small part of a layer. Units that are active together can be
# counted as one: non-negative matrix factorization[^lee1999] puts {{ grouped }} into {{ groups }} groups, which make up
# {{ explained }} of its squared activation on these photographs. The rest is lost: the groups are a summary, not the layer.

# %%
study.groups()

# %%
study.group_pictures()

# %% [markdown]
# ## Why is a unit active?
#
# We ask which places of each layer before it *made* a unit active: the gradient
# of the unit with respect to the layer, times the layer's value, summed over units. To first order these are the parts that
# the activation is the sum of, and they have a sign. For and against nearly cancel at conv1, where {{ net_first }} of
# all evidence is left over; at conv4 it is {{ net_late }}.

# %%
study.unit_evidence()

# %% [markdown]
# Grad-CAM[^selvaraju2017] asks more coarsely. It weighs each unit of a layer by how much the unit of conv5 would rise if that one rose
# everywhere, adds up the weighted maps and keeps what is positive. We compute it with torch-cam, on a copy of the network whose
# in-place ReLUs are off. Compare a shallow and a deep layer: conv1 has a place every
# {{ stride_conv1 }} pixels and knows contours only; conv4 is the last that conv5 reads, and has one every {{ stride_conv4 }}.

# %%
study.unit_cam()

# %% [markdown]
# ## Which places speak for a class?
#
# AlexNet's part in this article ends at conv5 and has no classes. SqueezeNet[^iandola2016] is a whole classifier of the same accuracy,
# small enough to ship. So here torch-cam's Grad-CAM asks for the class score in place of a unit.

# %%
study.class_evidence()

# %% [markdown]
# ## Why these layers?
#
# Most tutorials show one map of the last layer. Five depths show more, because not every layer can answer every question. To measure
# which can, we need photographs where the right answer is known. Two side by side are enough[^boehle2021]: evidence for
# *{{ cat }}* belongs on the cat's half, evidence for *{{ drink }}* on the cup's.

# %%
study.two_at_once()

# %% [markdown]
# The center of the evidence for the cat at fire9 lies at {{ cat_center }} of the width, well inside the animal's half; those of
# {{ draws }} random maps at {{ random_center }} on average, on the seam. One pair proves little, so here are all {{ photos }} photographs.

# %%
attribution_controls.why_these_layers()

# %% [markdown]
# *Localization.* At conv1 {{ share_first }} of Grad-CAM's evidence lies on the right photograph (95% interval {{ share_first_interval }}),
# no better than random maps. At fire9 it is {{ share_last }} ({{ share_last_interval }}), {{ share_moved }} more on the same pairs.
#
# *Class-specificity.* At conv1 Grad-CAM's maps of two different classes agree with a rank correlation of {{ agree_first }}; at fire9 of
# {{ agree_last }}. A shallow map shows where there is something to see, whatever one asks for.
#
# *Fineness.* conv1 has a place every {{ stride_first }} pixels, fire9 one every {{ stride_last }}. In exchange the evidence gathers:
# half of it lies on {{ area_first }} of the places at conv1 and on {{ area_last }} at fire9.
#
# So we read shallow layers for *what is there* and deep layers for *what it is evidence for*.
#
# *Wrong if* Grad-CAM at conv1 had pointed to the right photograph, or the maps of two classes had agreed at fire9. Class evidence comes
# from SqueezeNet and activation maps from AlexNet: depths of two networks are alike, not equal.
# { .wrong-if }
#
# Grad-CAM is one method of many, and a map can look right and say nothing about the network: whether such maps can be trusted is
# measured in [](trust.py), with controls.
#
# ## The same with your own photograph

# %% tags=["show-code"]
import featviz as fv
from featviz import photos
from featviz.attribution.attribute import attribute

net = fv.load("squeezenet")
photo = photos.load("chelsea", 224)
heat = attribute(net, photo.image, "tabby", "features.12", "gradcam")
tuple(heat.map.shape), round(heat.value, 1)

# %% [markdown]
# **Photographs.** {{ credits }}.
