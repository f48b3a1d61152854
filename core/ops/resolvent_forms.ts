/**
 * How the resolvent mixer walks N positions: which form, in chunks of how many. All forms compute the
 * recurrences of docs/mathematics.md §12; they differ in where a chunk's entry values come from, hence in the
 * last bits. The choice is data, made when the graph is traced, and part of the plan's digest. It reads lengths
 * and enforced bounds, never a learned value, and not the batch size, so that a sequence gives the same bits
 * in a batch of any size.
 */
import { ShapeError } from "../errors.ts";
import type { Attributes, Signature } from "../graph/op.ts";
import { CARRY_WARM_UP, chunksOf, LONGEST_WALK, warmUpLength } from "./bk_forms.ts";

/**
 * `sequential`: one walk over all positions. `halo`: a chunk starts some positions early from nothing. `carry`:
 * chunks are first reduced to the maps they are (Möbius for pivots, affine for values), these are applied in
 * order, and then every chunk runs from there.
 */
export type ResolventForm = "sequential" | "halo" | "carry";

/** The part of the mixer's attributes that says how it is computed. */
export interface ResolventFormAttributes extends Attributes {
  readonly form: ResolventForm;
  /** Positions per chunk; 0, for `sequential` alone, stands for as many as one launch may walk. */
  readonly chunk: number;
  /** Positions that pivots and their adjoint walk before a chunk; 0 for `sequential`. */
  readonly warm_up: number;
  /** Positions that values and their adjoint walk before a chunk; 0 but for `halo`. */
  readonly reach: number;
}

/** Bounds that the caller enforces on values it learns. */
export interface ResolventBounds {
  /** eta >= etaMin > 0 at every step of training. */
  readonly etaMin: number;
  /** t <= tMax for every bond. */
  readonly tMax: number;
}

/** Walks all positions in order. */
export const IN_ORDER: ResolventFormAttributes = {
  form: "sequential",
  chunk: 0,
  warm_up: 0,
  reach: 0,
};

/** The same for users of `deno task op`. */
export const resolventFormParameters: Signature<ResolventFormAttributes>["params"] = {
  form: {
    default: "sequential",
    choices: ["sequential", "halo", "carry"],
    doc: "how positions are walked: in order, or in chunks that warm up or carry",
  },
  chunk: {
    default: 0,
    doc: "positions per chunk; 0, for sequential alone: as many as a launch may walk",
  },
  warm_up: {
    default: 0,
    doc: "positions that pivots walk before a chunk; less than chunk for carry",
  },
  reach: { default: 0, doc: "positions that values walk before a chunk, for halo alone" },
};

interface Rule {
  /** The rule holds for lengths from here on, */
  readonly fromLength: number;
  /** for fewer heads than this, */
  readonly belowHeads: number;
  /** and for eta_min / t_max from here on. */
  readonly fromEta: number;
  readonly form: ResolventForm;
  readonly chunk: number;
}

/**
 * First rule that holds; none: `sequential`. A halo walks reach / chunk more (40, 123 and 363 positions at eta 1,
 * 0.3 and 0.1); a carry walks every position once more, and N / chunk steps in order. Long sequences take
 * longer chunks, so that those steps stay few.
 */
const RULES: readonly Rule[] = [
  { fromLength: 512, belowHeads: 512, fromEta: 1, form: "halo", chunk: 64 },
  { fromLength: 512, belowHeads: 512, fromEta: 0.3, form: "halo", chunk: 128 },
  { fromLength: 2048, belowHeads: 512, fromEta: 0.1, form: "halo", chunk: 512 },
  { fromLength: 32768, belowHeads: 512, fromEta: 0, form: "carry", chunk: 256 },
  { fromLength: 512, belowHeads: 512, fromEta: 0, form: "carry", chunk: 128 },
];

/** Form for `length` positions of `heads` heads. Without bounds, on which a halo relies: sequential or carry. */
export function chooseResolventForm(
  { length, heads }: { readonly length: number; readonly heads: number },
  bounds?: ResolventBounds,
): ResolventFormAttributes {
  const eta = bounds === undefined ? 0 : reducedEta(bounds);
  const rule = RULES.find(({ fromLength, belowHeads, fromEta }) =>
    length >= fromLength && heads < belowHeads && eta >= fromEta
  );
  if (rule === undefined) return IN_ORDER;
  const { form, chunk } = rule;
  return form === "halo"
    ? { form, chunk, warm_up: warmUpLength(eta), reach: reachLength(eta) }
    : { form, chunk, warm_up: CARRY_WARM_UP, reach: 0 };
}

function reducedEta({ etaMin, tMax }: ResolventBounds): number {
  if (etaMin > 0 && tMax >= 0) return tMax > 0 ? etaMin / tMax : Infinity;
  throw new ShapeError(
    `Cannot choose a form of resolvent_mixer: expected bounds eta_min > 0 and t_max >= 0, ` +
      `got ${etaMin} and ${tMax}`,
  );
}

/**
 * Positions after which values that started from nothing are right to 2^-24 in the worst case, a flat potential
 * at the centre of the band, where a gate is exp(-arsinh(eta / 2)): about twice as many as the pivots take,
 * which contract by the square of the gate (docs/mathematics.md §12.5). `eta` is in units of the largest bond.
 */
export function reachLength(eta: number): number {
  return Math.ceil(18 / Math.asinh(eta / 2)) + 2;
}

/** Most loop rounds of one invocation: a walk, the chunks linked in order, or the columns of a head. */
export function resolventRounds(
  form: ResolventFormAttributes,
  of: { readonly length: number; readonly columns: number },
): number {
  const { chunk, chunks } = chunksOf(form, of.length);
  const linked = form.form === "carry" ? chunks : 0;
  return Math.max(chunk + Math.max(form.warm_up, form.reach), linked, of.columns);
}

/** @throws {ShapeError} If the numbers do not belong to the form */
export function expectResolventForm(
  { form, chunk, warm_up, reach }: ResolventFormAttributes,
): void {
  const isCount = (n: number, least: number): boolean => Number.isInteger(n) && n >= least;
  const fits = {
    sequential: isCount(chunk, 0) && warm_up === 0 && reach === 0,
    halo: isCount(chunk, 1) && isCount(warm_up, 0) && isCount(reach, 0),
    carry: isCount(chunk, 1) && isCount(warm_up, 0) && warm_up < chunk && reach === 0,
  }[form];
  if (fits && chunk + Math.max(warm_up, reach) <= LONGEST_WALK) return;
  throw new ShapeError(
    `Cannot use chunk ${chunk}, warm_up ${warm_up} and reach ${reach} with form "${form}" in resolvent_mixer: ` +
      `expected integers with chunk + warm_up and chunk + reach at most ${LONGEST_WALK}, chunk >= 1 for "halo" ` +
      `and "carry", warm_up < chunk for "carry", reach 0 but for "halo", warm_up 0 for "sequential"`,
  );
}
