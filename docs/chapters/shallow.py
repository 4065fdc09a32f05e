# ---
# title: "Shallow layers: what do the first two look for?"
# description: Edges, gratings and color in conv1, counted by what they respond to; and what conv2 makes of them, beside an untrained network.
# ---

# %% [markdown]
# # Shallow layers: what do the first two look for?
#
# <p class="lede" markdown>conv1 detects light that changes in one direction, and color. Of its {{ filters }} filters
# {{ conv1_edge_or_bar }} are edges or bars, {{ conv1_grating }} gratings, {{ conv1_color_edge }} colored edges,
# {{ conv1_color_patch }} patches of color, and {{ conv1_spot_or_check }} spots and checks, without a direction. In conv2,
# {{ tolerant }} of the {{ units }} units keep at least half of their response wherever the stripes lie, untrained {{ tolerant_naive }}, and
# {{ beyond }} do more than gratings explain.</p>
#
# ## conv1, exactly
#
# A unit of conv1 is a weighted sum, so the image that excites it most is known in closed form: a pixel is 1 where its weight is
# positive and 0 where it is negative.

# %% tags=["hide"]
from featviz.article.studies import shallow as study
from featviz.article.studies import shallow_tuning

# %% tags=["hide-code"]
study.numbers()

# %%
study.optima()

# %% [markdown]
# The optimum drives pixels to their ends even where weights are nearly zero: *what excites a unit most* is not *what it is like*.
#
# ## Measuring instead of naming
#
# As physiologists did with cells of the visual cortex[^hubel1962] we show gratings, stripes of every direction, width, position and
# color, {{ shown }} of one contrast, and record the responses.

# %%
study.filters()

# %% [markdown]
# The names are rules on these responses. A filter is *of color* if color moves it more than light does, and *oriented* if its
# selectivity reaches {{ oriented_border }}. An oriented filter of light is a *grating* if half of its response is gone within
# {{ narrow_border }} octaves below its favorite frequency, and an *edge or bar* otherwise. Units that the best grating takes less
# than {{ explained_border }} as far above plain gray as the best natural patch does are *beyond gratings*. If all borders move by a
# tenth, {{ moved }} of {{ filters }} filters change their name.

# %%
shallow_tuning.family_counts()

# %% [markdown]
# Direction is learned: {{ oriented_conv1 }} of the filters of conv1 are oriented, against {{ oriented_untrained }} in {{ draws }}
# untrained networks. Of conv2 {{ beyond }} units are beyond gratings, untrained {{ beyond_untrained }} in the mean. Light has a
# direction and color often none, as in the first AlexNet[^krizhevsky2012].
#
# *Wrong if* the interval of every difference held 0. In conv1 that of color edges does, with {{ color_edges_gained }} percentage points, and
# patches of color are more frequent without training: these two names prove nothing.
# { .wrong-if }
#
# ## What the ReLU between the layers makes possible

# %%
shallow_tuning.phase_curves()

# %% [markdown]
# Cells of the visual cortex come in these two kinds, *simple* and *complex*[^hubel1962]. conv1 is linear and can only be simple. Behind
# a ReLU, filters of opposite sign can add up to a response that stays high wherever the stripes are: {{ tolerant_trained }} of
# the units of conv2 keep at least half of their best response at every phase, untrained {{ tolerant_untrained }}, so a good part of this
# tolerance is architecture. And a negative weight now means "not this": stripes of another direction hold {{ inhibited }} of the
# units down, untrained {{ inhibited_untrained }}.
#
# ## conv2, unit by unit
#
# From here on the weights are no pictures, so [gradient ascent](ascent.py) has to find what excites a channel.

# %%
study.conv2_sheet()

# %% [markdown]
# The pictures show more than gratings can measure: crossings and plaids, rows of dots, curves, stripes of two colors. Many differ in
# angle or color alone, and we take these for one kind of unit. The best
# grating gives {{ reach_conv1 }} of what the best image known gives in conv1, on average, and {{ reach_conv2 }} in conv2. Part of
# the gap is contrast, in both layers; its growth we take for what conv2 detects beyond stripes.
#
# ## What feeds conv2
#
# Each unit of conv2 reads every map of conv1 through a kernel of weights, whose sum says how much the unit gains if that map
# rises everywhere.

# %%
study.feeds()

# %% [markdown]
# In the {{ wired }} edges, bars and gratings of conv2 the oriented filter with the largest sum lies {{ inherited }} degrees from the
# unit's direction on average, the one with the largest negative sum {{ against }}: stripes along this direction excite the unit,
# stripes across inhibit it. This is the smallest *circuit*[^olah2020] in the network. A large weight is not yet a cause: an input
# that is rarely active matters less.
#
# *Wrong if* both were {{ chance }} degrees away, as inputs drawn by chance are.
# { .wrong-if }
