/** Root-mean-square normalisation of the last axis with a learned gain. */
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { multiply } from "../ops/multiply.ts";
import { reshape } from "../ops/reshape.ts";
import { rmsNormalise } from "../ops/rms_norm.ts";

/** Settings of an RMS norm. */
export interface RmsNormOptions {
  /** Scope of the parameter `gain`. */
  readonly name: string;
  /** Added to the mean square. @default 1e-5 */
  readonly epsilon?: number;
}

/**
 * x (…, width) → gain x / sqrt(mean(x²) + epsilon) over the last axis; gain (width) starts at 1, without decay.
 * Zhang and Sennrich, "Root mean square layer normalization" (2019), equation (4).
 *
 * @throws {HarnessError} If a parameter of that name exists
 */
export function rmsNorm(x: Tensor, options: RmsNormOptions): Tensor {
  const { graph } = x;
  const { shape } = x.type;
  const width = shape[shape.length - 1];
  const rows = shape.slice(0, -1).reduce((product, n) => product * n, 1);
  return graph.scope(options.name, () => {
    const gain = graph.parameter("gain", {
      type: f32(width),
      initial: { kind: "constant", value: 1 },
      decay: false,
    });
    const xhat = rmsNormalise(reshape(x, [rows, width]), { epsilon: options.epsilon ?? 1e-5 });
    return reshape(multiply(xhat, gain), shape);
  });
}
