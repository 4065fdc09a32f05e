// @ts-check
// PyTorch's random numbers, so that a seed gives the picture that it gives in Python.

/** What each climb draws: MT19937. Source: M. Matsumoto, T. Nishimura, 1998; as in ATen. */
class Stream {
  /** @param {number} seed 32 bits. */
  constructor(seed) {
    this.state = new Uint32Array(624);
    this.state[0] = seed;
    for (let i = 1; i < 624; i++) {
      const before = this.state[i - 1] ^ (this.state[i - 1] >>> 30);
      this.state[i] = Math.imul(1812433253, before) + i;
    }
    this.next = 624;
  }

  /** 32 random bits. */
  bits() {
    const { state } = this;
    if (this.next === 624) {
      for (let i = 0; i < 624; i++) {
        const mixed = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
      }
      this.next = 0;
    }
    let bits = state[this.next++];
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    return (bits ^ (bits >>> 18)) >>> 0;
  }

  /** Numbers uniform in [0, 1), as torch.rand's. @param {number} count */
  uniform(count) {
    return Float32Array.from({ length: count }, () => (this.bits() & 0xffffff) / 2 ** 24);
  }

  /**
   * Standard normal numbers, as torch.randn's: pairs, by Box and Muller, 8 apart in groups of 16.
   * @param {number} count A multiple of 16.
   */
  normal(count) {
    const numbers = this.uniform(count);
    for (let first = 0; first < count; first += 16) {
      for (let i = first; i < first + 8; i++) {
        const radius = Math.sqrt(-2 * Math.log(1 - numbers[i]));
        const angle = 2 * Math.PI * numbers[i + 8];
        numbers[i] = radius * Math.cos(angle);
        numbers[i + 8] = radius * Math.sin(angle);
      }
    }
    return numbers;
  }
}

/**
 * The stream of a climb, as featviz.ascent.plan.random_streams names it.
 * @param {LiveGoal} goal @param {number} seed
 */
async function streamOf({ layer, unit, at, relu }, seed) {
  const place = at ? `@${at}` : "";
  const name = `${seed}/${layer}${relu ? ":relu" : ""}:${unit}${place}/0`;
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(name));
  // Of the first 64 bits Python takes the upper 63, and MT19937 of those the lower 32.
  const view = new DataView(hash);
  return new Stream(((view.getUint32(0) << 31) | (view.getUint32(4) >>> 1)) >>> 0);
}
