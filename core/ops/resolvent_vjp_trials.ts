/** Trials of resolvent_mixer_vjp, whose operands belong together as the mixer's operands and results do. */
import type { Trial } from "../graph/op.ts";
import { f32, type TensorType } from "../graph/shape.ts";
import { type Complex, multiply } from "./band_solve.ts";
import type { ResolventFormAttributes } from "./resolvent_forms.ts";

interface Options {
  readonly form: ResolventFormAttributes;
  /** Whether the pivots have cotangents. */
  readonly hasDg: boolean;
  /** Largest |g|, with bonds up to 1.4. @default 0.6 */
  readonly largest?: number;
}

/** Sequences, positions, heads, columns of a head. */
type Sizes = readonly [number, number, number, number];

/** Numbers on [0, 1) that look random. */
function spread(size: number, from: number): readonly number[] {
  return Array.from({ length: size }, (_, i) => (from + 0.6180339887498949 * (i + 1)) % 1);
}

/** y_i = g_i (x_i - t_i y_{i-1}) column by column, real and imaginary part. docs/mathematics.md §12. */
function valuesOf([batch, n, heads, columns]: Sizes, of: {
  readonly x: readonly number[];
  readonly t: readonly number[];
  readonly g: readonly Complex[];
}): readonly Complex[] {
  const y: Complex[] = [];
  const width = heads * columns;
  for (let at = 0; at < batch * n * width; at++) {
    const [row, head] = [Math.floor(at / width), Math.floor(at % width / columns)];
    const cell = row * heads + head;
    const before: Complex = row % n === 0 ? [0, 0] : y[at - width];
    const t = of.t[cell];
    y.push(multiply(of.g[cell], [of.x[at] - t * before[0], -t * before[1]]));
  }
  return y;
}

/** x, t, g and y that belong together, rounded to f32 but for y. */
function operandsOf(sizes: Sizes, largest: number) {
  const [batch, n, heads, columns] = sizes;
  const [cells, places] = [batch * n * heads, batch * n * heads * columns];
  const x = spread(places, 0).map((u) => Math.fround(4 * u - 2));
  const t = spread(cells, 0.3).map((u) => Math.fround(0.2 + 1.2 * u));
  const g = spread(cells, 0.7).map((u, i): Complex => {
    const [size, turn] = [largest * (0.5 + 0.5 * u), Math.PI * ((0.37 * i) % 1)];
    return [Math.fround(size * Math.cos(turn)), Math.fround(size * Math.sin(turn))];
  });
  return { x, t, g, y: valuesOf(sizes, { x, t, g }) };
}

/**
 * A trial with random pivots: each is the pivot of some diagonal, so any will do, but y must be what x, t and g
 * give. Rounding y to f32 costs as much as the mixer's own rounding.
 */
export function resolventVjpTrial(
  name: string,
  sizes: Sizes,
  { form, hasDg, largest = 0.6 }: Options,
): Trial<ResolventFormAttributes & { readonly has_dg: boolean }> {
  const [batch, n, heads, columns] = sizes;
  const { x, t, g, y } = operandsOf(sizes, largest);
  const part = (list: readonly Complex[], k: 0 | 1): readonly number[] => list.map((z) => z[k]);
  const [wide, narrow] = [f32(batch, n, heads * columns), f32(batch, n, heads)];
  const given = (type: TensorType, law: readonly number[]) => ({ type, law });
  const drawn = (type: TensorType) => ({ type, law: "normal" as const });
  const dg = drawn(hasDg ? narrow : f32(1));
  return {
    name: `${name}, ${hasDg ? "with" : "without"} a cotangent of g, ${form.form}`,
    inputs: [
      given(wide, x),
      given(narrow, t),
      ...[part(y, 0), part(y, 1)].map((values) => given(wide, values)),
      ...[part(g, 0), part(g, 1)].map((values) => given(narrow, values)),
      drawn(wide),
      drawn(wide),
      dg,
      dg,
    ],
    attributes: { ...form, has_dg: hasDg },
    // A few roundings per position, which gates below 1 forget, and y rounded before.
    tolerance: 1e-6,
    gradientTolerance: false,
  };
}
