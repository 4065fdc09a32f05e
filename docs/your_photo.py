# ---
# title: "Your photo: the network at work"
# description: AlexNet's five layers on a photo of your own, in your browser, without a network; and gradient ascent to watch.
# styles: [assets/live/page.css]
# scripts: [assets/live/page.js]
# ---

# %% [markdown]
# # Your photo: the network at work
#
# <p class="lede" markdown>The network itself runs on this page, on a photo of yours. Nothing is sent anywhere, as there is no server:
# AlexNet's five layers are a file beside this page, and your browser does the rest.</p>

# %% tags=["hide"]
from featviz.article.studies import your_photo as study

# %% tags=["hide-code"]
study.numbers()

# %%
study.your_photo()

# %% [markdown]
# ## Three things to try
#
# - **Cover the eye.** Set the cross-hair on an eye of the cat and paint it gray. Units that answered to the eye are struck out there, while
#   in the whole photo the stripes of conv1 hardly move. If none is struck out, what looked like an eye unit answers to something else.
# - **Blur the background.** Choose a photo of a thing in a place, and blur the place. A unit that falls quiet was about
#   the place, not the thing.
# - **Climb from your photo.** Below, start from your photo instead of noise: the picture shows what the unit would rather
#   have seen there.

# %%
study.your_climb()

# %% [markdown]
# ## What the numbers mean
#
# A unit is called strong if its value is unusual *for it*: +3 lies three standard deviations above its mean over {{ photographs }}
# photographs of [the article](reference/photographs.md). Ranked by size alone, units that are always active would lead on every photo. For the whole photo
# it is the mean of the unit's map that is compared, for a place the value there; both before the ReLU. What is struck through
# has lost more than half. Along the photo's border units answer to the zeros, too, that the network sees beyond it.
#
# *What made it answer* is the gradient: where small changes of the photo would move the unit most. [Can such maps be
# trusted?](chapters/trust.py) measures how far.
#
# The weights are rounded to eight bits, so that they fit on the page. That moves values of conv5 by 2%, no more than a gray level of noise in
# the photo does; near ties may change places. The steps of the climb are those of [gradient ascent](chapters/ascent.py), {{ steps }} of them.
