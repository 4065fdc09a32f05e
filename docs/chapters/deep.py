# ---
# title: "Deep layers: patterns, parts, faces"
# description: Conv3 to conv5 asked in several ways, with their opposites, several answers each, and the photographs that excite them.
# ---

# %% [markdown]
# # Deep layers: patterns, parts, faces
#
# <p class="lede" markdown>The images of the {{ deep_units }} units of conv3, conv4 and conv5 show what no single
# filter could measure: textures with a rule, then pieces that stand apart, then parts of animals and objects. Another network,
# shown such an image, tells which photographs excite the unit in {{ fire9_conv3 }} of choices between two at conv3 and in
# {{ fire9_conv5 }} at conv5, where a coin would get half.</p>

# %% tags=["hide"]
from featviz.article.studies import deep as study
from featviz.article.studies import deep_families, deep_judge

# %% tags=["hide-code"]
study.numbers()

# %% tags=["hide-code"]
deep_judge.numbers()

# %% tags=["hide-code"]
study.unit_picker()

# %% [markdown]
# ## Three layers at a glance

# %%
study.sheets()

# %% [markdown]
# ## Names
#
# Looking through all the pictures of a layer, one begins to name them. We did, too.

# %%
deep_families.families()

# %% [markdown]
# The units of a row look alike, so we take them for one kind of unit. Read so, the layers build on each other: conv3 has rings, conv4
# eyes, which are rings with a lid and fur around them, and conv5 faces with two such eyes; of conv3's nets and scales we see no such heir. Both
# steps are assumptions. [Looking alike](alike.py#fig-families) tests which rows behave alike, and [Circuits](circuits.py) whether faces read
# eyes and rings. All {{ deep_units }} units are in [the microscope](../microscope.py).
#
# ## From silence to excitement
#
# Most of what photographs do to a unit lies below zero. Look at what it responds to weakly, and at what silences it, before naming
# it after its best patches[^olah2017].

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
# What all four share is what the unit detects; what only one has is decoration, or a second meaning if its activation is as high; the
# lowest here is {{ lowest }} of that without the push. In most rows one thing returns in other layouts and colors. What looks like an exception is
# [conv4:64](../microscope.py#conv4-64): fur twice, and lines that branch twice, all four at {{ split_low }} or more. A dark
# junction with lines running from it is in all four, and among its [best photographs](#fig-natural) are branches, columns and legs: one
# meaning, branching, is the likelier reading.
#
# ## The photographs' side
#
# A synthetic image shows what a unit *would* respond to most, photographs what it *does* respond to. The two
# must meet somewhere, or the synthetic image is a curiosity.

# %%
study.beside_photos()

# %% [markdown]
# The activation of the synthetic image is {{ least_times }} to {{ most_times }} times that of the unit's best patch: it is an exaggeration, which
# [the next chapter](depth.py) measures layer by layer.
#
# Six rows prove nothing, and we know the answers. So we asked another network, which has never seen AlexNet, about
# {{ judged_units }} units, as people have been asked[^borowski2021]: [](depth.py#fig-readers) shows how often it chooses the right
# photographs.
#
# *Wrong if* its choices were no better than a coin's: the images would be artifacts of ascent. What only AlexNet sees, such a judge
# may miss.
# { .wrong-if }
