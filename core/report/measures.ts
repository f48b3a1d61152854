/** What units measured besides their loss: accuracy by group of a task, cosines between gradients. */
import { tInterval } from "../stats/t_interval.ts";
import type { RunRecord } from "../store/record.ts";
import { leakingArms, stampedArm } from "./leaks.ts";
import { type CellSummary, LEVEL } from "./summaries.ts";

/** Families of measures that reports show; a metric belongs to the one that its name begins with. */
export const MEASURE_FAMILIES = ["accuracy", "cosine"] as const;
export type MeasureFamily = typeof MEASURE_FAMILIES[number];

/** One measure of one arm at one length, over seeds. */
export interface MeasureSummary {
  readonly arm: string;
  /** How tables and figures call the arm: with a stamp where it leaks. */
  readonly label: string;
  readonly seqLen: number;
  readonly family: MeasureFamily;
  /** Name in the records, "accuracy/128". */
  readonly name: string;
  /** Records of the cell. */
  readonly records: number;
  /** Records without a value: they diverged, or a gradient was 0. A mean over the others would flatter the arm. */
  readonly lacking: number;
  /** Null unless every record has a value. */
  readonly value: MeasureValue | null;
  readonly keys: readonly string[];
}

/** Mean with a 95 % t-interval over seeds. */
export interface MeasureValue {
  readonly mean: number;
  /** Null with one seed. */
  readonly low: number | null;
  readonly high: number | null;
}

/** Measures of all cells that have any, names in natural order: numbers ascending, then words. */
export function summariseMeasures(cells: readonly CellSummary[]): readonly MeasureSummary[] {
  const names = measureNames(cells.flatMap((cell) => cell.records));
  const leaking = leakingArms(cells);
  return cells.filter((cell) => cell.records.length > 0).flatMap((cell) =>
    names.map((name) => ({ ...summaryOf(cell, name), label: stampedArm(cell.arm, leaking) }))
  );
}

/** Family of a metric, or undefined where reports show it elsewhere. */
function familyOf(name: string): MeasureFamily | undefined {
  return MEASURE_FAMILIES.find((family) => name.startsWith(`${family}/`));
}

function measureNames(records: readonly RunRecord[]): readonly string[] {
  const names = new Set(records.flatMap((record) => Object.keys(record.metrics)));
  return [...names].filter((name) => familyOf(name) !== undefined).sort(byNature);
}

function byNature(a: string, b: string): number {
  const [x, y] = [a, b].map((name) => Number(name.slice(name.lastIndexOf("/") + 1)));
  const isNumber = [x, y].map(Number.isFinite);
  if (isNumber[0] && isNumber[1]) return x - y;
  if (isNumber[0] !== isNumber[1]) return isNumber[0] ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function summaryOf(cell: CellSummary, name: string): Omit<MeasureSummary, "label"> {
  const values = cell.records.flatMap(({ metrics }) => metrics[name]?.value ?? []);
  const { length } = cell.records;
  return {
    arm: cell.arm,
    seqLen: cell.seqLen,
    family: familyOf(name)!,
    name,
    records: length,
    lacking: length - values.length,
    value: values.length === length ? valueOf(values) : null,
    keys: cell.records.map(({ key }) => key),
  };
}

function valueOf(values: readonly number[]): MeasureValue {
  const interval = tInterval(values, { level: LEVEL });
  const { mean } = interval;
  if (interval.kind === "single-value") return { mean, low: null, high: null };
  return { mean, low: interval.low, high: interval.high };
}

/** Rows as CSV with a header, numbers in full. */
export function measureCsv(rows: readonly MeasureSummary[]): string {
  const lines = rows.map(({ name, arm, seqLen, records, lacking, value }) =>
    [name, arm, seqLen, value?.mean, value?.low, value?.high, records, lacking].join(",")
  );
  return ["measure,arm,seq_len,mean,low,high,n,lacking", ...lines, ""].join("\n");
}
