# ---
# title: "Is it AlexNet, or is it depth?"
# description: The same measures for AlexNet, VGG16 and SqueezeNet, and units of different networks that respond alike on photographs.
# ---

# %% [markdown]
# # Is it AlexNet, or is it depth?
#
# The chapters before say of depth what holds of one network, trained once. VGG16[^simonyan2015], thirteen convolutions of 3 × 3, and
# SqueezeNet[^iandola2016], half as many weights as AlexNet's five, were trained on the same images. The ladder from stripes to animals is
# in all three, and units grow as rare in all three. Which units there are is shared more at the start than at the end: on photographs
# that matches weren't chosen on, AlexNet's units correlate with their match in VGG16 by {{ median_conv2_vgg16 }} in the median of conv2, by
# {{ median_conv5_vgg16 }} in that of conv5.

# %% tags=["hide"]
from featviz.article.studies import networks as study

# %% tags=["hide-code"]
study.numbers()

# %% [markdown]
# ## The same ladder

# %%
study.ladder()

# %% [markdown]
# All three begin with color and stripes, go on to weaves and curls, and end with eyes and fur, VGG16 with a whole head.
#
# *Wrong if* a network's last row were as plain as its first.
# { .wrong-if }
#
# ## Rare with depth, in all three

# %%
study.by_depth()

# %% [markdown]
# At the first depth of the ladder {{ active_first }}% of the places are active, at the last {{ active_last }}%; before training it is
# {{ active_before }}% in the mean of every layer of every network. The fall isn't smooth: VGG16's conv4_3, the last before a pooling, is active at
# {{ vgg_conv4_3 }}%, conv5_1 behind it at {{ vgg_conv5_1 }}%; SqueezeNet's fire7 at {{ squeeze_fire7 }}%, fire8 at {{ squeeze_fire8 }}%.
#
# *Wrong if* a trained network stayed at half.
# { .wrong-if }
#
# Turns have no common course: from the first depth to the last, what they leave of a patch's activation changes by {{ turn_alexnet }}
# percentage points in AlexNet, {{ turn_vgg16 }} in VGG16 and {{ turn_squeezenet }} in SqueezeNet (95% intervals over {{ turned }} units).
# In [](depth.py#fig-scorecard), {{ turned_there }} units on {{ photographs_there }} photographs give AlexNet {{ turn_there }}.
#
# ## Units that respond alike
#
# Do the networks share units, or only kinds of units? We average each unit's activations at the same places of {{ photographs }}
# photographs, and correlate each unit of AlexNet with each of another network[^dravid2023]. Matches are chosen on {{ chosen }} of the
# photographs; all correlations below are from the {{ held }} others.

# %%
study.best_matches()

# %% [markdown]
# The median falls from {{ median_conv1_vgg16 }} at conv1 to {{ median_conv5_vgg16 }} at conv5 for VGG16 (95% intervals over photographs).
# At conv1 even VGG16 before training, drawn once, reaches {{ median_conv1_vgg16_untrained }}: much of what excites filters is contrast
# and color. At conv2 it reaches {{ median_conv2_vgg16_untrained }}, the trained one {{ median_conv2_vgg16 }}; at conv5
# {{ median_conv5_vgg16_untrained }} and {{ median_conv5_vgg16 }}.
#
# Deep units are active at few places, so that one photograph can make a match. Chosen on {{ fewer }} photographs instead of
# {{ chosen }}, conv5's median is {{ median_few }}: more photographs may find more.
#
# *Wrong if* an untrained network had matched as well.
# { .wrong-if }

# %%
study.mutual_matches()

# %% [markdown]
# Matches lie near the diagonal: shallow units meet shallow ones, deep ones deep ones.
#
# *Wrong if* a row's peak lay left of the peak of the row above.
# { .wrong-if }

# %%
study.twins()

# %% [markdown]
# {{ twins_shallow_held }} of the {{ twins_shallow }} pairs of conv2 and conv3 correlate above {{ threshold }}, and {{ twins_deep_held }} of the
# {{ twins_deep }} of conv4 and conv5: a deep match that was chosen on {{ chosen }} photographs is often an accident of them. To our eyes
# the second and the third have little in common but a fine grain, and correlate as well as any: of shallow units the picture tells less
# than the behavior does.
#
# *Wrong if* most correlations were high under pictures with nothing in common.
# { .wrong-if }
#
# ## Which families return
#
# If the [names given by looking](deep.py#fig-named) were what networks of this kind learn, units of a named family would have better matches
# in VGG16 than other units of their layer. Corrected for {{ families }} tests, families with better matches are: {{ better }}; with worse
# matches: {{ worse }} (difference, 95% interval over units). For the rest six units don't decide.
#
# *Wrong if* most families had better matches than their layers.
# { .wrong-if }
#
# ## What is AlexNet's, and what is depth's
#
# Depth's, or training's, for three architectures have it: the order of the ladder, the fall of activity to about a tenth of the places, and that
# units match others of about their own depth. AlexNet's, as far as {{ photographs }} photographs can tell: most single units from conv3 on. All
# three learned from the same images; what other images would teach, no figure here says.
