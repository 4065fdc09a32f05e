# ---
# title: "Does looking alike mean being alike?"
# description: The assumption behind naming units by their pictures, tested on all pairs of units of AlexNet's five layers.
# ---

# %% [markdown]
# # Does looking alike mean being alike?
#
# <p class="lede" markdown>A little, and from conv2 on the more the deeper. Over all pairs of units within a layer,
# {{ pairs }} in five layers, how alike two pictures look to another network goes with how alike the units behave on {{ photographs }} photographs: the rank correlation rises from
# {{ rho_conv2 }} in conv2 to {{ rho_conv5 }} in conv5 (95% intervals). The unit that looks most like another stands, in likeness of
# behavior, at percentile {{ standing_conv2 }} of conv2 and {{ standing_conv5 }} of conv5, where chance is 50. So a lookalike is a good
# guess and no proof. And none of it has to be learned: an untrained network obeys the rule as well, with {{ untrained_conv2 }} in conv2 and
# {{ untrained_conv5 }} in conv5.</p>

# %% tags=["hide"]
from featviz.article.studies import alike as study
from featviz.article.studies import alike_paths

# %% tags=["hide-code"]
study.numbers()

# %% tags=["hide-code"]
alike_paths.numbers()

# %% [markdown]
# Whoever sorts units by their pictures, as the distill articles do[^olah2017] and as we do, assumes that what looks alike is alike. Both
# sides can be measured. *Looks*: SqueezeNet, which never saw AlexNet, describes every channel picture by its last layer before the
# classes, and two pictures are alike by the cosine of what sets them apart from all others. *Behavior*: two units are alike by the
# correlation of their activations over all places of the photographs. The pictures are made from noise; no photograph had a part in them.

# %%
study.relation()

# %% [markdown]
# *Wrong if* the lines were level. In conv1 the line does end low, and the reason is told below.
# { .wrong-if }
#
# Single pairs scatter widely around the line: the hundredth of conv5's pairs that look most alike have a mean correlation of
# {{ top_conv5 }}, far from 1. This is not noise of the photographs, for behavior on one half of them predicts that on the other with a
# rank correlation of {{ half_conv2 }} in conv2 and {{ half_conv5 }} in conv5.

# %%
study.agreement()

# %% [markdown]
# *Wrong if* AlexNet's intervals by SqueezeNet's eye reached those of the dealt pictures.
# { .wrong-if }
#
# Color and coarseness alone tell less than SqueezeNet's eye in AlexNet's deepest layer, {{ plain_conv5 }} against {{ rho_conv5 }}. In a network that
# has learned nothing they tell more in conv1, {{ untrained_plain_conv1 }} against {{ untrained_conv1 }}, and deeper down seem to:
# {{ untrained_plain_conv5 }} against {{ untrained_conv5 }} in conv5, intervals that overlap. So training seems to change *which* likeness
# counts: before it palette and grain, after it what is in the picture. Nor are the pictures an accident of the
# seed: from another seed, {{ again }} of {{ again_count }} ({{ again_interval }}) look most like the same unit's first picture, of all units of
# the layer.
#
# ## Where it fails
#
# In conv1 the lookalike stands at percentile {{ standing_conv1 }}, no better than chance. Two units
# with the same stripes in opposite phase have the same texture, and are seldom active at one place. If only the strongest of three by three
# places counts, as in AlexNet's pooling, the lookalike stands at {{ near_conv1 }} in conv1, and at {{ near_conv5 }} in conv5. A channel's
# picture tells what excites the unit somewhere, not where.

# %%
study.exceptions()

# %% [markdown]
# *Wrong if* the middle pairs' correlation, on photographs that did not choose them, were as high as that of the left ones.
# { .wrong-if }
#
# ## Are the families families?

# %%
study.families()

# %% [markdown]
# *Wrong if* families were no more alike in behavior than random sets of their layers; of those named last below that can't be ruled out.
# { .wrong-if }
#
# Of the {{ families }} names that we gave [by looking](deep.py#fig-named), {{ apart_count }} hold together in behavior after
# correction for {{ families }} tests (Holm): {{ apart }}. These don't: {{ not_apart }}.
#
# ## Do a picture and its photographs take the same path?
#
# A picture could excite a unit by other means than photographs do, and would then say little of it[^geirhos2024].
# We put a neuron's picture and its best patches on the same gray and ask which units of the earlier layers are active on either. In the layer
# right before, a picture is as like the unit's patches as these are like each other: {{ conv5_conv4_picture }} above another unit's at
# conv4 for conv5, where the patches reach {{ conv5_conv4_patches }}. Further down the paths part. In conv1 the patches of a unit of conv5 still share
# {{ conv5_conv1_patches }}, and its picture shares {{ conv5_conv1_picture }} with them: it gets there from other colors and edges.

# %%
alike_paths.same_path()

# %% [markdown]
# *Wrong if* the two intervals parted in the layer right before, or if those of conv5 didn't part in conv1.
# { .wrong-if }
