# ---
# title: "The network: what does AlexNet see at each layer?"
# description: Five layers, 1,152 units, and squares of 11 to 163 pixels. What a unit is, what it can see, and what it does with it.
# ---

# %% [markdown]
# # The network: what does AlexNet see at each layer?
#
# <p class="lede" markdown>A unit of the first layer decides on a square of {{ first_field }} pixels, {{ first_share }} of
# the image and enough for an edge; a unit of the fifth on a square of up to {{ last_field }}, {{ last_share }} of the image and
# enough for a face. These sizes follow from the geometry alone; what the units do with what they see is learned.</p>
#
# ## To scale
#
# AlexNet[^krizhevsky2014] has five convolutional layers, with a ReLU behind each and a pooling behind the first, the second and
# the last. The three dense layers behind them are left aside: this article is about the {{ units }} units of the
# convolutions. The weights are torchvision's, trained on ImageNet, and come with this page's source.

# %% tags=["hide"]
from featviz.article.studies import network as study

# %% tags=["hide-code"]
study.numbers()

# %%
study.layers()

# %% [markdown]
# ## What one unit can see
#
# A value in a layer's map depends on a square of the image and on nothing outside of it: its *receptive
# field*[^araujo2019]. A kernel adds its own width, and a stride multiplies everything that comes after it, so that fields grow
# while kernels shrink.

# %%
study.receptive_fields()

# %% [markdown]
# A field may hang over the border of the image; the unit then sees zeros, which stand for the
# mean color. At {{ size }} pixels that is rare in conv1, where {{ first_inside }} of the places see the image only. In conv5
# it is the rule: {{ last_inside }} of {{ last_places }} places are free of padding, and a map near its border is partly a map of the
# border.
#
# Nor does a unit use all that it may see. Most of the gradient, which tells how much each pixel moves a unit, lies well
# inside the field[^luo2016]: the centered square that holds {{ part }} of its power grows from {{ used_first }} to
# {{ used_last }} pixels (mean over {{ samples }} photographs, 95% interval). When we visualize a neuron, we climb and show the square that holds 95%; the rim
# would be noise.
#
# *Wrong if* gradients reached pixels outside of the fields of [](#fig-layers), or never their edge. In {{ reached }} of 5 layers
# they reach exactly as far as the geometry says, to the pixel.
# { .wrong-if }
#
# ## What a unit is
#
# A unit of conv1 is [a picture](shallow.py#fig-filters): one number for each of 11 × 11 pixels and three colors, of which its value is
# the weighted sum. The same weights slide over the whole image, {{ first_stride }} pixels at a time, so that one unit gives a *map* of
# numbers: how strongly its pattern is present, place by place. From conv2 on, units read the maps of the layer before, and their weights
# are no pictures any more. Their maps still are, though coarser: 55 × 55 places in conv1, 13 × 13 in conv5, {{ last_stride }} pixels apart.

# %%
study.unit_maps()

# %% [markdown]
# We call the map's channel a *unit*, and one value of it a *neuron*. All neurons of a unit have the same weights, so that what one of
# them detects all of them detect. Whether that is *one* thing is asked in [deep layers](deep.py).
#
# ## Why we read before the ReLU
#
# Behind each convolution a ReLU sets negative values to zero, and most values are negative: in conv5 {{ photos_last }} on
# photographs, and {{ gray_last }} on plain gray, from which gradient ascent starts. After the ReLU all of these are the same
# zero, with no gradient, and a visualization that starts there [stays gray](ascent.py#fig-dead-images). Before it a unit can be asked how
# far it is from being active. So `"conv5"` means the value before the ReLU, and `"conv5:relu"` the one after. Only the channels of conv1
# are climbed after it.
