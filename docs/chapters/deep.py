# ---
# title: "Deep layers: patterns, parts, faces"
# description: Conv3 to conv5 asked in several ways, with their opposites, several answers each, and the photographs that excite them.
# ---

# %% [markdown]
# # Deep layers: patterns, parts, faces
#
# <p class="lede" markdown>What do the {{ deep_units }} units of conv3, conv4 and conv5 answer to? To things that no single
# filter could measure: textures with a rule, then pieces that stand apart, then parts of animals and objects. That is what
# their images look like. Another network, shown such an image, tells which photographs excite the unit in
# {{ eye_conv3 }} of choices between two at conv3 and in {{ eye_conv5 }} at conv5, where a coin would get half.</p>
#
# %% tags=["hide"]
from featviz.article.studies import ascent_questions, deep_families, deep_judge
from featviz.article.studies import deep as study

# %% tags=["hide-code"]
study.numbers()

# %% tags=["hide-code"]
deep_judge.numbers()

# %% tags=["hide-code"]
ascent_questions.numbers()

# %% tags=["hide-code"]
study.unit_picker()

# %% [markdown]
# ## Three layers at a glance
#
# Each sheet shows {{ shown }} channels, evenly spaced over the layer, so that nobody has picked the pretty ones. A unit
# of conv3 sees {{ conv3_field }} pixels, one of conv5 {{ conv5_field }}.

# %%
study.units("conv3")

# %%
study.units("conv4")

# %%
study.units("conv5")

# %% [markdown]
# ## Names
#
# Looking through all the pictures of a layer, one begins to name them. We did, too.

# %%
deep_families.families()

# %% [markdown]
# These names are our eyes' and not the network's. If two pictures look alike we assume that their units are alike;
# [Looking alike](alike.py#fig-families) tests which of these rows are. All {{ deep_units }} are in
# [the microscope](../microscope.py), where every unit can be looked up.
#
# ## One unit, asked in several ways
#
# A single image answers a single question. We can ask the same unit in other ways: at one place or everywhere, for what
# excites or for what silences it, in another parameterization.

# %%
study.asked()

# %% [markdown]
# If neuron, channel and phases alone had nothing in common, we would have visualized the method and not the unit. In most
# rows they share their motif.
#
# ## From silence to excitement
#
# A unit's opposite is as much part of it as its optimum. Between the two lies everything that photographs do to it, and
# most of that is below zero. So look at what the unit answers to weakly, and at what it is silenced by, before
# naming it after its best patches[^olah2017].

# %%
study.between()

# %% [markdown]
# ## One unit, several answers
#
# Ascent finds one summit. Units that answer to two different things would look like units that answer to one.
# So we climb four times at once and add a term that pushes the four images apart[^olah2017].

# %%
study.diverse()

# %% [markdown]
# In most rows one thing returns in other layouts and colors. In one it doesn't:
# [conv4:64](../microscope.py#conv4-64) draws fur twice, and lines that branch twice, all four at {{ split_low }} or more of the
# activation without the push. A dark junction with lines running from it is in all four, and among the photographs that excite
# it most, [further down](#fig-natural), are the joints of a tripod. So one meaning, branching, is the likelier reading, and the
# fur may be what fills the gaps. The number matters: an answer that
# has given up much of its unit in order to differ says little of it. The lowest here keeps {{ lowest }}.
#
# ## Two units, one image
#
# Units don't work alone: a photograph excites many of them at once. What becomes of two units in one image?

# %%
ascent_questions.together()

# %% [markdown]
# Between {{ pair_low }} and {{ pair_high }} of the weaker unit is left. Two units that divide the ground would keep about half
# each, so the number doesn't decide. By eye, some pairs blend, such as conv5:64 and conv5:128, eyes of the one in fur of the
# other, and some divide the image, such as conv5:0 and conv5:32. The picture of one unit doesn't tell what two make together.
#
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
# Would you have guessed the right side from the left? Six rows prove nothing, and we know the answers. So we asked
# somebody who has never seen AlexNet, for all {{ judged_units }} units of four layers. People have been asked in the same
# way[^borowski2021].

# %%
deep_judge.judged()

# %% [markdown]
# For conv2 SqueezeNet is right in {{ eye_conv2 }} of choices (95% interval {{ eye_conv2_interval }}), for conv5 in {{ eye_conv5 }}
# ({{ eye_conv5_interval }}). [Shallow versus deep](depth.py#fig-readers) asks who else can read these images: its first layer does much worse.
#
# ## What would have proved this wrong
#
# - Had SqueezeNet's choices in [](#fig-judged) been no better than a coin's, the images would be artifacts of ascent.
# - If a network with shuffled weights gave images that people name as easily, the names would be ours and not the network's.
#   [Shallow versus deep](depth.py) shows that control.
#
# ## What is left open
#
# - {{ photographs }} photographs are few. A folder of your own can be searched in the same way; see
#   [how to use featviz as a library](../reference/library.md).
# - The judge was trained on the photographs that AlexNet was trained on. What both learned from them, it recognizes; what only
#   AlexNet sees, it may miss.
