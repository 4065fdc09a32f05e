# ---
# title: "Can such maps be trusted?"
# description: Seven methods for one question, three of them measured, with an edge detector and shuffled weights as controls.
# ---

# %% [markdown]
# # Can such maps be trusted?
#
# <p class="lede" markdown>Deep maps know the class: at SqueezeNet's last layer all measured methods put {{ deep_low }} to
# {{ deep_high }} of the evidence on the right photograph. But that they explain the decision is not shown. If the marked places are
# hidden or shown alone, {{ above_edges }} of {{ cells }} maps can be said to do better than an edge detector, which has never
# seen a class, and parts of the maps stay when the learned weights are shuffled.</p>
#
# %% tags=["hide"]
from featviz.article.studies import attribution_controls as study

# %% tags=["hide-code"]
study.numbers()

# %% [markdown]
# ## What does the method change?
#
# The [chapter before](attribution.py) asks with Grad-CAM, which is one of many ways. Below are seven, in pictures; the three that
# differ most in how they weigh a place are then measured.

# %%
study.methods_compared()

# %%
study.methods_measured()

# %% [markdown]
# At fire9 the measured methods put {{ deep_low }} to {{ deep_high }} of the evidence on the right photograph, at conv1
# {{ shallow_low }} to {{ shallow_high }}. Grad-CAM gives a unit one weight for the whole photograph, its mean gradient. At
# fire9 hardly anything comes after the layer and the mean loses little: Grad-CAM and gradient ×
# value agree there with a rank correlation of {{ deep_twins }}. At conv1 an edge unit helps the cat at one place and harms it
# at the next, and the mean of that is about nothing. LayerCAM[^jiang2021] and gradient × value weigh each place by its own gradient
# and keep what shallow layers detect. At fire9 LayerCAM falls behind, because it drops all that is evidence against.
#
# ## Hide what the map marks
#
# If the marked places carry the decision, the class's probability should fall fast when they
# are blurred, the most important first, and rise fast when they alone are shown[^petsiuk2018].

# %%
study.faithfulness_table()

# %% [markdown]
# The best of {{ cells }} maps by insertion less deletion is {{ best_map }} with {{ best_gain }}; random maps of fire9's resolution
# reach {{ random_gain }}. {{ beaten_singly }} of the maps beat their random map with an interval that
# excludes zero; corrected for so many comparisons, by Holm's method, {{ beaten }} do. But an edge detector, which has never seen a class,
# reaches {{ edges_gain }}, and with the same correction {{ above_edges }} of the {{ cells }} can be said to do better; the best exceeds
# it by {{ best_less_edges }}, but was chosen on these photographs. A blob in the middle reaches {{ center_gain }}, and
# {{ above_center }} can be said to exceed that. Contours shown first are most of what a network reads, so the measure rewards
# fine maps for being fine. It doesn't show that these maps explain the class.
#
# ## Take away what the network has learned
#
# Shuffle the weights of the last layer, or of all layers, and compute the map
# again[^adebayo2018]. A map of the class must change.

# %%
study.randomization()

# %% [markdown]
# With the last layer shuffled, {{ draws }} times, Grad-CAM keeps {{ shuffled_cam }} of its rank agreement and LayerCAM
# {{ shuffled_layercam }}, with 95% intervals over photographs and shufflings: neither falls to zero, so a part of each map is there
# whatever the last layer has learned. Activation strength
# keeps {{ shuffled_activation }}, as it must, since it never asks for the class.
#
# The measures stand on {{ photos }} photographs: they separate shallow from deep and don't rank methods. Some of what deletion
# measures is the network's surprise at the blur.
#
# **Photographs.** {{ credits }}.
