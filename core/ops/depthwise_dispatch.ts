/** What depthwise_conv and its transpose share: the rule about shapes and the launch. */
import { ShapeError } from "../errors.ts";
import { type Dispatch, input, type LaunchLimits, output, type Site } from "../graph/op.ts";
import { expectRank, formatShape, type TensorType } from "../graph/shape.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { launchByRows, perRow } from "./row_shards.ts";

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

/** Launches of the convolution, or of its transpose, over inputs 0 (values) and 1 (weights), cut by sequences. */
export function depthwiseDispatches(
  { inputs: [{ shape: [batch, n, channels] }, weights] }: Site,
  { source, isTransposed, ...limits }: LaunchLimits & {
    readonly source: string;
    readonly isTransposed: boolean;
  },
): readonly Dispatch[] {
  const step = channels % 4 === 0 ? 4 : 1;
  const tensors = [input(0), output(0)].map((binding) => perRow(binding, 4 * n * channels));
  return launchByRows({ rows: batch, perRow: tensors, ...limits }, ({ rows }) => [dispatchThreads({
    source,
    shader: "depthwise_conv",
    entryPoint: `forward_${step}`,
    threads: rows * n * channels / step,
    overrides: {
      N: n,
      C: channels / step,
      K: weights.shape[1],
      IS_TRANSPOSED: Number(isTransposed),
    },
    bindings: [input(1), input(0), output(0)],
  })]);
}
