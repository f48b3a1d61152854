/**
 * Token mixing by the causal Green function. docs/mathematics.md §3 and §4.
 *
 * Symbols
 *   v    potential (B, H, N), bounded by v_max
 *   eta  eta_min + softplus(theta), one per channel
 *   g    causal Green function; its real and imaginary parts are the 2 H features of a token
 */
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { bkCore, type BkDirection } from "../ops/bk_core.ts";
import { fill } from "../ops/fill.ts";
import { reshape } from "../ops/reshape.ts";
import { softClamp } from "../ops/soft_clamp.ts";
import { softplus } from "../ops/softplus.ts";
import { swapAxes } from "../ops/swap_axes.ts";
import { linear } from "./linear.ts";

export interface BkMixerOptions {
  readonly batch: number;
  readonly seqLen: number;
  /** H. */
  readonly bkChannels: number;
  readonly vMax: number;
  readonly etaInit: number;
  readonly etaMin: number;
  /** Factor on the first output projection, so that depth does not widen the residual stream. */
  readonly residualScale: number;
  /** `bidirectional` leaks later tokens; it exists for tests and comparisons. @default "causal" */
  readonly direction?: BkDirection;
}

/** x (B, N, D), normalised → mixed (B, N, D) and the channels' eta (H). */
export function bkMixer(
  x: Tensor,
  options: BkMixerOptions,
): { readonly output: Tensor; readonly eta: Tensor } {
  const { batch, seqLen, bkChannels: heads } = options;
  const { graph } = x;
  const width = x.type.shape[2];
  return graph.scope("bk", () => {
    const rows = reshape(x, [batch * seqLen, width]);
    const raw = linear(rows, { name: "potential", outputs: heads, std: 1 / Math.sqrt(width) }); // (B N, H)
    const bounded = softClamp(raw, options.vMax);
    const v = swapAxes(reshape(bounded, [batch, seqLen, heads]), { axis: 1 }); // (B, H, N)
    const theta = graph.parameter("theta", {
      type: f32(heads),
      initial: { kind: "constant", value: inverseSoftplus(options.etaInit - options.etaMin) },
      decay: false,
    });
    const eta = add(softplus(theta), fill(graph, { shape: [], value: options.etaMin })); // (H)
    const coupling = 1;
    const p = fill(graph, { shape: [1], value: coupling });
    const lambda = fill(graph, { shape: [1], value: 0 });
    const g = bkCore({ v, p, eta, lambda }, {
      mode: options.direction ?? "causal",
      bounds: { etaMin: options.etaMin, pMax: coupling },
    }); // (B, H, N, 2)
    const features = reshape(swapAxes(g, { axis: 1 }), [batch * seqLen, 2 * heads]); // (B N, 2 H)
    const std = options.residualScale / Math.sqrt(2 * heads);
    const output = linear(features, { name: "output", outputs: width, std }); // (B N, D)
    return { output: reshape(output, [batch, seqLen, width]), eta };
  });
}

/** theta with softplus(theta) = y > 0: y + log(1 - e^-y), which neither overflows nor cancels. */
function inverseSoftplus(y: number): number {
  return y + Math.log(-Math.expm1(-y));
}
