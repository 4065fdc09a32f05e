# ---
# title: "Shallow layers: what do the first two look for?"
# description: Edges, gratings and color in conv1, counted by what they respond to; and what conv2 makes of them, beside an untrained network.
# ---

# %% [markdown]
# # Shallow layers: what do the first two look for?
#
# <p class="lede" markdown>conv1 detects light that changes in one direction, and color. Of its {{ filters }} filters
# {{ conv1_edge_or_bar }} are edges or bars, {{ conv1_grating }} gratings, {{ conv1_color_edge }} colored edges,
# {{ conv1_color_patch }} patches of color, and {{ conv1_spot_or_check }} have no direction: spots and checks. conv2 combines
# these: {{ tolerant }} of its {{ units }} units no longer mind where the stripes are, {{ inhibited }} are held
# down by stripes of another direction, and {{ beyond }} do more than gratings explain. A network that has not been
# trained has edges and such units too, but fewer.</p>
#
# ## conv1, exactly
#
# A unit of conv1 is a weighted sum of {{ first_numbers }} numbers. Its weights can
# be looked at, and the image that excites it most is known in closed form: a pixel is 1 where its weight is
# positive and 0 where it is negative.

# %% tags=["hide"]
from featviz.article.studies import shallow as study
from featviz.article.studies import shallow_tuning

# %% tags=["hide-code"]
study.numbers()

# %%
study.optima()

# %% [markdown]
# The optimum is loud where the filter is subtle: it drives pixels to their ends even where the weights are nearly zero. *What
# excites a unit most* and *what the unit is like* are two questions already here, where both answers are exact.
#
# ## Measuring instead of naming
#
# Instead of sorting the filters by eye we do what physiologists did with cells of the visual
# cortex[^hubel1962]: show gratings, stripes of every direction, width, position and color, {{ shown }} in all and
# all of one contrast, and record the responses. A filter then has a favorite orientation and frequency, a
# selectivity, and a share of color. For conv1 these follow from the weights without any image; measured through the network
# they come out the same.

# %%
study.filters()

# %% [markdown]
# The names are rules on these numbers. A filter is *of color* if color moves it more than light does (color above
# {{ colored_border }}). It is *oriented* if its selectivity reaches {{ oriented_border }}. An oriented filter of light is a
# *grating* if half of its response is gone within {{ narrow_border }} octaves below its favorite frequency, which takes
# several stripes, and an *edge or bar* otherwise. A name is given only where the best grating takes the unit at least
# {{ explained_border }} as far above plain gray as its best natural patch does; the other units are *beyond gratings*. Of conv1
# {{ named_first }} of the units have a name, of conv2 to conv5 {{ named_deeper }}. The borders are conventions: if all of them
# move by a tenth, {{ moved }} of {{ filters }} filters change their name. The numbers don't.

# %%
shallow_tuning.family_counts()

# %% [markdown]
# Light has a direction and color often has none, as Krizhevsky and others saw in the first AlexNet[^krizhevsky2012]. The exceptions are
# the colored edges, in which both come together: units {{ colored_edges }}.
#
# *Wrong if* the intervals of the differences between trained and untrained all held 0: the families would then describe
# convolution and not learning. {{ oriented_conv1 }} of the trained filters of conv1 are oriented, against
# {{ oriented_untrained }} in {{ draws }} untrained networks, of which {{ gratings_untrained }} are gratings. But color patches, and in
# conv1 spots and checks, are *more* frequent without training, and for color edges the interval holds 0: those names alone prove nothing.
# { .wrong-if }
#
# ## What the ReLU between the layers makes possible

# %%
shallow_tuning.orientation_curves()

# %% [markdown]
# In conv1 a curve is the filter's overlap with the grating. In conv2 stripes of the wrong direction do not just leave a unit cold,
# they *hold it down*, units {{ held_down }} most. Behind a ReLU the response to a pattern and to its negative are no longer
# mirror images, and a negative weight means "not this".

# %%
shallow_tuning.phase_curves()

# %% [markdown]
# The second effect is tolerance. Add up what filters of opposite sign, or of neighboring places, pass through the ReLU,
# and the sum stays high wherever the stripes are. Cells of the visual cortex come in these two kinds, *simple*
# and *complex*[^hubel1962]. conv1 is linear and can only be simple. In conv2, {{ tolerant }} of the units are tolerant, units
# {{ complex_units }} most; in an untrained conv2 it is {{ tolerant_untrained }}. So a good part of the tolerance is
# architecture, from overlapping fields and the pooling between the layers, and training adds {{ tolerant_gained }} percentage points.

# %%
shallow_tuning.tolerance()

# %% [markdown]
# ## conv2, unit by unit
#
# From here on the weights are no pictures. We ask by [gradient ascent](ascent.py) what image excites a whole channel, and put
# the measured numbers beside it.

# %%
study.conv2_sheet()

# %% [markdown]
# The pictures show more than gratings can measure: crossings and plaids, which the rules call *spot or check* because they
# have several directions; rows of dots; curves; stripes of two colors. Sort the sheet by frequency or by phase tolerance,
# and neighbors will often look alike.
#
# How far do gratings go, then? In conv1 the best grating gives {{ reach_conv1 }} of what the best image of all gives, on
# average; in conv2 {{ reach_conv2 }}. Part of the gap is contrast, in both layers; the fall from one layer
# to the next is what conv2 detects beyond stripes.

# %%
shallow_tuning.reach()

# %% [markdown]
# ## What feeds conv2
#
# Each unit of conv2 reads all {{ filters }} maps of conv1 through a kernel of 5 × 5 weights. The sum of such a kernel says how
# much the unit gains if that map rises everywhere.

# %%
study.feeds()

# %% [markdown]
# The wiring predicts part of the tuning: stripes along the unit's own direction excite it, stripes across inhibit. In the
# {{ wired }} edges, bars and gratings of conv2 the oriented filter with the largest weights lies {{ inherited }}° from the unit's
# direction on average, the one with the largest negative weights {{ against }}°. This is the smallest *circuit*[^olah2020] in the network. A
# large weight is not yet a cause: an input that is rarely active matters less than its weight says.
#
# *Wrong if* both were {{ chance }}° away, as inputs drawn by chance are.
# { .wrong-if }
#
# ## The control
#
# A random filter has a favorite orientation too, and ascent makes a handsome texture of
# any unit. So every measure was taken again on the same architecture before training.

# %%
study.untrained_pictures()

# %%
shallow_tuning.control()

# %% [markdown]
# Units beyond gratings are a work of training: {{ beyond }} in conv2, and {{ beyond_untrained }} without it, in the mean. Of phase
# tolerance training adds a part. Gratings remain the wrong question for a unit that detects a corner, a curve or a
# crossing: the families of conv2 say only how it responds to *them*, one dimension at a time, at one contrast. Why an edge is useful at
# all only [the layers above](deep.py) can tell.
