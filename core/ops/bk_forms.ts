/**
 * How BK-Core walks a chain of N sites: which form, in chunks of how many sites. All forms compute the same
 * recurrences of docs/mathematics.md §4 and §5; they differ in where a chunk's entry value comes from, hence
 * in the last bits. The choice is data, made when the graph is traced, and part of the plan's digest. It reads
 * lengths and enforced bounds, never a learned value, and not the batch size, so that a sequence gives the
 * same bits in a batch of any size.
 */
import { ShapeError } from "../errors.ts";
import type { Attributes, Signature } from "../graph/op.ts";

/**
 * `sequential`: one invocation a chain. `halo`: a chunk starts `warm_up` sites early from nothing. `carry`: what
 * lies between two places `warm_up` sites before chunks is first reduced to its Möbius map (gradient: chunks
 * to linear maps), these are applied in order along the chain, and then every chunk runs from there.
 */
export type BkForm = "sequential" | "halo" | "carry";

/** The part of BK-Core's attributes that says how it is computed. */
export interface BkFormAttributes extends Attributes {
  readonly form: BkForm;
  /** Sites per chunk; 0, for `sequential` alone, stands for as many as one launch may walk. */
  readonly chunk: number;
  /** Sites that `halo` and `carry` walk before a chunk; 0 for `sequential`. */
  readonly warm_up: number;
}

/** Bounds that the caller enforces on values it learns. */
export interface BkBounds {
  /** eta >= etaMin > 0 at every step of training. */
  readonly etaMin: number;
  /** p_k <= pMax for every coupling. */
  readonly pMax: number;
}

/** Walks a chain in order. */
export const SEQUENTIAL: BkFormAttributes = { form: "sequential", chunk: 0, warm_up: 0 };

/** The same for users of `deno task op`. */
export const bkFormParameters: Signature<BkFormAttributes>["params"] = {
  form: {
    default: "sequential",
    choices: ["sequential", "halo", "carry"],
    doc: "how a chain is walked: by one invocation, or in chunks that warm up or carry",
  },
  chunk: {
    default: 0,
    doc: "sites per chunk; 0, for sequential alone: as many as a launch may walk",
  },
  warm_up: { default: 0, doc: "sites walked before a chunk; less than chunk for carry" },
};

/**
 * Sites that a carry walks in pairs of f32 before a chunk. The maps are in single f32; where d and p g nearly
 * cancel their rounding would show, as it is forgotten within a few sites at such places.
 */
export const CARRY_WARM_UP = 16;

/**
 * Most sites that one invocation walks. Software adapters built on llvmpipe end an invocation's loops, without
 * a word, after 65,535 rounds in all; longer sequential chains are walked in several launches.
 */
export const LONGEST_WALK = 16384;

interface Rule {
  /** The rule holds for lengths from here on, */
  readonly fromLength: number;
  /** for fewer heads than this, */
  readonly belowHeads: number;
  /** and for eta_min / sqrt(p_max) from here on. */
  readonly fromEta: number;
  readonly form: BkForm;
  readonly chunk: number;
}

/**
 * First rule that holds; none: `sequential`. A halo walks warm_up / chunk more (21, 63 and 183 sites at eta 1,
 * 0.3 and 0.1); a carry walks every site once more, in single f32, and N / chunk steps along the chain. Long
 * chains take longer chunks, so that those steps stay few. From 512 heads on one lane per chain fills an
 * adapter already at batch 1.
 */
const RULES: readonly Rule[] = [
  { fromLength: 512, belowHeads: 512, fromEta: 1, form: "halo", chunk: 64 },
  { fromLength: 512, belowHeads: 512, fromEta: 0.3, form: "halo", chunk: 128 },
  { fromLength: 1024, belowHeads: 512, fromEta: 0.1, form: "halo", chunk: 256 },
  { fromLength: 32768, belowHeads: 512, fromEta: 0, form: "carry", chunk: 256 },
  { fromLength: 512, belowHeads: 512, fromEta: 0, form: "carry", chunk: 128 },
];

/** Form for chains of `length` sites in `heads` channels. Without bounds, which a halo relies on: sequential. */
export function chooseBkForm(
  { length, heads }: { readonly length: number; readonly heads: number },
  bounds?: BkBounds,
): BkFormAttributes {
  if (bounds === undefined) return SEQUENTIAL;
  const { etaMin, pMax } = bounds;
  if (!(etaMin > 0 && pMax >= 0)) {
    throw new ShapeError(
      `Cannot choose a form of bk_core: expected bounds eta_min > 0 and p_max >= 0, got ${etaMin} and ${pMax}`,
    );
  }
  const eta = pMax > 0 ? etaMin / Math.sqrt(pMax) : Infinity;
  const rule = RULES.find(({ fromLength, belowHeads, fromEta }) =>
    length >= fromLength && heads < belowHeads && eta >= fromEta
  );
  if (rule === undefined) return SEQUENTIAL;
  const { form, chunk } = rule;
  return { form, chunk, warm_up: form === "halo" ? warmUpLength(eta) : CARRY_WARM_UP };
}

/**
 * Sites after which a free start is forgotten to 2^-24 in the worst case, a flat potential at the centre of
 * the band, where an influence shrinks by exp(-2 arsinh(eta / 2)) a site (docs/mathematics.md §4.5). `eta` is
 * in units of the square root of the largest coupling.
 */
export function warmUpLength(eta: number): number {
  return Math.ceil(18 / (2 * Math.asinh(eta / 2))) + 2;
}

/** Chunk size and number of chunks of a chain of `length` sites. */
export function chunksOf(
  { chunk }: Pick<BkFormAttributes, "chunk">,
  length: number,
): { readonly chunk: number; readonly chunks: number } {
  const size = chunk === 0 ? Math.min(length, LONGEST_WALK) : chunk;
  return { chunk: size, chunks: Math.ceil(length / size) };
}

/** @throws {ShapeError} If the numbers do not belong to the form */
export function expectForm({ form, chunk, warm_up }: BkFormAttributes): void {
  const isCount = (n: number, least: number): boolean => Number.isInteger(n) && n >= least;
  const fits = form === "sequential"
    ? isCount(chunk, 0) && warm_up === 0
    : isCount(chunk, 1) && isCount(warm_up, 0) && (form === "halo" || warm_up < chunk);
  if (fits && chunk + warm_up <= LONGEST_WALK) return;
  throw new ShapeError(
    `Cannot use chunk ${chunk} and warm_up ${warm_up} with form "${form}" in bk_core: expected integers of ` +
      `at most ${LONGEST_WALK} together, chunk >= 1 and warm_up >= 0 for "halo", warm_up < chunk for "carry", ` +
      `chunk >= 0 and warm_up 0 for "sequential"`,
  );
}
