/** Launches of the kernels of bk_core, which its gradient shares. docs/mathematics.md §4. */
import { assertNever } from "../errors.ts";
import { type Binding, type Dispatch, input, type Preset, scratch } from "../graph/op.ts";
import { f32, type TensorType } from "../graph/shape.ts";
import { type BkFormAttributes, chunksOf } from "./bk_forms.ts";

/** One application of bk_core or of its gradient; inputs 0 to 3 are v, p, eta and lambda. */
export interface BkSite {
  readonly source: string;
  readonly inputs: readonly TensorType[];
  readonly attributes: BkFormAttributes & { readonly a: number };
  readonly preset: Preset;
}

/** Whether every bond has a coupling of its own, as is said of one coupling where there is one bond. */
export function hasOwnCouplings([v, p]: readonly TensorType[]): boolean {
  return p.shape[0] === v.shape[2] - 1;
}

/** Lanes: full vectors of a software adapter; one warp on hardware, where few long lanes want many cores. */
export function bkLanes(preset: Preset): number {
  return preset === "gpu" ? 32 : 8;
}

/** Scratch for the pivots where walks start, and for what `carry` computes them from. */
export function bkEntryScratch(
  [v]: readonly TensorType[],
  options: { readonly form: BkFormAttributes; readonly directions: number },
): readonly TensorType[] {
  const { form, directions } = options;
  const [batch, heads, n] = v.shape;
  const { chunks } = chunksOf(form, n);
  const entry = f32(directions, batch * heads, chunks, 4);
  return form.form === "carry" ? [entry, f32(directions, batch * heads, chunks, 8)] : [entry];
}

/** Most loop rounds of an invocation that walks, one way and back. */
export function bkWalkRounds(attributes: BkFormAttributes, length: number): number {
  const { chunk, chunks } = chunksOf(attributes, length);
  return Math.max(2 * (chunk + attributes.warm_up), attributes.form === "carry" ? chunks : 0);
}

/** Sizes and steps of the kernels of bk_core. */
function overridesOf({ inputs: [v, p, eta, lambda], attributes, preset }: BkSite) {
  const [batch, heads, n] = v.shape;
  const { chunk, chunks } = chunksOf(attributes, n);
  return {
    A: attributes.a,
    N: n,
    CHAINS: batch * heads,
    HEADS: heads,
    P_STEP: Number(hasOwnCouplings([v, p])),
    ETA_STEP: eta.shape[0] === heads ? 1 : 0,
    LAMBDA_STEP: lambda.shape[0] === heads ? 1 : 0,
    CHUNK: chunk,
    CHUNKS: chunks,
    WARM_UP: attributes.warm_up,
    ENTERED: Number(attributes.form !== "halo"),
    WORKGROUP: bkLanes(preset),
  };
}

/** One launch with `bindings` from binding 4 on. */
export function bkDispatch(site: BkSite, launch: {
  readonly entryPoint: string;
  readonly bindings: readonly Binding[];
  readonly invocations: number;
  readonly overrides: Readonly<Record<string, number>>;
}): Dispatch {
  const overrides = { ...overridesOf(site), ...launch.overrides };
  return {
    source: site.source,
    shader: "bk_core",
    entryPoint: launch.entryPoint,
    overrides,
    bindings: [input(0), input(1), input(2), input(3), ...launch.bindings],
    workgroups: Math.ceil(launch.invocations / overrides.WORKGROUP),
  };
}

/** Launches that leave the pivots where walks start in scratch `first`, using `first + 1` for a carry. */
export function bkEntryDispatches(
  site: BkSite,
  options: { readonly first: number; readonly directions: number },
): readonly Dispatch[] {
  const { first, directions } = options;
  const [batch, heads, n] = site.inputs[0].shape;
  const { chunks } = chunksOf(site.attributes, n);
  const walks = directions * batch * heads;
  const launch = (
    entryPoint: string,
    invocations: number,
    overrides: Readonly<Record<string, number>> = {},
  ): Dispatch =>
    bkDispatch(site, {
      entryPoint,
      bindings: [scratch(first), ...(entryPoint === "relay" ? [] : [scratch(first + 1)])],
      invocations,
      overrides: { DIRECTIONS: directions, ...overrides },
    });
  switch (site.attributes.form) {
    case "sequential":
      return Array.from(
        { length: chunks - 1 },
        (_, k) => launch("relay", walks, { STEP: k + 1 }),
      );
    case "halo":
      return [];
    case "carry":
      return [launch("summarise", walks * chunks), launch("carry", walks)];
    default:
      return assertNever(site.attributes.form);
  }
}
