# ---
# title: "Deep layers: patterns, parts, faces"
# description: Conv3 to conv5 asked in several ways, with their opposites, several answers each, and the photographs that excite them.
# ---

# %% [markdown]
# # Deep layers: patterns, parts, faces
#
# <p class="lede" markdown>The images of the {{ deep_units }} units of conv3, conv4 and conv5 show what no single
# filter could measure: textures with a rule, then pieces that stand apart, then parts of animals and objects. Another network,
# shown such an image, tells which photographs excite the unit in {{ eye_conv3 }} of choices between two at conv3 and in
# {{ eye_conv5 }} at conv5, where a coin would get half.</p>

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
# Each sheet shows {{ shown }} channels, evenly spaced over the layer and unpicked. A unit
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
# [the microscope](../microscope.py), where every unit can be looked up, and [Circuits](circuits.py) takes them apart.
#
# ## One unit, asked in several ways
#
# A single image answers a single question. The same unit can be asked at one place or everywhere, for what
# excites or for what silences it, in another parameterization. If these had nothing in common, we would have visualized the method and not the
# unit; in most rows they share their motif.

# %%
study.asked()

# %% [markdown]
# ## From silence to excitement
#
# Between a unit's opposite and its optimum lies everything that photographs do to it, and
# most of that is below zero. Look at what it responds to weakly, and at what silences it, before
# naming it after its best patches[^olah2017].

# %%
study.between()

# %% [markdown]
# ## One unit, several answers
#
# Ascent finds one summit, and a unit with two meanings would look like a unit with one.
# So we climb four times at once and add a term that pushes the four images apart[^olah2017].

# %%
study.diverse()

# %% [markdown]
# In most rows one thing returns in other layouts and colors. An exception is [conv4:64](../microscope.py#conv4-64): fur twice, and
# lines that branch twice, all four at {{ split_low }} or more of the activation without the push. A dark junction with lines running
# from it is in all four, and among its [best photographs](#fig-natural) are branches, columns and legs: one meaning, branching, is the
# likelier reading. The number matters, for an answer that has given up much of its unit says little of it. The lowest here keeps {{ lowest }}.
#
# ## Two units, one image
#
# A photograph excites many units at once. What becomes of two units in one image?

# %%
ascent_questions.together()

# %% [markdown]
# Between {{ pair_low }} and {{ pair_high }} of the weaker unit is left; two units that divide the ground would keep about half
# each, so the number doesn't decide. By eye, conv5:64 and conv5:128 blend, eyes of the one in fur of the
# other, and conv5:0 and conv5:32 divide the image. The picture of one unit doesn't tell what two make together.
#
# ## The photographs' side
#
# A synthetic image shows what a unit *would* respond to most, photographs what it *does* respond to. The two
# must meet somewhere, or the synthetic image is a curiosity.

# %%
study.beside_photos()

# %% [markdown]
# The activation of the synthetic image is larger than that of any patch, often by a factor of several: it is an
# exaggeration. [The next chapter](depth.py) measures by how much, layer by layer.
#
# Six rows prove nothing, and we know the answers. So we asked another network that has never seen AlexNet, about all
# {{ judged_units }} units of four layers, as people have been asked[^borowski2021]. It chose between patches of {{ photographs }} photographs.

# %%
deep_judge.judged()

# %% [markdown]
# For conv2 SqueezeNet is right in {{ eye_conv2 }} of choices (95% interval {{ eye_conv2_interval }}), for conv5 in {{ eye_conv5 }}
# ({{ eye_conv5_interval }}). [Shallow versus deep](depth.py#fig-readers) asks who else can read these images: its first layer does much worse.
#
# *Wrong if* its choices had been no better than a coin's: the images would be artifacts of ascent. What both networks learned from
# the same photographs the judge recognizes; what only AlexNet sees it may miss.
# { .wrong-if }
