/** Affine map of the last axis. */
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { matmul } from "../ops/matmul.ts";
import { reshape } from "../ops/reshape.ts";

/** Settings of an affine map. */
export interface LinearOptions {
  /** Scope of the parameters `weight` and `bias`. */
  readonly name: string;
  /** Size of the last axis of the result. */
  readonly outputs: number;
  /** Standard deviation of the first weights, drawn from a normal law around 0. */
  readonly std: number;
  /** Adds a bias that starts at 0. @default false */
  readonly bias?: boolean;
}

/**
 * x (…, inputs) → x W + b (…, outputs), W (inputs, outputs). Weight decay applies to W, not to b.
 *
 * @throws {HarnessError} If a parameter of that name exists
 */
export function linear(x: Tensor, options: LinearOptions): Tensor {
  const { graph } = x;
  const inputs = x.type.shape[x.type.shape.length - 1];
  const leading = x.type.shape.slice(0, -1);
  return graph.scope(options.name, () => {
    const weight = graph.parameter("weight", {
      type: f32(inputs, options.outputs),
      initial: { kind: "normal", standardDeviation: options.std },
      decay: true,
    });
    const rows = leading.reduce((product, n) => product * n, 1);
    const product = matmul(reshape(x, [rows, inputs]), weight);
    if (!options.bias) return reshape(product, [...leading, options.outputs]);
    const bias = graph.parameter("bias", {
      type: f32(options.outputs),
      initial: { kind: "constant", value: 0 },
      decay: false,
    });
    return reshape(add(product, bias), [...leading, options.outputs]);
  });
}
