/** A multinomial logistic regression over sparse features, trained by AdaGrad; deterministic for a seed. */
import { DIMENSIONS, type Features } from "../mcp-server/routing/features.ts";

export interface Example {
  readonly features: Features;
  /** Index of the class. */
  readonly label: number;
  /** How much it counts. */
  readonly weight: number;
}

export interface SoftmaxOptions {
  readonly classes: number;
  readonly epochs: number;
  readonly rate: number;
  /** Weight decay at each touch of a feature. */
  readonly decay: number;
  readonly seed: number;
}

export interface Softmax {
  /** Class by class, {@link DIMENSIONS} each. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

export function trainSoftmax(examples: readonly Example[], { classes, epochs, rate, decay, seed }: SoftmaxOptions): Softmax {
  const weights = new Float32Array(classes * DIMENSIONS);
  const squares = new Float32Array(classes * DIMENSIONS);
  const bias = new Float32Array(classes);
  const random = mulberry(seed);
  const order = examples.map((_, at) => at);
  for (let epoch = 0; epoch < epochs; epoch += 1) {
    for (let at = order.length - 1; at > 0; at -= 1) {
      const other = Math.floor(random() * (at + 1));
      [order[at], order[other]] = [order[other] ?? 0, order[at] ?? 0];
    }
    for (const at of order) {
      const example = examples[at];
      if (example === undefined) continue;
      const { index, weight } = example.features;
      const odds = softmax(logits({ weights, bias }, example.features, classes));
      for (let label = 0; label < classes; label += 1) {
        const error = ((odds[label] ?? 0) - (label === example.label ? 1 : 0)) * example.weight;
        bias[label] = (bias[label] ?? 0) - 0.05 * rate * error;
        const base = label * DIMENSIONS;
        for (let feature = 0; feature < index.length; feature += 1) {
          const place = base + (index[feature] ?? 0);
          const gradient = error * (weight[feature] ?? 0) + decay * (weights[place] ?? 0);
          squares[place] = (squares[place] ?? 0) + gradient * gradient;
          weights[place] = (weights[place] ?? 0) - (rate * gradient) / (Math.sqrt(squares[place] ?? 0) + 1e-6);
        }
      }
    }
  }
  return { weights, bias };
}

export function logits({ weights, bias }: Softmax, { index, weight }: Features, classes: number): number[] {
  return Array.from({ length: classes }, (_, label) => {
    let sum = bias[label] ?? 0;
    const base = label * DIMENSIONS;
    for (let at = 0; at < index.length; at += 1) sum += (weights[base + (index[at] ?? 0)] ?? 0) * (weight[at] ?? 0);
    return sum;
  });
}

export function softmax(values: readonly number[], temperature = 1): number[] {
  const most = Math.max(...values);
  const odds = values.map((value) => Math.exp((value - most) / temperature));
  const sum = odds.reduce((total, value) => total + value, 0);
  return odds.map((value) => value / sum);
}

/** A small generator of numbers in [0, 1); mulberry32. */
export function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
