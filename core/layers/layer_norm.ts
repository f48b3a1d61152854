/** Layer normalisation of the last axis with learned gain and bias. */
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { layerNormalise } from "../ops/layer_norm.ts";
import { multiply } from "../ops/multiply.ts";
import { reshape } from "../ops/reshape.ts";

export interface LayerNormOptions {
  /** Scope of the parameters `gain` and `bias`. */
  readonly name: string;
  /** Added to the variance. @default 1e-5 */
  readonly epsilon?: number;
}

/**
 * x (…, width) → gain (x - mean) / sqrt(variance + epsilon) + bias over the last axis; gain (width) starts at 1
 * and bias (width) at 0, both without decay. Ba, Kiros and Hinton, "Layer normalization" (2016), equation (4).
 *
 * @throws {HarnessError} If a parameter of that name exists
 */
export function layerNorm(x: Tensor, options: LayerNormOptions): Tensor {
  const { graph } = x;
  const { shape } = x.type;
  const width = shape[shape.length - 1];
  const rows = shape.slice(0, -1).reduce((product, n) => product * n, 1);
  const parameter = (name: string, value: number): Tensor =>
    graph.parameter(name, {
      type: f32(width),
      initial: { kind: "constant", value },
      decay: false,
    });
  return graph.scope(options.name, () => {
    const gain = parameter("gain", 1);
    const bias = parameter("bias", 0);
    const xhat = layerNormalise(reshape(x, [rows, width]), { epsilon: options.epsilon ?? 1e-5 });
    return reshape(add(multiply(xhat, gain), bias), shape);
  });
}
