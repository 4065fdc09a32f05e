# ---
# title: "Deep layers: patterns, parts, faces"
# description: Conv3 to conv5 asked in several ways, with their opposites, several answers each, and the photographs that excite them.
# ---

# %% [markdown]
# # Deep layers: patterns, parts, faces
#
# What do the {{ deep_units }} units of conv3, conv4 and conv5 answer to? To things that no single filter could measure:
# textures with a rule, then pieces that stand apart, then parts of animals and objects. That is what their images look like,
# and where the photographs that excite them show the same thing, we believe it. Where they don't, the image alone
# is a guess.

# %% tags=["hide"]
from featviz.studies import deep as study

# %% tags=["hide-code"]
study.numbers()

# %% [markdown]
# ## Three layers at a glance
#
# Each sheet shows {{ shown }} channels, evenly spaced over the layer, so that nobody has picked the pretty ones. A unit
# of conv3 sees {{ conv3_field }} pixels, one of conv5 {{ conv5_field }}. All units stand in [the microscope](../microscope.py);
# rows of scales are [conv3:222](../microscope.py#conv3-222) there, rings with a center [conv3:150](../microscope.py#conv3-150),
# eyes [conv4:200](../microscope.py#conv4-200), and a face [conv5:222](../microscope.py#conv5-222).

# %%
study.units("conv3")

# %%
study.units("conv4")

# %%
study.units("conv5")

# %% [markdown]
# ## One unit, asked in several ways
#
# A single image answers a single question. We can ask the same unit in other ways: at one place or everywhere, for what
# excites or for what silences it, with free or with natural contrast.

# %%
study.asked()

# %% [markdown]
# If the four images of a row had nothing in common, we would have visualized the method and not the unit.
#
# ## One unit, several answers
#
# Ascent finds one summit. Units that answer to two different things would look like units that answer to one.
# So we climb four times at once and add a term that pushes the four images apart[^olah2017].

# %%
study.diverse()

# %% [markdown]
# ## The photographs' side
#
# A synthetic image says what a unit *would* answer to most. Photographs say what it *does* answer to. The two
# must meet somewhere, or the synthetic image is a curiosity.

# %%
study.beside_photos()

# %% [markdown]
# The activation of the synthetic image is larger than that of any patch, often by a factor of several: it is an
# exaggeration. [The next chapter](depth.py) measures by how much, layer by layer.
#
# ## What would prove us wrong
#
# - If the best patches of most rows in [](#fig-natural) shared nothing with the image at their left, the images would be
#   artifacts of ascent.
# - If a network with shuffled weights gave images that people name as easily, the names would be ours and not the network's.
#   [Shallow versus deep](depth.py) shows that control.
#
# ## What is left open
#
# - {{ photographs }} photographs are few. A folder of your own can be searched in the same way; see
#   [how to use featviz as a library](../reference/library.md).
# - When we call two units alike because their images are, we assume that looking alike is being alike. Nothing on
#   this page tests it.
