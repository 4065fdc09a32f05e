// @ts-check
// Gradient ascent, as featviz.ascent.climb in float32, by featviz.ascent.recipes.

/** featviz.ascent.plan.CANVAS, in pixels. */
const SIDE = 160;

/** @type {Record<"standard" | "narrow" | "neuron" | "accent", Change[]>} */
const TURNS = {
  standard: [{ degrees: 10, low: 0.9, high: 1.1, pixels: 8, frame: 12 }, { frame: 12, pixels: 14 }],
  narrow: [{ degrees: 10, low: 0.9, high: 1.1, pixels: 6, frame: 6 }, { frame: 6, pixels: 14 }],
  neuron: [{ degrees: 10, low: 0.9, high: 1.1, pixels: 2, frame: 0 }],
  accent: [{ degrees: 5, low: 0.95, high: 1.05, pixels: 4, frame: 0 }],
};
/** Numbers that are drawn for each step, of which a change uses the first ones. */
const DRAWS = 4;

/** @type {[number, number]} */
const MOMENTUM = [0.3, 0.999];
/** What Adam adds to its denominator; torch's. */
const EPSILON = 1e-8;

/**
 * How to climb; see LiveAscent.parameterization.
 * @param {LiveAscent} ascent @returns {Recipe}
 */
function recipeOf({ goal, parameterization, start }) {
  const kind = start ? "accent" : goal.at ? "neuron" : "standard";
  const natural = (/** @type {number} */ energy, /** @type {number} */ noise) =>
    (/** @type {Parameters<Recipe["build"]>} */ ...[draw, canvas]) =>
      new NaturalImage(draw, canvas, energy, noise);
  if (parameterization === "pixels") {
    const adam = { rate: 0.05, momentum: /** @type {[number, number]} */ ([0.9, 0.999]), tail: 0 };
    const build = (/** @type {Parameters<Recipe["build"]>} */ ...how) => new PixelImage(...how);
    return { build, turns: TURNS[kind], adam, steps: 96 };
  }
  if (parameterization === "spectrum") {
    const turns = TURNS[kind === "standard" ? "narrow" : kind];
    const adam = { rate: 0.35, momentum: MOMENTUM, tail: 0.5 };
    return { build: fourierImage, turns, adam, steps: 128 };
  }
  if (parameterization !== "bound") {
    throw new Error(`An image is moved as pixels, spectrum or bound, not ${parameterization}.`);
  }
  if (start) {
    const adam = { rate: 0.05, momentum: MOMENTUM, tail: 0.5 };
    return { build: natural(2, 0.01), turns: TURNS.accent, adam, steps: 48 };
  }
  if (goal.layer === "conv1" && !goal.relu) {
    return { build: natural(1.25, 0.01), turns: [], length: 3, steps: 48 };
  }
  if (goal.layer === "conv1" && !goal.at) {
    return { build: natural(1.25, 0.2), turns: TURNS.standard, length: 10, steps: 96 };
  }
  const adam = { rate: 0.2, momentum: MOMENTUM, tail: 0.5 };
  return { build: natural(2, 0.01), turns: TURNS[kind], adam, steps: 96 };
}

/** Steps uphill, by torch's Adam or by one length along the gradient. */
class Optimizer {
  /** @param {Recipe} recipe @param {number} steps @param {number} count Of parameters. */
  constructor({ adam, length }, steps, count) {
    this.adam = adam;
    this.length = length;
    this.steps = steps;
    this.first = new Float32Array(count);
    this.second = new Float32Array(count);
  }

  /** @param {Float32Array} parameters @param {Float32Array} slopes @param {number} step */
  move(parameters, slopes, step) {
    if (!this.adam) {
      const factor = (this.length ?? 0) / Math.max(norm(slopes), 1e-38);
      parameters.forEach((value, i) => (parameters[i] = value + factor * slopes[i]));
      return;
    }
    const { rate, momentum, tail } = this.adam;
    const now = rate * Math.min(1, (this.steps - step) / Math.max(1, tail * this.steps));
    const size = now / (1 - momentum[0] ** (step + 1));
    const root = Math.sqrt(1 - momentum[1] ** (step + 1));
    const { first, second } = this;
    for (let i = 0; i < parameters.length; i++) {
      first[i] += (1 - momentum[0]) * (slopes[i] - first[i]);
      second[i] = momentum[1] * second[i] + (1 - momentum[1]) * slopes[i] ** 2;
      parameters[i] += (size * first[i]) / (Math.sqrt(second[i]) / root + EPSILON);
    }
  }
}

/** @param {Float32Array} numbers */
function norm(numbers) {
  return Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0));
}

class Climb {
  /** @param {Trunk} trunk @param {LiveAscent} ascent @param {Stream} stream */
  constructor(trunk, ascent, stream) {
    const { goal, transforms, side = SIDE, start = null } = ascent;
    const recipe = recipeOf(ascent);
    this.trunk = trunk;
    this.goal = goal;
    this.turns = transforms ? recipe.turns : [];
    this.steps = ascent.steps ?? recipe.steps;
    if (!(Number.isInteger(this.steps) && this.steps > 0)) {
      throw new Error(`A climb takes a whole number of steps, at least 1, not ${ascent.steps}.`);
    }
    this.canvas = canvasOf(start?.height ?? side, start?.width ?? side, start);
    trunk.plan(this.canvas.height, this.canvas.width); // A size that won't do is told at once.
    this.moving = recipe.build((count) => stream.normal(count), this.canvas);
    const count = this.moving.parameters.length;
    this.uniform = stream.uniform(this.turns.length ? DRAWS * this.steps : 0);
    this.optimizer = new Optimizer(recipe, this.steps, count);
    this.taken = 0;
    this.image = this.picture();
  }

  /** The image as it is. @returns {LiveImage} */
  picture() {
    const { height, width } = this.canvas;
    return { pixels: this.moving.forward(), height, width };
  }

  /** One step uphill. */
  step() {
    const change = this.turns[this.taken % this.turns.length];
    const uniform = this.uniform.subarray(DRAWS * this.taken);
    const way = change && applied(change, uniform, this.image);
    const inputs = this.trunk.normalized(this.image);
    const seen = way ? way.there(inputs) : inputs;
    const { value, gradient } = this.trunk.climb(seen, this.goal);
    const slopes = way ? way.back({ ...seen, pixels: gradient }).pixels : gradient;
    const plane = this.canvas.height * this.canvas.width;
    slopes.forEach((slope, i) => (slopes[i] = slope / this.trunk.input.std[Math.floor(i / plane)]));
    this.optimizer.move(this.moving.parameters, this.moving.backward(slopes), this.taken);
    if (slopes.every((slope) => slope === 0)) this.moving.amplify();
    this.taken++;
    this.image = this.picture();
    return this.told(value);
  }

  /** What is told of the climb as it stands. @param {number | null} value @returns {LiveStep} */
  told(value) {
    const last = this.taken === this.steps;
    const score = last ? this.trunk.value(this.trunk.normalized(this.image), this.goal) : null;
    return { step: this.taken, steps: this.steps, value, image: this.image, score };
  }
}
