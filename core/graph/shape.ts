/** Shapes and element types. A shape lists sizes, outermost first; arrays are row-major. */
import { ShapeError } from "../errors.ts";

/** Element type of a tensor on the device. Token ids and indices are i32, everything else f32. */
export type Dtype = "f32" | "i32";

/** Sizes, outermost first; the empty shape is a scalar. */
export type Shape = readonly number[];

/** Shape and element type of a tensor. Both element types take four bytes. */
export interface TensorType {
  /** Sizes, outermost first. */
  readonly shape: Shape;
  /** Type of every element. */
  readonly dtype: Dtype;
}

/** Bytes per element, for both element types. */
export const BYTES_PER_ELEMENT = 4;

/** Number of elements; 1 for the empty shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** "(2, 3)", as shapes are written in messages and docs. */
export function formatShape(shape: Shape): string {
  return `(${shape.join(", ")})`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, axis) => n === b[axis]);
}

/** Type of f32 values: f32(2, 3) has shape (2, 3). */
export function f32(...shape: number[]): TensorType {
  return { shape, dtype: "f32" };
}

/** Type of token ids and indices: i32(2, 3) has shape (2, 3). */
export function i32(...shape: number[]): TensorType {
  return { shape, dtype: "i32" };
}

/** @throws {ShapeError} Unless `type` has the wanted rank and element type */
export function expectRank(
  what: string,
  type: TensorType,
  want: { rank: number; dtype?: Dtype },
): void {
  const dtype = want.dtype ?? "f32";
  if (type.shape.length !== want.rank || type.dtype !== dtype) {
    throw new ShapeError(
      `Cannot use ${
        formatShape(type.shape)
      } ${type.dtype} as ${what}: expected rank ${want.rank} and ${dtype}`,
    );
  }
}

/** @throws {ShapeError} Unless the shapes are equal */
export function expectShape(what: string, type: TensorType, want: TensorType): void {
  if (!sameShape(type.shape, want.shape) || type.dtype !== want.dtype) {
    throw new ShapeError(
      `Cannot use ${formatShape(type.shape)} ${type.dtype} as ${what}: ` +
        `expected ${formatShape(want.shape)} ${want.dtype}`,
    );
  }
}

/** Common shape of operands under right-aligned broadcasting, where sizes agree or one of them is 1. */
export function broadcastShape(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const size = sizes.find((n) => n !== 1) ?? 1;
    if (sizes.some((n) => n !== 1 && n !== size)) {
      throw new ShapeError(
        `Cannot broadcast ${shapes.map(formatShape).join(" with ")}: ` +
          `sizes on axis ${axis} must agree or be 1, got ${sizes.join(" and ")}`,
      );
    }
    return size;
  });
}

/** Where an operand's element for flat output index i lies: floor(i / inner) mod size. */
export interface Indexing {
  /** Output elements in a row that read the same element. */
  readonly inner: number;
  /** Elements of the operand. */
  readonly size: number;
}

/**
 * How an operand is read when broadcast to `to`. Its sizes other than 1 must be adjacent axes, which
 * covers scalars, rows, columns and per-channel values.
 *
 * @throws {ShapeError} If the operand is broadcast on both sides of an axis it has
 */
export function broadcastIndexing(from: Shape, to: Shape): Indexing {
  const padded = [...Array<number>(to.length - from.length).fill(1), ...from];
  const kept = padded.map((n, axis) => n !== 1 ? axis : -1).filter((axis) => axis >= 0);
  if (kept.length === 0) return { inner: 1, size: 1 };
  const last = kept[kept.length - 1];
  for (let axis = kept[0]; axis <= last; axis++) {
    if (padded[axis] !== to[axis]) {
      throw new ShapeError(
        `Cannot broadcast ${formatShape(from)} to ${
          formatShape(to)
        }: its sizes other than 1 must be adjacent axes`,
      );
    }
  }
  return { inner: sizeOf(to.slice(last + 1)), size: sizeOf(from) };
}
