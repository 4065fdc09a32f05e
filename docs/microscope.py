# ---
# title: "The microscope: every unit"
# description: All convolutional units of AlexNet, each in several views, with the photographs that excite it, what it is tuned to and what feeds it.
# ---

# %% [markdown]
# # The microscope: every unit
#
# <p class="lede" markdown>All {{ units }} convolutional units of AlexNet, none left out and none chosen.
# {{ alive }} of {{ units }} give a picture; none is gray: the palest has a contrast of {{ palest }}, and what we call gray
# has less than {{ gray }}. A few, such as [conv2:179](#conv2-179), are nearly one color, which is what excites their
# units.</p>
#
# Each tile is the image that excites a whole channel most, found by [gradient ascent](chapters/ascent.py). The panel shows the
# unit under the pointer in several ways: everywhere and at one place (with its whole field as a dashed square), its opposite, four images pushed to differ, and the
# patches of {{ photographs }} photographs that excite it most, of those that hold its whole field. Numbers come from gratings and photographs, as in the
# chapter on [shallow layers](chapters/shallow.py); so do the names of families, which say how a unit responds to
# *gratings*. A unit that photographs excite far more than gratings do is *beyond gratings*, as are most units of conv4 and conv5.
#
# To see how a unit is made, follow *what feeds it*, layer by layer, down to the filters of conv1, or open
# *its circuit* in [Circuits](chapters/circuits.py). Each unit has its
# own address, such as [conv5-12](#conv5-12).

# %% tags=["hide"]
from featviz.article.studies import microscope as study

# %% tags=["hide-code"]
study.numbers()

# %%
study.everything()

# %% [markdown]
# ## How to read it
#
# - **A picture is an exaggeration.** It shows what would excite the unit most, not what usually does; the photographs beside it
#   show what does. [Shallow versus deep](chapters/depth.py) measures the gap.
# - **Four pictures, one meaning?** What all four diverse images share is what the unit is about. Where they fall into two kinds,
#   the unit may mean two things.
# - **A large weight is not a cause.** What feeds a unit is named by sums of weights. An input that is rarely active matters
#   less than its weight says.
#
# The same can be built for any other network: see [how to use featviz as a library](reference/library.md).
