# ---
# title: "Attribution: what lit up?"
# description: Where in a photograph each layer is active, on one scale; what a place means to a layer; which layer can tell two classes apart, measured, with controls.
# ---

# %% [markdown]
# # Attribution: what lit up?
#
# <p class="lede" markdown>Show AlexNet a photograph, and its shallow layers are active at contours, with many units; its deep
# layers with few, which depend on what is there. When two photographs stand side by side, {{ share_first }} of Grad-CAM's evidence for
# one's class lies on the right one at SqueezeNet's first layer, no better than a coin, and {{ share_last }} at its last.</p>
#
# ## Where is each layer active?
#
# At each place a layer has a vector, one number per unit; its length says how active the layer is there. Each layer is divided
# by *one* number for all photographs, its mean. The photographs are a face, a thing, a person among things and a building, each of a
# size that a field of conv5 can hold.

# %% tags=["hide"]
from featviz.article.studies import attribution as study
from featviz.article.studies import attribution_controls

# %% tags=["hide-code"]
attribution_controls.numbers()

# %% tags=["hide-code"]
study.photo_picker()

# %%
study.activation_maps()

# %% [markdown]
# Strength alone hardly tells layers apart: on these four photographs half of conv1's lies on {{ half_first }} of its places, half of
# conv5's on {{ half_last }}. What changes is how many units share it: {{ active_first }} of them are active at a place of conv1, and
# {{ active_last }} at a place of conv5.
#
# ## What does a place mean to a layer?
#
# The units with the largest values at a place, each with a [picture of what excites it](ascent.py), translate the place into what the
# network sees there[^olah2018]. That units detect what their pictures show is the assumption of this section.

# %%
study.what_a_place_means()

# %% [markdown]
# ## Why is a unit active?
#
# Grad-CAM[^selvaraju2017] weighs each unit of a layer by how much the unit of conv5 would rise if that one rose everywhere, adds up
# the weighted maps and keeps what is positive. We compute it with torch-cam, on a copy of the network whose in-place ReLUs are off.

# %%
study.unit_cam()

# %% [markdown]
# Compare a shallow and a deep layer: conv1 has a place every {{ stride_conv1 }} pixels and follows contours, in the coffee's row hardly any; conv4,
# the last that conv5 reads, has one every {{ stride_conv4 }} and marks parts. In three rows the unit's picture fits them: tufts and the
# cat's forehead and muzzle, a spiral and the cup's inside, a lattice and the pagoda's tiers. In the astronaut's it doesn't, to our eyes:
# balls, and the suit at the image's corner. Nor does each map mark what we would name: in the coffee's row conv2 and conv3 mark corners.
#
# ## Which places speak for a class?
#
# AlexNet's dense layers, 59 million weights that would outweigh all else, are left out of this article, so that it has no classes here. So torch-cam's Grad-CAM asks SqueezeNet[^iandola2016], a classifier
# of the same accuracy, for the class score. Four photographs show something large; in the other two the class, a tripod and a tie, is small.

# %%
study.class_evidence()

# %% [markdown]
# ## Why these layers?
#
# Not every layer can answer every question, so we show five depths. Which can is measured where the right answer is known: of two
# photographs side by side[^boehle2021], as in [](trust.py#fig-two-at-once), the evidence for a class belongs on one.

# %%
attribution_controls.why_these_layers()

# %% [markdown]
# *Localization.* At conv1 {{ share_first }} of Grad-CAM's evidence lies on the right photograph (95% interval {{ share_first_interval }}),
# no better than a coin; at the three depths in between {{ share_between }}; at fire9 {{ share_last }} ({{ share_last_interval }}).
#
# *Class-specificity.* The maps of two classes agree with a rank correlation of {{ agree_first }} at conv1 and of {{ agree_last }} at
# fire9. Grad-CAM's shallow map shows where there is something to see, whatever one asks for.
#
# *Fineness.* conv1 has a place every {{ stride_first }} pixels and half of its evidence on {{ area_first }} of them, fire9 one every
# {{ stride_last }} and half on {{ area_last }}: the coarser map is no less concentrated.
#
# So we read Grad-CAM's shallow maps for *what is there* and its deep ones for *what it is evidence for*. It is the method's limit and not
# the layer's: at conv1 LayerCAM, which weighs each place by its own gradient, puts {{ layercam_first }} on the right photograph. That the
# same holds of AlexNet's conv1 and conv4 we take from the likeness of [](#fig-unit-cam) and [](#fig-class-evidence).
#
# *Wrong if* Grad-CAM at conv1 had pointed to the right photograph, or the maps of two classes had agreed at fire9.
# { .wrong-if }
#
# Whether such maps can be trusted is measured in [](trust.py).
#
# ## The same with your own photograph

# %% tags=["show-code"]
import featviz as fv

net = fv.load("squeezenet")
photo = fv.photos.load("chelsea", 224)  # or the path of a file
# torch-cam's GradCAM on a copy of the network; "layercam" and others by their names.
heat = fv.attribute(net, photo.image, "tabby", layer="features.12", method="gradcam")
overlay = heat.overlay()  # the map over the photograph, to be shown or saved
overlay.size, round(heat.value, 1)

# %% [markdown]
# **Photographs.** {{ credits }}.
