/**
 * Launches of ops that read rows of one operand where values say, such as ids: which launch needs which row is not
 * known when they are planned, so each serves what lies in its part of the operand and leaves the rest alone. Each
 * has the grid of the whole result, so that results in r parts of an operand in s parts take r s launches.
 */
import type { Binding, Dispatch, LaunchLimits } from "../graph/op.ts";
import { launchByRows, perRow, rowRanges } from "./row_shards.ts";

/** The operand read. */
export interface SourceRows extends LaunchLimits {
  readonly binding: Binding;
  readonly rows: number;
  readonly bytesPerRow: number;
}

/** Overrides of a launch: it has rows FIRST to FIRST + PART - 1. */
export interface SourcePart {
  readonly FIRST: number;
  readonly PART: number;
}

/** Overrides of a launch that adds terms FROM to TO - 1 of a sum to what the ones before left. */
export interface TermsPart extends SourcePart {
  readonly FROM: number;
  readonly TO: number;
}

/** `launch` for each part of the source, ascending. */
export function launchBySource(
  { binding, rows, bytesPerRow, ...limits }: SourceRows,
  launch: (part: SourcePart) => readonly Dispatch[],
): readonly Dispatch[] {
  const shards = { rows, perRow: [perRow(binding, bytesPerRow)], ...limits };
  return launchByRows(shards, (range) => launch({ FIRST: range.first, PART: range.rows }));
}

/** The same for sums of so many rows of the source: where it is cut, in order of terms, each in one of the launches. */
export function launchByTerms(
  { terms, ...source }: SourceRows & { readonly terms: number },
  launch: (part: TermsPart) => readonly Dispatch[],
): readonly Dispatch[] {
  const { binding, rows, bytesPerRow, ...limits } = source;
  const isWhole =
    rowRanges({ rows, perRow: [perRow(binding, bytesPerRow)], ...limits }).length === 1;
  const runs = isWhole
    ? [{ FROM: 0, TO: terms }]
    : Array.from({ length: terms }, (_, n) => ({ FROM: n, TO: n + 1 }));
  return runs.flatMap((run) => launchBySource(source, (part) => launch({ ...part, ...run })));
}
