/** The published routing by phase: equal bins of the circle. docs/mathematics.md §6. */
import source from "../../shaders/phase_bins.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { type Attributes, input, type Op, output, stopped, type Trial } from "../graph/op.ts";
import { expectRank, f32, i32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

export interface PhaseBinsAttributes extends Attributes {
  /** E, number of bins. */
  readonly bins: number;
}

/**
 * phases (rows) in [-pi, pi] → bins (rows) i32: floor(E (phase + pi) / (2 pi)), at most E - 1. A phase that
 * is NaN goes to bin 0.
 *
 * @throws {ShapeError} If the number of bins is no integer >= 1
 */
export function phaseBins(phases: Tensor, options: PhaseBinsAttributes): Tensor {
  return apply(op, [phases], { bins: options.bins });
}

const trial = (
  name: string,
  [rows, bins]: readonly [number, number],
  law: Trial["inputs"][0]["law"] = (_, u) => Math.PI * (2 * u - 1),
): Trial<PhaseBinsAttributes> => ({
  name,
  inputs: [{ type: f32(rows), law }],
  attributes: { bins },
  tolerance: 0, // integers
  gradientTolerance: false,
});

/** Found by the loop over all ops. */
export const op: Op<PhaseBinsAttributes> = {
  name: "phase_bins",
  signature: {
    doc: "Equal bins of the circle: floor(E (phase + pi) / (2 pi))",
    inputs: [{ name: "phases", doc: "(rows) in [-pi, pi]" }],
    outputs: [{ name: "indices", doc: "(rows) i32" }],
    params: { bins: { doc: "E, number of bins" } },
  },
  infer: ([phases], { bins }) => {
    expectRank("phases of phase_bins", phases, { rank: 1 });
    if (!Number.isInteger(bins) || bins < 1) {
      throw new ShapeError(`Cannot use ${bins} bins of a phase: expected an integer >= 1`);
    }
    return [i32(...phases.shape)];
  },
  vjp: () => [stopped],
  reference: ({ attributes: { bins } }, { inputs: [phases], outputs: [indices] }) => {
    phases.forEach((phase, row) => {
      const bin = Math.floor(bins * (phase + Math.PI) / (2 * Math.PI));
      indices[row] = Number.isNaN(phase) ? 0 : Math.min(Math.max(bin, 0), bins - 1);
    });
  },
  lower: {
    webgpu: ({ inputs: [phases], attributes: { bins } }) => [dispatchThreads({
      source,
      shader: "phase_bins",
      threads: phases.shape[0],
      overrides: { BINS: bins },
      bindings: [input(0), output(0)],
    })],
  },
  cost: ({ inputs: [{ shape: [rows] }] }) => ({ flops: 3 * rows, bytes: 8 * rows }),
  trials: [
    trial("one bin", [3, 1]),
    trial("four bins", [131, 4]),
    trial("a prime", [65, 13]),
    trial("both ends and the middle of bins", [6, 4], [-3.2, -3.1415927, -1, 1, 3.1415927, 3.2]),
  ],
};
