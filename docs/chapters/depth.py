# ---
# title: "Shallow versus deep"
# description: The layers of AlexNet on equal terms, in numbers with intervals, beside a network of the same shape that has learned nothing.
# ---

# %% [markdown]
# # Shallow versus deep
#
# <p class="lede" markdown>Three things change from conv1 to conv5. Deep units are rarely active: a unit of conv1 at
# {{ active_first }}% of the places of a photograph, one of conv5 at {{ active_last }}%. They exceed what our
# photographs contain: the favorite image of a conv1 neuron, with no more energy than a photograph, takes it {{ ratio_first }} times as
# far above gray as the best natural patch, that of a conv5 neuron {{ ratio_last }} times. And they let go of detail: from conv5 a
# photograph can be rebuilt with everything in its place, but with other edges and colors. What does *not* change is how fine the
# pictures are, and how little of its activation a unit keeps when its picture is turned: {{ left_pictures }}% at 45° in all layers.</p>

# %% tags=["hide"]
from featviz.article.studies import ascent_questions, deep_judge, game
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
# *Wrong if* fire9's lead over the first layer didn't grow with depth, or an untrained fire9 read conv5 as the trained one does.
# { .wrong-if }

# %%
game.two_choices()

# %% [markdown]
# ## One photograph, as each layer knows it
#
# We let the layer's values for a photograph be the target, and look for an image that gives the same
# values[^mahendran2015]. Where the layer has thrown something away, ascent is free to put there what it likes.

# %%
study.inversion()

# %% [markdown]
# *Wrong if* both rows decayed alike from conv3 on. But the shuffled network is nearly silent at conv2 and conv4: its row says what
# numbers of these sizes do, not what AlexNet would before training.
# { .wrong-if }

# %%
study.overlaid()

# %% [markdown]
# What a layer has kept is one side, what excites it the other. Started from the photograph and held near it,
# gradient ascent shows what a unit sees *in this photograph*[^hamblin2024].

# %%
ascent_questions.accentuated()

# %% [markdown]
# ## The scorecard
#
# The same measures for all layers, on the same {{ photographs }} photographs and on {{ units }} units per layer (all units
# for activity and for synthetic over natural, {{ turned }} for turns). Two controls: AlexNet with the entries of each weight tensor
# shuffled, biases included, keeps every histogram of weights and destroys what was learned; AlexNet as PyTorch
# initializes it shows what the architecture does before any training.

# %%
study.scorecard()

# %% [markdown]
# Before training {{ initial_low }} to {{ initial_high }}% of all positions are active in every layer: that AlexNet's deep units are
# rarely active was learned. The shuffled networks' activity jumps from layer to layer, {{ shuffled_active }}% on average, because a layer of
# such weights is hardly ever silent, or nearly always. The frequency of their pictures grows no coarser with depth either.
#
# *Wrong if* the controls' rows matched AlexNet's: the differences between shallow and deep would be those of
# architecture. For activity they don't; for frequency they do where the interval of the difference holds 0: {{ alike }}.
# { .wrong-if }
#
# ## Deep images are exaggerations

# %%
study.exaggeration()

# %% [markdown]
# A ratio near 1 would mean that the photographs contain what excites the unit. For deep units they don't, for two reasons we can't
# tell apart here: {{ photographs }} photographs are few, and an optimized image may hold coincidences that no
# camera sees. With more photographs the ratio can only fall; with more steps it rises: for {{ units }}
# units of conv5 it is {{ ratio_short }} after {{ ratio_steps }} steps, and {{ ratio_long }} after {{ long_steps }} on a larger canvas.
#
# ## Tolerance to turning
#
# It is often said that deep layers are invariant. To turns of their pictures they are not.

# %%
study.turning()

# %% [markdown]
# A picture is made for one position of everything in it. What a unit bears in photographs is another matter: when the photograph is
# turned around the place that excites it most, a unit of conv1 or conv2 keeps {{ left_shallow }}% of its activation at 45°, a unit of
# conv3 to conv5 {{ left_deep }}%. Had we turned pictures alone, we would have told of units what holds of pictures.
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
# Names come easily to human eyes. Here is what the same method makes of the shuffled network.

# %%
study.untrained()

# %% [markdown]
# *Wrong if* the lower row could be named as easily as the upper one: our names would be worth nothing. To our eyes it holds blots,
# grain and flat color.
# { .wrong-if }
#
# All of this is one network, trained once. Which of it two other networks share is asked in [](networks.py); whether
# another training of AlexNet would give the same units, neither can say.
