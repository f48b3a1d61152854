/** Launches of the kernels of semiseparable_diagonal, which its gradient shares. docs/mathematics.md §13. */
import { ShapeError } from "../errors.ts";
import {
  type Binding,
  type Dispatch,
  input,
  type Preset,
  scratch,
  type Site,
} from "../graph/op.ts";
import { expectRank, expectShape, f32, formatShape, type TensorType } from "../graph/shape.ts";
import { type BkDirection, op as bkCoreOp } from "./bk_core.ts";
import type { BkFormAttributes } from "./bk_forms.ts";
import { EXACT_GRADIENT } from "./bk_gradient_modes.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { linearScanChunks } from "./linear_scan_chunks.ts";

/** Columns of U that the kernels are meant for; ceil(log2 N) is 17 at 131,072 sites. */
export const MAX_RANK = 20;

export interface SemiseparableAttributes extends BkFormAttributes {
  /** Constant part of the diagonal. */
  readonly a: number;
  /** Sites per run of the solves and of the sums; 0: by the length. */
  readonly run: number;
}

/** Sizes of one application; inputs 0 to 5 are v, p, eta, lambda, u and sigma. */
export interface LowRankSizes {
  /** B H. */
  readonly chains: number;
  readonly n: number;
  readonly rank: number;
  readonly chunk: number;
  readonly chunks: number;
  readonly pStep: number;
}

export function lowRankSizes(
  { inputs, attributes: { run } }: Pick<Site<SemiseparableAttributes>, "inputs" | "attributes">,
): LowRankSizes {
  const [{ shape: [batch, heads, n] }, p, , , , sigma] = inputs;
  const { chunk, chunks } = run === 0
    ? linearScanChunks(n)
    : { chunk: run, chunks: Math.ceil(n / run) };
  const pStep = p.shape[0] === n - 1 ? 1 : 0;
  return { chains: batch * heads, n, rank: sigma.shape[0], chunk, chunks, pStep };
}

/** @throws {ShapeError} Unless u is (N, r), sigma (r), 1 <= r <= 20, and a run has at least one site */
export function expectLowRank(
  { u, sigma, n, run }: {
    readonly u: TensorType;
    readonly sigma: TensorType;
    readonly n: number;
    readonly run: number;
  },
): void {
  expectRank("sigma of semiseparable_diagonal", sigma, { rank: 1 });
  const [rank] = sigma.shape;
  if (rank < 1 || rank > MAX_RANK) {
    throw new ShapeError(
      `Cannot use sigma ${formatShape(sigma.shape)} in semiseparable_diagonal: ` +
        `expected 1 to ${MAX_RANK} values`,
    );
  }
  expectShape("u of semiseparable_diagonal", u, f32(n, rank));
  if (!(Number.isInteger(run) && run >= 0)) {
    throw new ShapeError(
      `Cannot use run ${run} in semiseparable_diagonal: expected an integer >= 0`,
    );
  }
}

/** Places of what the kernels of one application share. */
export interface LowRankSite {
  readonly source: string;
  readonly sizes: LowRankSizes;
  /** (B, H, N, 2). */
  readonly pivots: Binding;
  readonly transfer: Binding;
  readonly partials: Binding;
  readonly small: Binding;
}

/** X and both kinds of work space, in this order; complex numbers as pairs. */
export function lowRankScratch(sizes: LowRankSizes): readonly TensorType[] {
  const { chains, n, rank, chunks } = sizes;
  return [
    f32(chains, n, rank, 2),
    f32(chains, chunks, rank, 4),
    f32(chains, chunks, rank, rank, 2),
    f32(chains, 3, rank, rank, 2),
  ];
}

function launch(
  { source, sizes }: LowRankSite,
  options: {
    readonly entryPoint: string;
    readonly threads: number;
    readonly bindings: readonly Binding[];
    readonly overrides?: Readonly<Record<string, number>>;
  },
): Dispatch {
  const { n, rank, chunk, chunks, pStep } = sizes;
  return dispatchThreads({
    source,
    shader: "semiseparable_diagonal",
    entryPoint: options.entryPoint,
    threads: options.threads,
    overrides: {
      N: n,
      R: rank,
      P_STEP: pStep,
      CHUNK: chunk,
      CHUNKS: chunks,
      ...options.overrides,
    },
    bindings: options.bindings,
  });
}

/** x <- (T - z)^-1 x for every chain and column. */
export function solveDispatches(site: LowRankSite, x: Binding): readonly Dispatch[] {
  const { chains, chunks, rank } = site.sizes;
  const runs = chains * chunks * rank;
  return [0, 1].flatMap((BACK) => {
    const sweep = (entryPoint: string, threads: number): Dispatch =>
      launch(site, {
        entryPoint,
        threads,
        overrides: { BACK },
        bindings: [input(1), site.pivots, x, site.transfer],
      });
    const carry = launch(site, {
      entryPoint: "carry",
      threads: chains * rank,
      overrides: { BACK },
      bindings: [input(1), site.pivots, x, site.transfer],
    });
    return [...(chunks > 1 ? [sweep("reduce", runs), carry] : []), sweep("walk", runs)];
  });
}

/** Matrix `slot` of each chain <- left^T right, summed over sites; `left` is U, or complex like `right`. */
export function gramDispatches(site: LowRankSite, options: {
  readonly left: Binding;
  readonly isComplex: boolean;
  readonly right: Binding;
  readonly slot: number;
}): readonly Dispatch[] {
  const { chains, chunks, rank } = site.sizes;
  return [
    launch(site, {
      entryPoint: "gram",
      threads: chains * chunks * rank * rank,
      overrides: { LEFT_COMPLEX: Number(options.isComplex) },
      bindings: [options.left, options.right, site.partials],
    }),
    launch(site, {
      entryPoint: "gather",
      threads: chains * rank * rank,
      overrides: { SLOT: options.slot },
      bindings: [site.partials, site.small],
    }),
  ];
}

/** x <- (T - z)^-1 U, and D of each chain into slot 1. */
export function factorDispatches(site: LowRankSite, x: Binding): readonly Dispatch[] {
  const { chains, n, rank } = site.sizes;
  return [
    launch(site, { entryPoint: "spread", threads: chains * n * rank, bindings: [input(4), x] }),
    ...solveDispatches(site, x),
    ...gramDispatches(site, { left: input(4), isComplex: false, right: x, slot: 0 }),
    launch(site, { entryPoint: "invert", threads: chains, bindings: [input(5), site.small] }),
  ];
}

/** g (R_ii) <- G_ii. */
export function diagonalDispatch(
  site: LowRankSite,
  { x, g }: { readonly x: Binding; readonly g: Binding },
): Dispatch {
  return launch(site, {
    entryPoint: "diagonal",
    threads: site.sizes.chains * site.sizes.n,
    bindings: [input(5), site.small, x, g],
  });
}

/** bk_core on inputs 0 to 3 of an application. */
function bkSite(
  { inputs, attributes }: Site<SemiseparableAttributes>,
  mode: BkDirection,
): Site<Parameters<typeof bkCoreOp.infer>[1]> {
  const { a, form, chunk, warm_up } = attributes;
  const operands = inputs.slice(0, 4);
  return {
    inputs: operands,
    outputs: [f32(...inputs[0].shape, 2)],
    attributes: { a, form, chunk, warm_up, mode, ...EXACT_GRADIENT },
  };
}

export function bkScratch(
  site: Site<SemiseparableAttributes>,
  mode: BkDirection,
): readonly TensorType[] {
  return bkCoreOp.scratch?.(bkSite(site, mode)) ?? [];
}

/** Launches of bk_core with its result in `result` and its scratch from `firstScratch` on. */
export function bkDispatches(
  site: Site<SemiseparableAttributes>,
  options: {
    readonly mode: BkDirection;
    readonly preset: Preset;
    readonly result: Binding;
    readonly firstScratch: number;
  },
): readonly Dispatch[] {
  const place = (binding: Binding): Binding => {
    if (binding.role === "output") return { ...binding, ...options.result };
    return binding.role === "scratch"
      ? { ...binding, ...scratch(binding.index + options.firstScratch) }
      : binding;
  };
  return bkCoreOp.lower.webgpu(bkSite(site, options.mode), options.preset)
    .map((dispatch) => ({ ...dispatch, bindings: dispatch.bindings.map(place) }));
}

/** Most loop rounds of one invocation: a run, the runs of a chain, or the elimination. */
export function lowRankRounds({ chunk, chunks, rank }: LowRankSizes): number {
  return Math.max(chunk, chunks, rank * rank * (rank + 4) + rank * rank);
}
