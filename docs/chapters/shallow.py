# ---
# title: "Shallow layers: what do the first two look for?"
# description: Edges, gratings and color in conv1, counted by what they answer to; and what conv2 makes of them, beside an untrained network.
# ---

# %% [markdown]
# # Shallow layers: what do the first two look for?
#
# <p class="lede" markdown>conv1 looks for light that changes in one direction, and for color. Of its {{ filters }} filters
# {{ conv1_edge_or_bar }} are edges or bars, {{ conv1_grating }} gratings, {{ conv1_color_edge }} colored edges,
# {{ conv1_color_patch }} patches of color, and {{ conv1_spot_or_check }} have no direction: spots and checks. conv2 puts these
# together. {{ tolerant }} of its {{ units }} units no longer mind where the stripes are, {{ inhibited }} are held
# down by stripes of another direction, and many want colors and directions at once; {{ beyond }} do more
# than gratings explain. A network that has not been
# trained has edges and such units too, but fewer: part of it is architecture.</p>
#
# ## conv1, exactly
#
# A unit of conv1 is a weighted sum of {{ first_numbers }} numbers. So nothing about it needs to be guessed. Its weights can
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
# Look at the second column and then at the first. The optimum is loud where the filter is subtle: it drives
# pixels to their ends even where the weights are nearly zero. *What excites a unit most* and *what the unit is like*
# are two questions, already in the layer where both answers are exact. It is worth remembering when the
# weights can no longer be looked at.
#
# ## Measuring instead of naming
#
# It is tempting to look at the filters and sort them. Instead we do what physiologists did with cells of the visual
# cortex[^hubel1962]: show gratings, stripes of every direction, width, position and color, {{ shown }} in all and
# all of one contrast, and write down the answers. The filter then has a favorite orientation and frequency, a
# selectivity, and a share of color. For conv1 these are properties of the weights and follow from them without any
# image; measured through the network they come out the same.

# %%
study.filters()

# %% [markdown]
# The names are rules on these numbers. A filter is *of color* if color moves it more than light does (color above
# {{ colored_border }}). It is *oriented* if its selectivity reaches {{ oriented_border }}. An oriented filter of light is a
# *grating* if half of its response is gone within {{ narrow_border }} octaves below its favorite frequency, which takes
# several stripes, and an *edge or bar* otherwise. A name is given only where gratings explain what the unit does: where the best
# grating takes it at least {{ explained_border }} as far above plain gray as its best natural patch does. The other units are called
# *beyond gratings*. Of conv1 {{ named_first }} of the units have a name, of conv2 to conv5 {{ named_deeper }}: the deeper
# the layer, the fewer of its units gratings explain. The borders are conventions: if all of them move by a tenth, up or down,
# {{ moved }} of {{ filters }} filters change their name. The numbers don't.

# %%
shallow_tuning.family_counts()

# %% [markdown]
# Most filters are clearly one thing, as Krizhevsky and others saw in the first AlexNet: light has a direction, color often has
# none[^krizhevsky2012]. A small surprise is the colored edges, in which both come together: units {{ colored_edges }}.
#
# ## Tuning curves

# %%
shallow_tuning.orientation_curves()

# %% [markdown]
# In conv1 a curve is the filter's overlap with the grating, and that is all there can be. In conv2 something new appears:
# stripes of the wrong direction do not just leave a unit cold, they *hold it down*, units {{ held_down }} most. It takes the ReLU between the layers to
# do so. Behind it the answer to a pattern and to its negative are no longer mirror images, and a negative weight means "not
# this".

# %%
shallow_tuning.phase_curves()

# %% [markdown]
# The same ReLU makes a second thing possible. Add up what filters of opposite sign, or of neighboring places, pass through
# it, and the sum stays high wherever the stripes are. Cells of the visual cortex come in these two kinds, *simple*
# and *complex*[^hubel1962]. conv1 can only have simple ones: it is linear. In conv2, {{ tolerant }} of the units behave like
# complex ones, units {{ complex_units }} most. In an untrained conv2 it is {{ tolerant_untrained }}: a good part of the tolerance comes from the
# architecture, from overlapping fields and the pooling between the layers, and training adds the rest, {{ tolerant_gained }} percentage
# points.

# %%
shallow_tuning.tolerance()

# %%
shallow_tuning.hue_curves()

# %% [markdown]
# ## conv2, unit by unit
#
# From here on the weights are no pictures. We ask by [gradient ascent](ascent.py) what image excites a whole channel, and put
# the measured numbers beside it.

# %%
study.conv2_sheet()

# %% [markdown]
# The pictures show more than gratings can measure: crossings and plaids, which the rules call *spot or check* because they
# answer to several directions; rows of dots; curves; stripes of two colors. That two channels with pictures alike do the
# same is an assumption here, as in most work on feature visualization. Sort the sheet by frequency or by phase tolerance,
# and neighbors will often look alike; whether looking alike *means* being alike is not shown by that.
#
# How far do gratings go, then? In conv1 the best grating gives {{ reach_conv1 }} of what the best image of all gives, on
# average; in conv2 it gives {{ reach_conv2 }}. Part of the gap is contrast, in both layers. The rest of the fall, from one layer
# to the next, is what conv2 wants beyond stripes.

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
# The wiring predicts part of the tuning. In the {{ wired }} edges, bars and gratings of conv2, the oriented filter that a unit weighs most
# lies {{ inherited }}° from the unit's own direction on average; the one with the largest negative weights lies {{ against }}° away,
# farther than chance: stripes along excite, stripes across inhibit. This makes the smallest *circuit*[^olah2020] in the network. A
# large weight is not yet a cause: an input that is rarely active matters less than its weight says.
#
# ## The control, and what would have proved this wrong
#
# A random filter has a favorite orientation too: something is always largest. And ascent makes a handsome texture of
# any unit. So every measure was taken again on the same architecture before training.

# %%
study.untrained_pictures()

# %%
shallow_tuning.control()

# %% [markdown]
# Had the intervals of the differences held 0, the families of this chapter would describe convolution
# and not learning. For edges and gratings they don't: {{ oriented_conv1 }} of the trained filters of conv1 are oriented, against
# {{ oriented_untrained }} in {{ draws }} untrained networks, of which {{ gratings_untrained }} are gratings. Color patches, and in
# conv1 spots and checks, are *more* frequent without training; for color edges the interval of the difference holds 0 in both layers. Those
# names alone prove nothing. Units beyond gratings are a work of training: {{ beyond }} in conv2, and {{ beyond_untrained }} without it, in the mean. Of phase tolerance training adds a part, as we said above. And had the strongest inputs of conv2's units, for and against, both been {{ chance }}° away, as inputs drawn
# by chance are, the wiring would predict nothing. They are {{ inherited }}° and {{ against }}° away.
#
# ## What is left open
#
# Gratings are the wrong question for a unit that wants a corner, a curve or a crossing, and the families of conv2 say only how
# it answers to *them*. The preferences were measured one dimension at a time around the best grating, in the center
# of the map, at one contrast. Gradient ascent may miss a summit too; of the {{ units }} neurons of conv2, a sample photograph
# beats what it found for {{ beaten }}. And why an edge is useful at all only the layers above can tell:
# [on to the deep ones](deep.py).
