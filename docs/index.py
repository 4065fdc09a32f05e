# ---
# title: What has AlexNet learned?
# description: The layers of a convolutional network, from edges to faces, in pictures that were computed on your own machine.
# ---

# %% [markdown]
# # What has AlexNet learned?
#
# A convolutional network turns pixels into classes in a few steps, and nobody told it what to look for on the way. We ask
# each of its layers directly: *what would you like to see?* The answers change with depth, from edges and colors that
# fill {{ first_field }} pixels to heads, fur and vehicles that fill {{ last_field }}.

# %% tags=["hide"]
from featviz.article.studies import overview as study

# %% tags=["hide-code"]
study.numbers()

# %%
study.channels()

# %% [markdown]
# The story in five sentences:
#
# 1. AlexNet's {{ layers }} convolutional layers have {{ units }} units, and each sees a square part of the image:
#    [the network](chapters/network.py).
# 2. Show it a photograph, and some units answer at some places: [attribution](chapters/attribution.py) says which, and how far
#    such maps can be trusted.
# 3. Start from noise instead, and climb until a unit is as excited as it gets: [gradient ascent](chapters/ascent.py)
#    works for every unit, once a trap is avoided.
# 4. [Shallow layers](chapters/shallow.py) measure edges, gratings and color; [deep layers](chapters/deep.py) answer to patterns,
#    parts and faces.
# 5. [Side by side](chapters/depth.py), and beside a network that has learned nothing, the difference can be
#    put in numbers.
#
# ## From everywhere to one place
#
# A *channel* is a unit everywhere at once, and its image a texture. A *neuron* is the unit at one place: its image is no
# larger than what it sees, and shows one thing instead of many.

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
# What would prove this page wrong: if the rows of [](#fig-channels) could be swapped without anyone noticing, depth would
# change nothing. If a network with shuffled weights gave rows like these, training would change nothing;
# [it doesn't](chapters/depth.py#fig-untrained).
