# ---
# title: "Shallow versus deep"
# description: The layers of AlexNet on equal terms, in numbers with intervals, beside a network of the same shape that has learned nothing.
# ---

# %% [markdown]
# # Shallow versus deep
#
# <p class="lede" markdown>Three things change from conv1 to conv5. Pictures take a deep eye to read: another network's first layer tells
# conv2's pictures apart and hardly conv5's, its last tells both. Deep units are rarely active, a unit of conv1 at
# {{ active_first }}% of the places of a photograph, one of conv5 at {{ active_last }}%; before training it is half in all layers. And they
# exceed what our photographs contain: the favorite image of a conv1 neuron takes it {{ ratio_first }} times as far above gray as the
# best natural patch, that of a conv5 neuron {{ ratio_last }} times. What does *not* change is how little of its activation a unit
# keeps when its picture is turned by 45°: {{ left_pictures }}% in all layers.</p>

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
# Shown a neuron's picture, a judge chooses which of two sets of photographs excites the unit. SqueezeNet's first layer is right in
# {{ conv1_conv2 }} of choices for conv2 and in {{ conv1_conv5 }} for conv5, where a coin gets half; its fire9 in {{ fire9_conv2 }} and
# {{ fire9_conv5 }}. On the same units fire9 is ahead by {{ deeper_conv2 }} percentage points at conv2 and by {{ deeper_conv5 }} at conv5.
# To be deep is not enough: untrained, it is right in {{ fire9_untrained_conv5 }} ({{ untrained_conv5_interval }}) for conv5, about as often as
# the trained first layer.

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
# We look for an image that gives a layer the values that a photograph gives it[^mahendran2015]. What the layer has thrown away, ascent
# fills as it likes.

# %%
study.inversion()

# %% [markdown]
# *Wrong if* both rows decayed alike from conv3 on. The shuffled network is nearly silent at conv2 and conv4: its row says what
# numbers of these sizes do, not what AlexNet would before training.
# { .wrong-if }
#
# What excites a layer is the other side. Started from the photograph and held near it, gradient ascent shows what a unit sees
# *in this photograph*[^hamblin2024].

# %%
ascent_questions.accentuated()

# %% [markdown]
# ## The scorecard
#
# All layers on the same {{ photographs }} photographs and on all their units ({{ turned }} a layer for turns, {{ units }} for parts). Two controls: AlexNet with the
# entries of each weight tensor shuffled, for activity and parts, and AlexNet untrained, as PyTorch initializes it, for activity.

# %%
study.scorecard()

# %% [markdown]
# *Activity.* Before training {{ initial_low }} to {{ initial_high }}% of all places are active in every layer: that AlexNet's deep units
# are rarely active was learned. Shuffled weights make activity jump from layer to layer ({{ shuffled_active }}%).
#
# *Parts.* A channel's picture repeats a motif. All of it but a disk is made gray: where the picture excites a unit most, half the
# activation above gray takes a disk {{ part_first }} px across in conv1 and {{ part_last }} px in conv5. With shuffled weights it is
# {{ part_shuffled_first }} and {{ part_shuffled_last }} px: that deep motifs are larger need not be learned. From that draw's, AlexNet's
# differ by {{ part_larger }} px in conv1 to conv5.
#
# *Turns.* A picture fixes where every detail lies, so that a turn undoes it. Turned with the photograph around it, the natural patch that excites
# a unit most keeps {{ left_shallow }}% of its activation at 45° in conv1 and conv2, and {{ left_deep }}% from conv3 on: what holds of
# pictures need not hold of units.
#
# *Exaggeration.* A ratio near 1 would mean that the photographs contain what excites the unit. More photographs could only lower it, more
# steps raise it: for {{ units }} units of conv5 it is {{ ratio_short }} after {{ ratio_steps }} steps, and {{ ratio_long }} after
# {{ long_steps }} on a larger canvas. conv1's pictures are held to {{ stripes_energy }} times the energy of photographs and all others to
# {{ energy }}: at {{ energy }} as well, conv1's ratio would be {{ ratio_one_bound }}.
#
# *Wrong if* the untrained rows of activity matched AlexNet's: that deep units are rarely active would be the architecture.
# { .wrong-if }
#
# ## The control for the eye

# %%
study.untrained()

# %% [markdown]
# *Wrong if* the lower row could be named as easily as the upper one. In conv1 it has stripes as well; from conv2 on it holds, to our
# eyes, grain and blots.
# { .wrong-if }
#
# ## What shallow and deep layers have learned
#
# *Shallow layers measure.* Most units of conv1 and conv2 tell the [direction, frequency or color](shallow.py) of a small square. A shallow
# eye can read conv2's pictures, and [another network](networks.py) has their like more often than a deep unit's.
#
# *Deep layers select.* A unit of conv4 or conv5 is silent at most places. What excites it looks like [parts of animals and
# things](deep.py) and exceeds anything in our photographs, a shallow eye hardly reads its picture, and another network seldom has
# its like.
#
# *How far this goes.* That units which look alike are alike is [true a little](alike.py). Of which smaller things a deep unit is made can
# be [followed to the pixels and tested](circuits.py), in part. And all of this is one network, trained once: whether another training of
# AlexNet would give the same units, nothing here says.
