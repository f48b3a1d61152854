import type { CurvePoint } from "../stats/first_crossing.ts";
import type { MetricLine } from "./record.ts";

/** One logged point of one metric; the value may be NaN or infinite where the unit diverged. */
export interface LoggedPoint extends CurvePoint {
  /** Training tokens seen so far. */
  readonly tokens: number;
}

/** One metric of the lines of a `metrics.jsonl`, in order of steps; empty when it was never logged. */
export function curveOf(lines: readonly MetricLine[], name: string): readonly LoggedPoint[] {
  return lines.filter((line) => line.name === name)
    .map(({ step, tokens, value }) => ({ step, tokens, value: Number(value) }))
    .sort((a, b) => a.step - b.step);
}
