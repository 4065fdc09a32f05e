# ---
# title: "Can such maps be trusted?"
# description: Seven methods for one question, three of them measured, with an edge detector and shuffled weights as controls.
# ---

# %% [markdown]
# # Can such maps be trusted?
#
# <p class="lede" markdown>Maps know the class: at SqueezeNet's last layer every measured method puts {{ deep_least }} of the
# evidence or more on the right photograph, and LayerCAM {{ layercam_first }} already at the first. But that they explain the decision is not
# shown. If the marked places are hidden or shown alone, {{ above_edges }} of {{ cells }} maps can be said to do better than an edge detector, which has never
# seen a class, and parts of the maps stay when the last layer's weights are shuffled.</p>
#
# ## One pair, two classes
#
# Of two photographs side by side, the evidence for a class belongs on one; [](attribution.py#fig-why-these-layers) measures it for
# all pairs.

# %% tags=["hide"]
from featviz.article.studies import attribution
from featviz.article.studies import attribution_controls as study

# %% tags=["hide-code"]
study.numbers()

# %%
attribution.two_at_once()

# %% [markdown]
# ## What does the method change?
#
# Grad-CAM is one of many ways. Below are seven, of which the three that differ most in how they weigh a place are then measured.

# %%
study.methods_compared()

# %% [markdown]
# At conv1 Grad-CAM puts {{ share_first }} of the evidence on the right photograph, LayerCAM {{ layercam_first }}, which is
# {{ layercam_more }} percentage points more. Grad-CAM gives a unit one weight for the whole photograph, its mean gradient; LayerCAM[^jiang2021] and gradient × value weigh each place by
# its own. We think that at conv1 the mean loses what an edge says for the cat at one place and against it at the next.
#
# ## Hide what the map marks
#
# If the marked places carry the decision, the class's probability should fall fast when they are blurred by {{ blur }} px, the most
# important first, and rise fast when they alone are shown[^petsiuk2018], each in {{ steps }} steps.

# %%
study.faithfulness()

# %% [markdown]
# At fire9 Grad-CAM and gradient × value agree, because behind it every place counts alike. The best of {{ cells }} maps by insertion less deletion is {{ best_map }} with {{ best_gain }}; random maps of fire9's resolution
# reach {{ random_gain }}. Corrected for so many comparisons, by Holm's method, {{ beaten }} of the maps beat their random map. But an
# edge detector reaches {{ edges_gain }} and a blob in the middle {{ center_gain }}, and with the same correction {{ above_edges }} of
# the maps can be said to exceed the one, {{ above_center }} the other. The best exceeds the detector by {{ best_less_edges }}, but was
# chosen on these photographs. A network reads much from contours, so we think that the measure rewards fine maps for being fine.
#
# ## Take away what the network has learned
#
# Shuffle the weights of the last layer, or of all layers, and compute the map
# again[^adebayo2018]. A map of the class must change.

# %%
study.randomization()

# %% [markdown]
# With the last layer shuffled, Grad-CAM keeps {{ shuffled_cam }} of its rank agreement and LayerCAM {{ shuffled_layercam }}, with 95%
# intervals over photographs and shufflings: a part of each map is there whatever the last layer has learned. With every layer shuffled
# little is left, {{ erased_cam }} and {{ erased_layercam }}. Activation strength keeps
# {{ shuffled_activation }}, as it must, since it never asks for the class.
#
# The measures stand on {{ photos }} photographs: they separate shallow from deep and don't rank methods. Some of what deletion
# measures is the network's surprise at the blur.
#
# **Photographs.** {{ credits }}.
