/**
 * What the published model put in place of the gradient of BK-Core: formulas in G_ii and its own cotangent alone.
 *
 * Sources
 *   [1] docs/mathematics.md §5.5 (what the first term drops), §5.6 (definitions).
 * Symbols
 *   w  = dl/dRe G - i dl/dIm G, the conjugate of the cotangent as the publication writes it
 *   S  G^2 with its modulus raised to 1e-4 where it is less, its phase kept
 * Departures
 *   The publication replaces NaN by 0 and clamps the result to ±100. Here NaN stays NaN and nothing is
 *   clamped: a run that diverges has to show it.
 */
import source from "../../shaders/bk_core_local_vjp.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { expectShape, f32, formatShape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { type BkGradMode, expectBlend } from "./bk_gradient_modes.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

/** The modes of the backward pass that this op computes. */
export type BkLocalMode = Exclude<BkGradMode, "exact">;

export interface BkCoreLocalVjpAttributes extends Attributes {
  readonly mode: BkLocalMode;
  /** Weight of `hypothesis7` on [0, 1], read by `blend` alone. */
  readonly alpha: number;
}

/** g and its cotangent dg, (B, H, N, 2) both → dv (B, H, N). docs/mathematics.md §5.6. */
export function bkCoreLocalVjp(
  [g, dg]: readonly [Tensor, Tensor],
  options: BkCoreLocalVjpAttributes,
): Tensor {
  return apply(op, [g, dg], { mode: options.mode, alpha: Math.fround(options.alpha) });
}

/** Weight of `hypothesis7`. */
function weightOf({ mode, alpha }: BkCoreLocalVjpAttributes): number {
  const weights: Readonly<Record<BkLocalMode, number>> = {
    theoretical: 0,
    hypothesis7: 1,
    blend: Math.fround(alpha),
  };
  return weights[mode];
}

/** dv at one site, in polar form. */
function byDefinition(
  [re, im]: readonly [number, number],
  [dRe, dIm]: readonly [number, number],
  weight: number,
): number {
  const modulus = re * re + im * im;
  const phase = 2 * Math.atan2(im, re);
  // Re(w r e^{i phase})
  const theoretical = -modulus * (dRe * Math.cos(phase) + dIm * Math.sin(phase));
  const raised = Math.max(modulus, 1e-4);
  const [x, y] = [raised * Math.cos(phase) + 1e-6, raised * Math.sin(phase)];
  const hypothesis = -(dRe * x - dIm * y) / (x * x + y * y);
  return (1 - weight) * theoretical + weight * hypothesis;
}

const trial = (
  name: string,
  attributes: BkCoreLocalVjpAttributes,
  size: number,
): Trial<BkCoreLocalVjpAttributes> => ({
  name: `${name}, ${attributes.mode}`,
  inputs: [
    // Both sides of the floor |G| = 0.01.
    { type: f32(2, 3, 31, 2), law: (_, u) => size * (2 * u - 1) },
    { type: f32(2, 3, 31, 2), law: "normal" },
  ],
  attributes,
  tolerance: 2e-6, // about ten roundings, relative to the largest output
  gradientTolerance: false,
});

/** Found by the loop over all ops. */
export const op: Op<BkCoreLocalVjpAttributes> = {
  name: "bk_core_local_vjp",
  signature: {
    doc:
      "Published stand-ins for the gradient of bk_core by v, from each site's own G and cotangent",
    inputs: [
      { name: "g", doc: "output of bk_core (B, H, N, 2)" },
      { name: "dg", doc: "cotangent of g (B, H, N, 2)" },
    ],
    outputs: [{ name: "dv", doc: "(B, H, N)" }],
    params: {
      mode: {
        default: "theoretical",
        choices: ["theoretical", "hypothesis7", "blend"],
        doc: "which formula",
      },
      alpha: { default: 0.5, doc: "weight of hypothesis7 in a blend, 0 to 1" },
    },
  },
  infer: ([g, dg], { alpha }) => {
    if (g.shape.length !== 4 || g.shape[3] !== 2) {
      throw new ShapeError(
        `Cannot use ${formatShape(g.shape)} as g of bk_core_local_vjp: expected (B, H, N, 2)`,
      );
    }
    expectShape("g of bk_core_local_vjp", g, f32(...g.shape));
    expectShape("dg of bk_core_local_vjp", dg, g);
    expectBlend(alpha);
    return [f32(...g.shape.slice(0, 3))];
  },
  reference: ({ attributes }, { inputs: [g, dg], outputs: [dv] }) => {
    const weight = weightOf(attributes);
    dv.forEach((_, i) => {
      const [re, im] = [2 * i, 2 * i + 1];
      dv[i] = byDefinition([g[re], g[im]], [dg[re], dg[im]], weight);
    });
  },
  lower: {
    webgpu: ({ outputs: [dv], attributes }) => [
      dispatchThreads({
        source,
        shader: "bk_core_local_vjp",
        threads: sizeOf(dv.shape),
        overrides: { ALPHA: weightOf(attributes) },
        bindings: [input(0), input(1), output(0)],
      }),
    ],
  },
  cost: ({ outputs: [dv] }) => ({ flops: 20 * sizeOf(dv.shape), bytes: 20 * sizeOf(dv.shape) }),
  trials: (["theoretical", "hypothesis7", "blend"] as const).flatMap((mode) => [
    trial("large G", { mode, alpha: 0.25 }, 2),
    trial("G about the floor", { mode, alpha: 0.25 }, 0.015),
  ]),
};
