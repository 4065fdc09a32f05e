# ---
# title: "The network: what does AlexNet see at each layer?"
# description: Five layers, 1,152 units, and squares of 11 to 163 pixels. What a unit is, what it can see, and what it does with it.
# ---

# %% [markdown]
# # The network: what does AlexNet see at each layer?
#
# <p class="lede" markdown>A unit of the first layer decides on a square of {{ first_field }} pixels: {{ first_share }} of
# the image, enough for an edge. A unit of the fifth may use a square of {{ last_field }}, {{ last_share }} of the image,
# enough for a face. Every difference between shallow and deep that this article shows starts from these two
# numbers. They follow from the geometry alone; what the units *do* with what they see is learned, and is the subject of
# the chapters that follow.</p>
#
# ## To scale
#
# AlexNet[^krizhevsky2014] is small enough to hold in the head. Five convolutional layers stand in a row, with a ReLU behind each
# and a pooling behind the first, the second and the last. A classifier of three dense layers follows, which we leave
# aside: this article is about the {{ units }} units of the five convolutions. The weights are torchvision's, trained on
# the photographs of ImageNet, and come with this page's source.

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
# field*[^araujo2019]. A kernel adds its own width; a stride multiplies everything that comes after it. This is why the
# kernels shrink from 11 pixels to 3 while the fields grow.

# %%
study.receptive_fields()

# %% [markdown]
# <aside markdown>Whoever compares pictures of shallow and deep units at one size compares a keyhole with a window. Where
# it matters, our figures can be drawn to scale.</aside>
#
# Two cautions. First, a field may hang over the border of the image; the unit then sees zeros, which stand for the
# mean color. At {{ size }} pixels that is rare in conv1, where {{ first_inside }} of the places see the image only. In conv5
# it is the rule: {{ last_inside }} of {{ last_places }} places are free of padding, and {{ padded }} are not. A map of conv5
# near its border is partly a map of the border.
#
# Second, to be allowed to see is not to look. The gradient tells how much each pixel moves a unit; most of it lies well
# inside the field[^luo2016]. When we visualize a neuron, we climb and show the square in the middle that holds 95% of it; the rim
# would be noise.

# %%
study.used_fields()

# %% [markdown]
# ## What a unit is
#
# In conv1, a unit is a picture. Its weights are one number for each of 11 × 11 pixels and three colors; its value is the
# weighted sum of what it sees. There is nothing to interpret before looking.

# %%
study.filter_bank()

# %% [markdown]
# The same weights slide over the whole image, {{ first_field }} pixels wide and 4 at a time. So one unit gives not one
# number but a *map* of them: how strongly its pattern is present, place by place. From conv2 on, units read the maps of
# the layer before instead of pixels, and their weights are no pictures any more. Their maps still are.

# %%
study.unit_maps()

# %% [markdown]
# Maps lose places as they gain meaning: 55 × 55 in conv1, 13 × 13 in conv5. A unit of conv1 tells where an edge is to
# {{ first_stride }} pixels; one of conv5 tells where its pattern is to {{ last_stride }}.
#
# We call the map's channel a *unit*, and one value of it a *neuron*. All neurons of a unit have the same
# weights, so what one of them wants all of them want. Whether a unit has *one* meaning is another question, to which
# [](deep.py) returns.
#
# ## Why we read before the ReLU
#
# Behind each convolution a ReLU sets negative values to zero. What comes through is what the next layer reads, so it might
# seem the natural thing to look at. But most values do not come through.

# %%
study.silence()

# %% [markdown]
# In conv5, {{ photos_last }} of all values on photographs are below zero, and {{ gray_last }} on plain gray, from which
# gradient ascent starts. After the ReLU all of these are the same zero, with no gradient: a visualization that starts
# there stays gray, as [](ascent.py) shows live. Before the ReLU a unit can be asked how far it is
# from answering. So `"conv5"` means the value before the ReLU everywhere in this article, and `"conv5:relu"` the one after.
#
# ## What would have proved this wrong
#
# The fields in [](#fig-layers) are computed from kernels, strides and paddings. If they were wrong, gradients would reach
# pixels outside of them, or never reach their edge. Backpropagated on the photographs above, the gradients of
# {{ reached }} of 5 layers reach exactly as far as the geometry says, to the pixel; the same is tested whenever
# the library changes. And if depth did not widen what units use, the second bars of [](#fig-used-fields) would be level. They
# rise from {{ used_first }} to {{ used_last }} pixels (95% interval over photographs), but more slowly than the fields.
#
# ## What is left open
#
# How much of its field a unit uses depends on the unit and on the image, and we have averaged over both. That a large field
# makes a unit *need* more context does not follow: a unit of conv5 could still be an edge detector. To see that
# it is not, we have to ask what excites it. [Which places of a photo do](attribution.py) is the next question.
