# ---
# title: What has AlexNet learned?
# description: The layers of a convolutional network, from edges to faces, in pictures that were computed on your own machine.
# ---

# %% [markdown]
# # What has AlexNet learned?
#
# Edges and color in {{ first_field }} pixels at first, the parts of animals and things in {{ last_field }} at last: what excites each
# layer, [how surely that can be said](#what-can-be-said-and-how-surely), and [how this report meets the
# assignment](assignment.md). In fifteen minutes: the figures below, then [from noise to a picture](chapters/ascent.py#fig-methods),
# [names](chapters/deep.py#fig-named), [shallow versus deep](chapters/depth.py#fig-readers) and [what lit up](chapters/attribution.py#fig-unit-cam).

# %% tags=["hide"]
from featviz.article.studies import (
    ascent,
    attribution_controls,
    deep_judge,
    network,
    shallow,
    shallow_versus_deep,
)
from featviz.article.studies import overview as study

# %% tags=["hide-code"]
ascent.numbers()

# %% tags=["hide-code"]
attribution_controls.numbers()

# %% tags=["hide-code"]
deep_judge.numbers()

# %% tags=["hide-code"]
network.numbers()

# %% tags=["hide-code"]
shallow.numbers()

# %% tags=["hide-code"]
shallow_versus_deep.numbers()

# %% tags=["hide-code"]
study.numbers()

# %%
study.hero()

# %% [markdown]
# ## What the chapters found

# %%
study.findings_in_cards()

# %% [markdown]
# ## What can be said, and how surely
#
# Every number is computed by the build that made these pages. Brackets hold 95% intervals; only where the table says so they hold the
# middle half of a layer's units.
#
# <div class="l-page claims" markdown>
#
# | Claim | Number | Over | Control | How surely | Shown in |
# | --- | --- | --- | --- | --- | --- |
# | What a unit can see grows fifteenfold with depth. | {{ first_field }} px at conv1, {{ last_field }} px at conv5 | {{ layers }} layers | gradients reach exactly as far in {{ reached }} of {{ layers }} layers | exact | [](chapters/network.py#fig-layers) |
# | Where the best image is known, ascent finds it. | the recipe for the highest score reaches {{ exact_worst }}% of the maximum for the worst filter; the default at least {{ bounded_worst }}% of what its bound allows | {{ first_units }} filters of conv1 | the basis of Lucid, the reference for TensorFlow: {{ lucid_median }}% in the median | exact for conv1, unknown deeper | [](chapters/ascent.py#fig-exact-shares) |
# | conv1 measures direction because it was trained. | {{ oriented_conv1 }} of its filters are oriented | {{ first_units }} filters | untrained {{ oriented_untrained }} | well: the intervals lie apart | [](chapters/shallow.py#fig-families) |
# | Deep units are rarely active because they were trained. | conv1 {{ active_conv1 }} of the places, conv5 {{ active_conv5 }} | {{ first_units }} and {{ last_units }} units | untrained: conv1 {{ initial_conv1 }}, conv5 {{ initial_conv5 }} | well: the intervals lie apart | [](chapters/depth.py#fig-scorecard) |
# | A deep unit's picture tells which photographs excite it. | {{ fire9_conv5 }} ({{ eye_conv5_interval }}) of choices of two are right at conv5 | {{ last_units }} units | SqueezeNet's first layer {{ conv1_conv5 }}; guessing 50% | well, for most units and not for all | [](chapters/depth.py#fig-readers) |
# | Units whose pictures look alike behave alike. | rank correlation {{ alike_conv5 }} at conv5, {{ alike_conv1 }} at conv1 | {{ pairs_last }} and {{ pairs_first }} pairs of units | pictures dealt to other units: 0; an untrained network obeys the same rule | weakly; from conv2 on, the more the deeper | [](chapters/alike.py#fig-agreement) |
# | Another network shares more of the shallow units than of the deep ones. | the median correlation with the best match in VGG16 is {{ median_conv2_vgg16 }} for conv2, {{ median_conv5_vgg16 }} for conv5 | all units of both | VGG16 untrained, drawn once: {{ median_conv2_vgg16_untrained }} and {{ median_conv5_vgg16_untrained }} | well for conv2; more photographs may find more deep down | [](chapters/networks.py#fig-best-match) |
# | By Grad-CAM, deep layers tell classes apart and shallow ones don't. | at the last layer {{ share_last }} ({{ share_last_interval }}) of its evidence lies on the right photograph | {{ photos }} photographs | at the first layer {{ share_first }} ({{ share_first_interval }}), of LayerCAM's {{ layercam_first }}; chance 50% | well, of Grad-CAM on SqueezeNet only | [](chapters/attribution.py#fig-why-these-layers) |
# | Deep pictures exaggerate more than shallow ones. | the picture excites a unit of conv5 {{ ratio_conv5 }} times as much as the best patch (middle half of units) | {{ last_units }} units | conv1: {{ ratio_conv1 }}, at conv5's bound {{ ratio_one_bound }} in the median | partly: more photographs would lower it | [](chapters/depth.py#fig-scorecard) |
# | Deep pictures mind a turn as much as shallow ones. | {{ left_pictures }}% of the activation is left at 45°; conv5 less conv1, in percentage points: {{ left_more }} | {{ turned }} units a layer | turned natural patches: {{ left_deep }}% from conv3 on | partly, of pictures only: the interval has room for some difference | [](chapters/depth.py#fig-scorecard) |
# | That a class map explains a decision better than contours do is not shown. | {{ above_edges }} of {{ cells }} maps beat an edge detector, corrected for as many tests | {{ photos }} photographs | the detector has never seen a class | open: {{ photos }} photographs could miss a small difference | [](chapters/trust.py#fig-faithfulness) |
#
# </div>
#
# ## Unpicked
#
# A *channel* is a unit everywhere at once, and its image a texture.

# %%
study.channels()

# %% [markdown]
# A *neuron* is the unit at one place: its image is no larger than what it sees.

# %%
study.neurons()

# %% [markdown]
# ## How to read these pictures
#
# Every picture and number on these pages was computed by the build that made them, from AlexNet's own weights, with a
# fixed seed; under each figure is the code that made it. The pictures have about the contrast and the colors of photographs, by
# a [bound](chapters/ascent.py) on what each octave of their spectrum may hold. They are exaggerations all the same: they
# show what excites a unit most, over and over, as no photograph would.
#
# When two pictures look alike we say that their units are alike. That is an assumption, the one of the distill articles
# whose manner we follow[^olah2017]; [Looking alike](chapters/alike.py) puts it to the test.
#
# Under many figures a line that begins with *Wrong if* says what would have proved our reading wrong. Of this page: if a network with
# shuffled weights gave rows like those of [](#fig-channels). From conv2 on [it doesn't](chapters/depth.py#fig-untrained); stripes in
# conv1 come without learning.
