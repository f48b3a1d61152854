/** What depthwise_conv and its transpose share: the rule about shapes and the launch. */
import { ShapeError } from "../errors.ts";
import { type Dispatch, input, output, type Site } from "../graph/op.ts";
import { expectRank, formatShape, sizeOf, type TensorType } from "../graph/shape.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

/** @throws {ShapeError} Unless x is (B, N, C) and the weights are (C, k), k >= 1 */
export function expectDepthwise(x: TensorType, weights: TensorType): void {
  expectRank("the input of depthwise_conv", x, { rank: 3 });
  expectRank("the weights of depthwise_conv", weights, { rank: 2 });
  if (weights.shape[0] !== x.shape[2] || weights.shape[1] < 1) {
    throw new ShapeError(
      `Cannot convolve ${formatShape(x.shape)} with weights ${formatShape(weights.shape)}: ` +
        `expected (C, k) = (${x.shape[2]}, at least 1)`,
    );
  }
}

/** Launch of the convolution, or of its transpose, over inputs 0 (values) and 1 (weights). */
export function depthwiseDispatch(
  { inputs: [{ shape: [, n, channels] }, weights], outputs: [y] }: Site,
  options: { readonly source: string; readonly isTransposed: boolean },
): Dispatch {
  const step = channels % 4 === 0 ? 4 : 1;
  return dispatchThreads({
    source: options.source,
    shader: "depthwise_conv",
    entryPoint: `forward_${step}`,
    threads: sizeOf(y.shape) / step,
    overrides: {
      N: n,
      C: channels / step,
      K: weights.shape[1],
      IS_TRANSPOSED: Number(options.isTransposed),
    },
    bindings: [input(1), input(0), output(0)],
  });
}
