# ---
# title: "Shallow versus deep"
# description: The layers of AlexNet on equal terms, in numbers with intervals, beside a network of the same shape that has learned nothing.
# ---

# %% [markdown]
# # Shallow versus deep
#
# What changes from conv1 to conv5? Three things that can be measured. Deep units answer rarely: a unit of conv1 is active at
# {{ active_first }}% of the places of a photograph, one of conv5 at {{ active_last }}%. They ask for more than our
# photographs contain: the favorite image of a conv1 neuron, with no more energy than a photograph, takes it {{ ratio_first }} times as
# far above gray as the best patch of our photographs, that of a conv5 neuron {{ ratio_last }} times (medians over all units). And they let go of detail: from conv5 a photograph can be
# rebuilt with everything in its place, but with other edges and colors. What does *not* change is as telling: how fine the pictures
# are, and how little of its answer a unit keeps when its picture is turned: at 45° {{ left_pictures }}% in all layers. Of
# the answer to its best natural patch it keeps more, {{ left_deep }}% from conv3 on. Networks that have learned nothing take some of the
# same tests.

# %% tags=["hide"]
from featviz.article.studies import ascent_questions, deep_judge
from featviz.article.studies import shallow_versus_deep as study

# %% tags=["hide-code"]
study.numbers()

# %% tags=["hide-code"]
deep_judge.numbers()

# %% [markdown]
# ## Who can read which picture?
#
# A deep eye reads the pictures of all layers, a shallow one those of shallow layers best. Shown a neuron's picture, a judge chooses which
# of two sets of photographs excites the unit. SqueezeNet's first layer is right in {{ conv1_conv2 }} of choices for conv2 and in
# {{ conv1_conv5 }} for conv5, where a coin would get half; its fire9 in {{ fire9_conv2 }} and {{ fire9_conv5 }}. On the same units fire9 is
# ahead by {{ deeper_conv2 }} percentage points at conv2 and by {{ deeper_conv5 }} at conv5. A deep layer alone is not enough: untrained,
# in {{ untrained_judges }} draws, it is right in {{ fire9_untrained_conv2 }} and {{ fire9_untrained_conv5 }}.

# %%
deep_judge.readers()

# %% [markdown]
# *What would have proved it wrong*: a lead of fire9 over the first layer that doesn't grow with depth, or an untrained fire9 that reads
# conv5 as the trained one does.
#
# ## One photograph, as each layer knows it
#
# We let the layer's values for a photograph be the target, and look for an image that gives the same
# values[^mahendran2015]. Where the layer has thrown something away, ascent is free to put there what it likes.

# %%
study.inversion()

# %% [markdown]
# If depth meant nothing but loss of resolution, both rows would decay alike. Compare them at conv3 and deeper. But the shuffled
# network is nearly silent at conv2 and conv4, and no layer gets back what another lost: its row says what numbers of these sizes
# do, not what AlexNet would before training.

# %%
study.overlaid()

# %% [markdown]
# What a layer has kept is one side. The other is what it is looking for. Started from the photograph and held near it,
# gradient ascent shows what a unit sees *in this photograph*[^hamblin2024].

# %%
ascent_questions.accentuated()

# %% [markdown]
# ## The scorecard
#
# The same measures for all layers, on the same {{ photographs }} photographs and on {{ units }} units per layer (all units
# for activity and for synthetic over natural, {{ turned }} for turns). Two measures have controls. AlexNet with the entries of each weight tensor shuffled, biases included, keeps every histogram of
# weights and destroys what was learned; it answers whether numbers of these sizes are enough. AlexNet as PyTorch
# initializes it answers what the architecture does before any training.

# %%
study.scorecard()

# %% [markdown]
# The shuffled networks' activity jumps up and down from layer to layer, {{ shuffled_active }}% on average: sums of such weights lean to one
# side, and a layer that is hardly ever silent, or nearly always, is broken rather than unlearned. Before training {{ initial_low }} to
# {{ initial_high }}% of all positions are active in every layer: that AlexNet's deep units answer rarely was learned. The frequency of
# the shuffled network's pictures grows no coarser with depth either. Three rows deserve a closer look.
#
# ## Deep images are exaggerations

# %%
study.exaggeration()

# %% [markdown]
# A ratio near 1 means that the photographs contain what the unit wants. For deep units they don't, for two reasons we can't
# tell apart here: {{ photographs }} photographs are few, and an optimized image is free to hold coincidences that no
# camera sees, though hardly more contrast. With more photographs the ratio can only fall; with more steps it rises: for {{ units }}
# units of conv5 it is {{ ratio_short }} after {{ ratio_steps }} steps, and {{ ratio_long }} after {{ long_steps }} on a larger canvas.
#
# ## Tolerance to turning
#
# It is often said that deep layers are invariant. To turns of their pictures they are not.

# %%
study.turning()

# %% [markdown]
# A picture is made for one position of everything in it, and so an exact question: after a turn of 45° {{ left_pictures }}% of the answer
# are left, whatever the layer. What a unit bears in photographs is another matter. When the photograph is turned around the place that
# excites it most, a unit of conv1 or conv2 keeps {{ left_shallow }}% of its answer at 45°, a unit of conv3 to conv5 {{ left_deep }}%.
# Had we turned pictures alone, we would have told of units what holds of pictures.
#
# ## Coarser, or only larger?

# %%
study.detail()

# %% [markdown]
# Receptive fields grow fifteenfold from conv1 to conv5. If pictures only grew with them, their mean frequency would fall
# fifteenfold as well. It doesn't: deep pictures are made of fine pieces, arranged at a large scale.
#
# ## The control for the eye
#
# Names come easily to human eyes. Before we believe ours, here is what the same method makes of the shuffled network.

# %%
study.untrained()

# %% [markdown]
# ## What would have proved this wrong
#
# - Had the shuffled network's row in [](#fig-untrained) been named as easily as AlexNet's, our names would be worth nothing. To
#   our eyes it holds blots, grain and flat color, and nothing with a name.
# - Had its rows in [](#fig-scorecard) matched AlexNet's, the differences between shallow and deep would be those of
#   architecture. For activity they don't; for frequency they do where the interval of the difference
#   holds 0: {{ alike }}.
#
# ## What is left open
#
# - Frequency is compared by {{ units }} units of each layer, turns by {{ turned }}. Intervals say how far that carries.
# - All of this is one network, trained once. Whether another training run would give the same units, this page can't say.
