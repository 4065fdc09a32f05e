# ---
# title: "Gradient ascent: what does a unit want?"
# description: From the Keras example to images that survive a shift, one improvement at a time, with a trap shown live and an exact answer to check against.
# ---

# %% [markdown]
# # Gradient ascent: what does a unit want?
#
# Start from noise, and change the image a little in the direction that raises a unit's activation.
# After {{ steps }} such steps the image shows what excites the unit. Done naively this fails:
# {{ dead_neurons }}% of conv5's neurons never start, and those that do end in noise. This chapter builds a method that
# works for every unit, one improvement at a time, and checks it where the right answer is known.

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
# with the weights of the network held still, and climb by the gradient that training uses, but taken with respect to the
# image instead of the weights[^erhan2009], step by step:
#
# $$ x_{t+1} = x_t + \eta\, \frac{\partial a_u}{\partial x}(x_t). $$
#
# A *neuron* is one channel at one position; its image is as large as its receptive field. A *channel* is the mean over
# all positions; its image is a texture. Everything that follows is about which coordinates to climb in, and what to do to
# the image between two steps.

# %% [markdown]
# ## The loop, in fifteen lines
#
# This is all of it: a hook that reads the layer, a random shift so that no single pixel counts, and Adam on the image instead of
# the weights. The network is `fv.load("alexnet")`, which knows how its images are normalized; the rest is PyTorch. With `import torch` and
# `import featviz as fv` it runs as it stands: `climb(fv.load("alexnet"), "conv5", 32)`.


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
# In the library the same is [`featviz.maximize`](../reference/api/ascent.md): many units at once, each with random numbers of its
# own, on a private copy of the network, and no further than the layer that is asked.

# %% tags=["hide-code"]
ascent_methods.unit_picker()

# %% [markdown]
# ## One improvement at a time
#
# We start with the algorithm of the Keras example[^chollet2020]: gray noise, the mean activation away from the border, a
# gradient normalized to length 1, steps of a fixed length, and a picture stretched to a fixed contrast at the end. Then we
# change one group of things at a time, with the same units, seed and number of steps. Every picture
# is brought to the same contrast, {{ contrast }}, before it is shown and scored, because contrast alone buys activation.

# %%
ascent_methods.method_ladder()

# %% [markdown]
# The fine noise of the first rows isn't a failure to climb: without transforms an image excites its unit *more*
# ([](#fig-settings) has the numbers), but in a way that hangs on single pixels, and a shift by a few of them destroys most of
# it. So we ask that the image excite the unit *also when it is shifted, zoomed and turned a little*, and score it under such changes.
# Of all improvements this one changes the score most.
#
# The Fourier basis is the same set of images in other coordinates. The steepest direction depends on the coordinates: one
# step in pixels is a step in all frequencies at once, most of them high; one step in a spectrum scaled like that of
# photographs is mostly a step in the low ones. It changes where the climb ends, not what is allowed.

# %%
ascent_methods.combined()

# %% [markdown]
# So no single number ranks these methods. The transforms decide whether an image still excites its unit after a shift. The
# basis and its colors decide what the image is made of: decorrelated color changes the score by {{ color_change }} at Lucid's step
# sizes, and makes the colors those of things.
#
# ## The bound
#
# Photographs hold a known amount of energy in each octave of their spectrum: a power of the frequency, nearly the same for all.
# A climb that may put any amount anywhere buys its score with contrast, and with frequencies and colors that no photograph
# holds. The Keras example stretches its picture at the end; Lucid makes low frequencies easier to reach. Neither says how much
# is too much. MACO[^fel2023] does, and fixes the magnitude of every single coefficient, so that only phases move; but then no picture
# can be empty where its unit wants nothing. featviz bounds the *sum* over each octave and over the three colors, at twice
# what the median photograph holds, and leaves to the climb where inside the octave the energy goes.
#
# After each step an octave that holds more is scaled down as a whole. That costs a few percent of a step's time. What decided for it
# is what you see in the last row: at the same contrast it reaches {{ bound_gain }} times the score of the row above it and
# {{ lucid_gain }} times that of Lucid's method. The price is paid where nothing is held equal: left as they are, the pictures of the
# row above have a contrast of {{ free_contrast }} and {{ price }} times the score of those under the bound, which have {{ bound_contrast }};
# photographs have {{ photo_contrast }}.
#
# ## The trap: units that never start
#
# In torchvision's AlexNet the ReLUs work *in place*: they overwrite the convolution's output. Whoever reads
# `features.10` through a forward hook gets the value after the ReLU. For faint noise around gray it is zero for most neurons of
# every layer, and for most channels of conv5; where the ReLU is at zero its gradient is zero. The image then stays as it was.

# %%
study.dead_shares()

# %%
study.dead_images()

# %% [markdown]
# featviz reads the value *before* the ReLU, on a private copy of the network whose in-place operations are off. Every
# unit then has a gradient at every image, and what excites it most before the ReLU excites it most after it, because a ReLU
# never changes the order of values.
#
# *Wrong if* a unit stayed gray all the same: [the microscope](../microscope.py) counts them, over all layers, and there are none.
# { .wrong-if }
#
# ## The check: a summit we know
#
# For deep units nobody knows the best image. For conv1 before its ReLU everybody does: the value is a weighted sum
# of the pixels, so its maximum over images in $[0,1]$ is a pixel of 1 where the weight is positive and 0 where it is negative,
#
# $$ \max\limits_x a_u(x) = b_u + \sum_i \max\left(\frac{w_i}{\sigma_i}(1-\mu_i),\; -\frac{w_i}{\sigma_i}\mu_i\right). $$
#
# Clamped pixels, featviz's recipe for this case when the highest score is asked for, reach {{ exact_worst }}% of it for the
# *worst* of the 64 filters. Lucid's Fourier basis reaches {{ lucid_median }}% in the median and {{ lucid_worst }}% for the worst.
#
# The default is under the bound, where this summit lies outside. There, too, the answer is known, as long as contrast is small: each
# octave of the filter itself, brought to its limit. The default's picture reaches at least {{ bounded_worst }}% of the value of that one,
# for all 64 filters; it may exceed it, for the closed form takes no account of the sigmoid.

# %%
study.exact_shares()

# %%
study.exact_images()

# %% [markdown]
# *Wrong if* the exact recipe missed the exact maximum: the last column of [](#fig-exact-shares) would hold a dot below 100%.
# { .wrong-if }
#
# ## The settings, argued for
#
# A default is a choice. Here is what each setting is worth on the units of [](#fig-methods).

# %%
study.settings()

# %% [markdown]
# ## Other questions, the same climb
#
# Nothing above depends on *what* is climbed. Any number that can be computed from a layer will do, and so one
# method asks very different questions[^olah2017].

# %%
ascent_questions.asked()

# %% [markdown]
# A mixture of two units is a question like any other. And the climb need not start from noise: [](depth.py) starts it
# from a photograph.

# %%
ascent_questions.strip()

# %% [markdown]
# To our eyes the random directions give pictures as readable as the channels'. That a
# picture can be read doesn't show that the axis we asked for is special. What is special
# about units has to be measured, as [](shallow.py) does with gratings and [](deep.py) with photographs.
#
# A network with a classifier can be asked for a class. AlexNet's part in this article ends at conv5, so we ask
# SqueezeNet[^iandola2016].

# %%
ascent_questions.classes()

# %% [markdown]
# An image shows *a* summit, not the only one: [](deep.py#fig-diverse) has several for the same unit. And a higher score isn't a better
# picture. That is why the default is bounded, and no score says where the bound should lie.
