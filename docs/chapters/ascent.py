# ---
# title: "Gradient ascent: what does a unit want?"
# description: From the Keras example to images that survive a shift, one improvement at a time, with a trap shown live and an exact answer to check against.
# ---

# %% [markdown]
# # Gradient ascent: what does a unit want?
#
# Start from noise, and change the image a little in the direction that raises a unit's activation: after {{ steps }} steps it
# shows what excites the unit. Done naively this fails: {{ dead_neurons }}% of conv5's neurons never start, and the others end in
# noise. This chapter builds a method that works for every unit, and checks it where the right answer is known.

# %% tags=["hide"]
import torch

from featviz.article.studies import ascent as study
from featviz.article.studies import ascent_methods, ascent_questions

# %% tags=["hide-code"]
study.numbers()

# %% tags=["hide-code"]
ascent_methods.numbers()

# %% [markdown]
# ## From noise, step by step

# %%
study.climb()

# %% [markdown]
# ## The idea in one line
#
# Let $a_u(x)$ be the activation of a unit $u$ for an image $x$. We look for
#
# $$ x^\star = \argmax\limits_{x \in [0,1]^{3 \times H \times W}} a_u(x), $$
#
# with the network's weights held still, and climb by the gradient with respect to the image[^erhan2009]:
#
# $$ x_{t+1} = x_t + \eta\, \frac{\partial a_u}{\partial x}(x_t). $$
#
# A *neuron* is one channel at one place; its image is as large as the part of its receptive field that it uses. A *channel* is the mean over
# all places; its image is a texture.

# %% [markdown]
# ## The loop, in fifteen lines
#
# A hook reads the layer, a random shift keeps the image from hanging on single pixels, and Adam moves the image instead of the weights.
# After `import torch` and `import featviz as fv` it runs as it stands: `climb(fv.load("alexnet"), "conv5", 32)`.


# %% tags=["show-code"]
def climb(net, layer, unit, size=128, steps=96, rate=0.05):
    torch.manual_seed(0)
    image = (0.5 + 0.05 * torch.randn(1, 3, size, size)).requires_grad_()
    optimizer = torch.optim.Adam([image], lr=rate)
    seen, at = [], net.module.get_submodule(net.dotted[layer])
    # A copy, because the ReLU behind it overwrites what it gives.
    hook = at.register_forward_hook(lambda *io: seen.append(io[2].clone()))
    for _ in range(steps):
        shift = torch.randint(-8, 9, (2,)).tolist()
        net.module(net.normalize(image.roll(shift, (2, 3))))
        optimizer.zero_grad()
        (-seen.pop()[0, unit].mean()).backward()
        optimizer.step()
        image.data.clamp_(0, 1)
    hook.remove()
    return image.detach()[0]


# %%
ascent_methods.two_loops(climb)

# %% [markdown]
# [`featviz.maximize`](../reference/api/ascent.md) does the same for many units at once, each with random numbers of its own.

# %% tags=["hide-code"]
ascent_methods.unit_picker()

# %% [markdown]
# ## One improvement at a time
#
# We start with the algorithm of the Keras example[^chollet2020], and change one group of things at a time. Every picture is brought to
# the same contrast before it is shown and scored, because contrast alone buys activation.

# %%
ascent_methods.method_ladder()

# %% [markdown]
# The transforms decide the score. The second row did climb: held still, its pictures excite their units {{ unmoved_gain }} times as much
# as those of the third. But they hang on single pixels: shifted, zoomed and turned a little they reach {{ moved_share }} of
# the third row's score.
#
# The basis and its colors decide what the image is made of. With the Fourier basis the score is {{ basis_gain }} times that of the third
# row, and with decorrelated color {{ color_gain }} times that of the row before (geometric means over {{ subjects }} units, 95% intervals). A step in pixels is
# mostly one in high frequencies; a step in a spectrum scaled like that of photographs, mostly one in low ones. That changes where the climb ends, not what is allowed.
#
# No single number ranks these methods: the default, in the last row, has {{ default_gain }} times the third row's score.
#
# ## The bound
#
# A climb without limits buys its score with contrast, and with frequencies and colors that no photograph holds.
# MACO[^fel2023] fixes the magnitude of every Fourier coefficient, so that only phases move; but then no picture
# can be empty where its unit wants nothing. featviz bounds the *sum* of the energy over each octave and the three colors, at twice
# what the median photograph holds (for conv1, whose stripes are loud, at one and a quarter).
#
# What speaks for it is the last row of [](#fig-methods): it has {{ bound_gain }} times the score of the row above
# and {{ lucid_gain }} times that of Lucid's method. The price shows where contrast is left as it is: the row above then has
# {{ price }} times the score of the last one, at a contrast of {{ free_contrast }} against {{ bound_contrast }};
# photographs have {{ photo_contrast }}.
#
# ## The trap: units that never start
#
# In torchvision's AlexNet the ReLUs work *in place*: whoever reads `features.10` through a forward hook gets the value after the ReLU.
# For faint noise around gray that value is zero for {{ dead_neurons }}% of conv5's neurons, and at all places for
# {{ dead_channels }}% of its channels. There the gradient is zero too, and the image stays as it was.

# %%
study.dead_images()

# %% [markdown]
# featviz reads the value *before* the ReLU. What excites a unit most before it excites it most after it, because a ReLU
# never changes the order of values.
#
# *Wrong if* a unit stayed gray all the same: [the microscope](../microscope.py) counts none, over all layers.
# { .wrong-if }
#
# ## The check: a summit we know
#
# For conv1 before its ReLU the best image is known: the value is a weighted sum of the pixels, so its maximum has a pixel of 1 where the
# weight is positive and 0 where it is negative,
#
# $$ \max\limits_x a_u(x) = b_u + \sum_i \max\left(\frac{w_i}{\sigma_i}(1-\mu_i),\; -\frac{w_i}{\sigma_i}\mu_i\right). $$

# %%
study.exact_shares()

# %% [markdown]
# Clamped pixels, featviz's recipe for the highest score here, reach {{ exact_worst }}% of it for the
# *worst* of the 64 filters. Lucid's Fourier basis reaches {{ lucid_median }}% in the median and {{ lucid_worst }}% for the worst:
# it can't reach the corners of the color cube at every pixel.
#
# The default's images are softer on purpose: the summit lies outside the bound, and they reach {{ default_median }}% of it in the median. Under the bound,
# as long as contrast is small, the best image is each octave of the filter itself, brought to its limit; the default reaches at
# least {{ bounded_worst }}% of that one's value.
#
# *Wrong if* the clamped pixels of [](#fig-exact-shares) held a dot below 100%.
# { .wrong-if }
#
# ## Other questions, the same climb
#
# Any number that can be computed from a layer can be climbed[^olah2017].

# %%
ascent_questions.asked()

# %% [markdown]
# To our eyes the random directions give pictures as readable as the channels'. That a picture can be read doesn't show that its axis
# is special. What follows studies units because they are the network's own axes, and measures no random direction.
#
# A mixture of two units is a question like any other.

# %%
ascent_questions.strip()

# %% [markdown]
# A network with a classifier can be asked for a class. AlexNet's part here ends at conv5, so we ask SqueezeNet[^iandola2016].

# %%
ascent_questions.classes()

# %% [markdown]
# An image shows *a* summit, not the only one: [](deep.py#fig-diverse) has several for one unit. And a higher score isn't a better
# picture: no score says where the bound should lie.
