/**
 * Launches of ops whose rows do not depend on each other, cut where a tensor is larger than one binding may be.
 * How they are cut depends on sizes alone, so that plans are the same on every adapter.
 */
import type { Binding, Dispatch, LaunchLimits } from "../graph/op.ts";
import { BYTES_PER_ELEMENT, sizeOf, type TensorType } from "../graph/shape.ts";

/** Bytes that one launch binds of a tensor that can be cut: half of what every adapter can bind. */
export const MAX_BINDING_BYTES = 64 * 2 ** 20;

/** Offsets of bindings that every adapter takes are multiples of this. */
const ALIGNMENT = 256;

/** Rows first, first + 1, …, first + rows - 1. */
export interface RowRange {
  readonly first: number;
  readonly rows: number;
}

/** A tensor of the site that holds its rows one behind the other. */
export interface RowBinding {
  readonly binding: Binding;
  readonly bytesPerRow: number;
}

/** What is cut, and how small. */
export interface RowShards extends LaunchLimits {
  readonly rows: number;
  /** Tensors that are cut; a launch binds the others whole. */
  readonly perRow: readonly RowBinding[];
  /** All ranges but the last have a multiple of so many rows; a power of two. @default 1 */
  readonly multipleOf?: number;
}

/** Fewest rows of so many bytes whose end can be the offset of a binding; a power of two. */
export function alignedRows(bytesPerRow: number): number {
  let rows = 1;
  while (rows * bytesPerRow % ALIGNMENT !== 0) rows *= 2;
  return rows;
}

/** Bytes of each of `rows` rows of a tensor. */
export function rowBytes(type: TensorType, rows: number): number {
  return BYTES_PER_ELEMENT * sizeOf(type.shape) / Math.max(1, rows);
}

/** `binding` as one that is cut by rows of so many bytes. */
export function perRow(binding: Binding, bytesPerRow: number): RowBinding {
  return { binding, bytesPerRow };
}

/**
 * Ranges that cover the rows in order, each with at most `maxBindingBytes` of every tensor and an offset that can
 * be bound. Where already the fewest rows of such a range take more, ranges have as many.
 */
export function rowRanges(shards: RowShards): readonly RowRange[] {
  const { rows, perRow, maxBindingBytes = MAX_BINDING_BYTES, multipleOf = 1 } = shards;
  const sizes = perRow.map(({ bytesPerRow }) => bytesPerRow);
  const widest = Math.max(...sizes);
  if (rows * widest <= maxBindingBytes) return [{ first: 0, rows }];
  // Powers of two, so that the largest is a multiple of all.
  const step = Math.max(multipleOf, ...sizes.map(alignedRows));
  const most = Math.max(step, Math.floor(maxBindingBytes / (widest * step)) * step);
  return Array.from({ length: Math.ceil(rows / most) }, (_, k) => ({
    first: k * most,
    rows: Math.min(most, rows - k * most),
  }));
}

/** `launch` for each range, as if its tensors had those rows alone. */
export function launchByRows(
  shards: RowShards,
  launch: (range: RowRange) => readonly Dispatch[],
): readonly Dispatch[] {
  const ranges = rowRanges(shards);
  if (ranges.length === 1) return launch(ranges[0]);
  return ranges.flatMap((range) =>
    launch(range).map((dispatch): Dispatch => ({
      ...dispatch,
      bindings: dispatch.bindings.map((binding) => cut(binding, range, shards.perRow)),
    }))
  );
}

function cut(binding: Binding, range: RowRange, perRow: readonly RowBinding[]): Binding {
  const found = perRow.find((row) =>
    row.binding.role === binding.role && row.binding.index === binding.index
  );
  // Of a tensor without elements there is nothing to cut, and nothing of it may be bound as a part.
  if (found === undefined || found.bytesPerRow === 0) return binding;
  const { bytesPerRow } = found;
  return {
    ...binding,
    byteOffset: range.first * bytesPerRow,
    byteLength: range.rows * bytesPerRow,
  };
}
