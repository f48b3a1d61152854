/** The numbers behind the loss figure: one row per drawn point, also written as CSV. */
import { tInterval } from "../stats/t_interval.ts";
import { curveOf, type LoggedPoint } from "../store/curve_of.ts";
import type { Curves } from "./cell_metrics.ts";
import { type CellSummary, LEVEL } from "./summaries.ts";

/** What a row is: batch loss in training, loss on the validation part, or where a seed diverged. */
export type CurveKind = "train" | "valid" | "diverged";

/** Mean over all seeds of a cell at one number of training tokens. */
export interface CurveRow {
  readonly kind: CurveKind;
  readonly arm: string;
  readonly seqLen: number;
  readonly tokens: number;
  /** Nats per token. */
  readonly mean: number;
  /** 95 % t-interval over seeds; equal to the mean with one seed. */
  readonly low: number;
  readonly high: number;
  /** Seeds. */
  readonly n: number;
}

/**
 * Rows of one cell in order of kind and tokens. A curve ends at the last step at which every seed has a
 * finite value: beyond it a mean over the survivors would flatter the arm. A cross marks such an end.
 */
export function curveRows(cell: CellSummary, curves: Curves): readonly CurveRow[] {
  const train = meanRows(cell, { kind: "train", curves, metric: "loss" });
  const valid = meanRows(cell, { kind: "valid", curves, metric: "val_loss" });
  const last = train.at(-1);
  const cross: readonly CurveRow[] = cell.diverged > 0 && last !== undefined
    ? [{ ...last, kind: "diverged" }]
    : [];
  return [...train, ...valid, ...cross];
}

/** Rows as CSV with a header, numbers in full. */
export function curveCsv(rows: readonly CurveRow[]): string {
  const header = "kind,arm,seq_len,tokens,mean,low,high,n";
  const lines = rows.map((row) =>
    [row.kind, csvText(row.arm), row.seqLen, row.tokens, row.mean, row.low, row.high, row.n].join(
      ",",
    )
  );
  return [header, ...lines, ""].join("\n");
}

function csvText(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function meanRows(
  cell: CellSummary,
  options: { readonly kind: CurveKind; readonly curves: Curves; readonly metric: string },
): readonly CurveRow[] {
  const seeds = cell.records.map((record) =>
    new Map(
      curveOf(options.curves.get(record.key) ?? [], options.metric)
        .map((point) => [point.step, point]),
    )
  );
  const steps = [...new Set(seeds.flatMap((seed) => [...seed.keys()]))].sort((a, b) => a - b);
  const rows: CurveRow[] = [];
  for (const step of steps) {
    const points = seeds.flatMap((seed): readonly LoggedPoint[] => {
      const point = seed.get(step);
      return point !== undefined && Number.isFinite(point.value) ? [point] : [];
    });
    if (points.length < seeds.length) break;
    rows.push({
      kind: options.kind,
      arm: cell.arm,
      seqLen: cell.seqLen,
      tokens: points[0].tokens,
      ...meanWithInterval(points.map((point) => point.value)),
    });
  }
  return rows;
}

function meanWithInterval(
  values: readonly number[],
): Pick<CurveRow, "mean" | "low" | "high" | "n"> {
  const interval = tInterval(values, { level: LEVEL });
  const { mean, n } = interval;
  if (interval.kind === "single-value") return { mean, low: mean, high: mean, n };
  return { mean, low: interval.low, high: interval.high, n };
}
