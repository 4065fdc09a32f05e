# ---
# title: "Attribution: what lit up?"
# description: Which places of a photograph each layer answers to, on one scale; what a place means to a layer; which layer can tell a cat from a cup, measured, with controls.
# ---

# %% [markdown]
# # Attribution: what lit up?
#
# <p class="lede" markdown>Show AlexNet a photograph, and every layer answers to other places of it. Shallow layers answer to
# contours, with many units, and to the same ones whatever one asks; deep layers answer with few units, and can tell what they
# answer for. AlexNet's convolutions know no classes, so we ask SqueezeNet: when two photographs stand side by side,
# {{ share_first }} of Grad-CAM's evidence for one's class lies on the right one at its first layer, no better than a coin, and
# {{ share_last }} at its last.</p>
#
# A map over a photograph is quickly made and easily believed. So every map in this chapter has one scale with those it is
# compared with, and every number stands beside that of a map that knows nothing.
#
# ## Which places does each layer answer to?
#
# The simplest question needs no gradient and no class. At each place a layer has a vector, one number per unit; its
# length says how strongly the layer answers there.

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
# Layers speak in units of their own: a 20 at conv1 and a 20 at conv5 have nothing to do with each other. Tools that
# stretch each map to its own minimum and maximum hide this, and turn a layer that hears nothing into one that
# shines. In [](#fig-activation-maps) each layer is divided by *one* number for all photographs, its mean. What
# remains comparable is where a layer answers, and how much more there than elsewhere.
#
# Strength alone hardly tells layers apart: half of conv1's lies on {{ half_first }} of its places, half of conv5's on {{ half_last }}.
# What changes is who answers. At a place of conv1 {{ active_first }} of the units are active, at a place of conv5 {{ active_last }}. A few
# units that differ from place to place say more than many that answer everywhere. So we have to ask *what* was heard.
#
# ## What does a place mean to a layer?
#
# A place has a vector, and the vector has names: the units with the largest values. Each unit has a picture of what it
# looks for ([how it is made](ascent.py)). Together they translate a place into what the network sees
# there[^olah2018]. That units are what their pictures look like is the assumption of this whole section.

# %%
study.what_a_place_means()

# %% [markdown]
# A layer has hundreds of units, and three of them are a small part of what it says. Units that answer together can be
# counted as one: non-negative matrix factorization[^lee1999] puts {{ grouped }} into {{ groups }} groups, which make up
# {{ explained }} of its squared activation on these photographs. The rest is lost: the groups are a summary, not the layer.

# %%
study.groups()

# %%
study.group_pictures()

# %% [markdown]
# ## Why does a unit answer?
#
# Activation says that a unit answered. To learn why, we ask which places of each layer before it *made* it answer: the gradient
# of the unit with respect to the layer, times what the layer said, summed over units. To first order these are the parts that
# the unit's activation is the sum of, and they have a sign. For and against nearly cancel at conv1, where {{ net_first }} of
# all evidence is left over; at conv4 it is {{ net_late }}.

# %%
study.unit_evidence()

# %% [markdown]
# ## Which places speak for a class?
#
# The part of AlexNet that ships with featviz ends at conv5 and knows no classes. A whole classifier of the same accuracy is
# small enough to ship: SqueezeNet[^iandola2016]. Grad-CAM[^selvaraju2017] weighs each unit of a layer by how much the class score would rise if the
# unit rose everywhere, and adds up the weighted maps. We compute it with torch-cam, on a copy of the network whose
# in-place ReLUs are off.

# %%
study.class_evidence()

# %% [markdown]
# ## Why these layers?
#
# Most tutorials show one map of the last layer. We show five depths, because the question "what lit up?" has another answer at each, and
# because not every layer can answer every question. To measure which can, we need photographs where the right answer is known.
# Two photographs side by side are enough[^boehle2021]: evidence for *{{ cat }}* belongs on the cat's half, evidence for *{{ drink }}* on the cup's.

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
# {{ agree_last }}. A shallow map shows where there is something to see, whatever one asks for. Only a deep one answers the question.
#
# *Fineness.* The price is resolution: conv1 has a place every {{ stride_first }} pixels, fire9 one every {{ stride_last }}. In exchange the evidence gathers:
# half of it lies on {{ area_first }} of the places at conv1 and on {{ area_last }} at fire9.
#
# So we read shallow layers for *what is there* and deep layers for *what it speaks for*, and show those in between
# because the change from one to the other is what this article is about.
#
# Grad-CAM is one method of many, and a map can look right and say nothing about the network: whether such maps can be trusted is
# measured in [](trust.py), with controls.
#
# ## What would have proved this wrong
#
# - Had Grad-CAM at conv1 pointed to the right photograph in [](#fig-why-these-layers), or had the maps of two classes agreed at
#   fire9, we would have had to say the opposite of shallow and deep layers.
#
# ## What is left open
#
# - The measures stand on {{ photos }} photographs.
# - Class evidence comes from SqueezeNet, activation maps from AlexNet. Depths of two networks are alike, not equal.
#
# To do the same with your own photograph:

# %% tags=["show-code"]
import featviz as fv
from featviz import photos
from featviz.attribution.attribute import attribute

net = fv.load("squeezenet")
photo = photos.load("chelsea", 224)
heat = attribute(net, photo.image, "tabby", layer="features.12", method="gradcam")
tuple(heat.map.shape), round(heat.value, 1)

# %% [markdown]
# **Photographs.** {{ credits }}.
