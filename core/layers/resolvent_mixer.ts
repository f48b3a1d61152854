/**
 * Token mixing by the causal resolvent applied to values, inside the block of ResNet-BK. docs/mathematics.md §12.
 *
 * Symbols
 *   u    values (B, N, D), split over H heads;  v  potential (B, N, H);  t  bond, one for all sites
 *   y    y_i = [(H_{1..i} - z)^-1 u_{1..i}]_i per head, complex: 2 D features of a token
 */
import type { Tensor } from "../graph/tensor.ts";
import { concat } from "../ops/concat.ts";
import { multiply } from "../ops/multiply.ts";
import type { ResolventMixed } from "../ops/resolvent_mixer.ts";
import { reshape } from "../ops/reshape.ts";
import { scale } from "../ops/scale.ts";
import { softClamp } from "../ops/soft_clamp.ts";
import { sum } from "../ops/sum.ts";
import { swapAxes } from "../ops/swap_axes.ts";
import type { BkMixerOptions, Mixed } from "./bk_mixer.ts";
import { greenOperands } from "./green_operands.ts";
import { linear } from "./linear.ts";
import { meanOf } from "./mean_of.ts";
import { resolventStep } from "./resolvent_step.ts";

/** x (B, N, D), normalised → mixed (B, N, D). H = bkChannels divides D; causal alone. */
export function resolventValueMixer(x: Tensor, options: BkMixerOptions): Mixed {
  const { batch, seqLen, bkChannels: heads, purpose, residualScale } = options;
  const { graph } = x;
  const width = x.type.shape[2];
  const rows = batch * seqLen;
  const std = 1 / Math.sqrt(width);
  return graph.scope("resolvent", () => {
    const flat = reshape(x, [rows, width]);
    const values = reshape(linear(flat, { name: "values", outputs: width, std }), [
      batch,
      seqLen,
      width,
    ]);
    const raw = linear(flat, { name: "potential", outputs: heads, std }); // (B N, H)
    const v = reshape(softClamp(raw, options.vMax), [batch, seqLen, heads]);
    const operands = greenOperands(graph, options);
    const { p, eta, lambda, a, bounds } = operands;
    const mixed = resolventStep({ x: values, v, t: p, eta, lambda }, {
      a,
      // The one learned number is the bond itself here, so that p = t^2 >= 0 whatever it becomes.
      bounds: { etaMin: bounds.etaMin, tMax: bounds.pMax },
      purpose,
    });
    const features = reshape(concat([mixed.re, mixed.im], { axis: 2 }), [rows, 2 * width]);
    const output = linear(features, {
      name: "output",
      outputs: width,
      std: residualScale / Math.sqrt(2 * width),
    });
    const g = pivotsOf(mixed, [batch, seqLen, heads]); // (B, H, N, 2)
    graph.probe("potential", v, ["batch", "token", "head"]);
    graph.probe("green", g, ["batch", "head", "token", "part"]);
    graph.probe("eta", eta, ["head"]);
    graph.probe("bond", p, ["bond"]);
    return {
      output: reshape(output, [batch, seqLen, width]),
      green: { g, operands: { ...operands, p: multiply(p, p) } },
      diagnostics: {
        eta,
        v_mean: meanOf(v),
        v_square_mean: meanOf(multiply(v, v)),
        g_mean: scale(
          sum(reshape(swapAxes(g, { axis: 1 }), [rows, 2 * heads]), { axis: 0 }),
          1 / rows,
        ),
      },
    };
  });
}

/** Pivots as BK-Core gives them: (B, H, N, 2). */
function pivotsOf(
  { gRe, gIm }: ResolventMixed,
  [batch, seqLen, heads]: readonly [number, number, number],
): Tensor {
  const [re, im] = [gRe, gIm].map((part) => reshape(part, [batch, seqLen, heads, 1]));
  return swapAxes(concat([re, im], { axis: 3 }), { axis: 1 });
}
