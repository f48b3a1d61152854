/** Figures of what units measured besides their loss: accuracy over groups, cosines by arm. */
import type { TopLevelSpec } from "vega-lite";
import { armLegend, DASHES, figureTheme, PALETTE, TEXT_WIDTH_PT } from "./figure_theme.ts";
import type { MeasureSummary } from "./measures.ts";
import { isSmoke, type ReportPlan, SMOKE_STAMP } from "./report_plan.ts";

const HEIGHT = 150;
const AXIS_WIDTH = 44;
const PANEL_GAP = 14;

type Layer = Record<string, unknown>;

/** What a figure shows. */
export interface MeasureFigureInput {
  readonly plan: ReportPlan;
  readonly rows: readonly MeasureSummary[];
  /** Share that guessing gets right; null where there is no such thing. */
  readonly chance: number | null;
}

/**
 * The figure of the measures' family. Accuracy: one line per arm over the groups of the task (numbers, on a
 * logarithmic axis), bars for the 95 % t-interval over seeds, the level of guessing dashed. Cosine: one panel per
 * scope of parameters, one point with bar per arm, before and after training.
 */
export function figureMeasures(input: MeasureFigureInput): TopLevelSpec {
  const isAccuracy = input.rows.every((row) => row.family === "accuracy");
  const spec = isAccuracy ? accuracyFigure(input) : cosineFigure(input);
  return {
    ...(isSmoke(input.plan) ? { title: { text: SMOKE_STAMP, color: "#b00020" } } : {}),
    ...spec,
    config: figureTheme,
  } as unknown as TopLevelSpec; // its layer lists are declared mutable; nothing here mutates them
}

function accuracyFigure({ plan, rows, chance }: MeasureFigureInput): Layer {
  const points = rows.filter((row) => row.value !== null && Number.isFinite(groupOf(row)))
    .map((row) => ({ kind: "point", arm: row.label, group: groupOf(row), ...interval(row) }));
  const groups = [...new Set(points.map((point) => point.group))];
  const guess = chance === null ? [] : [{ kind: "guess", mean: chance, label: "guessing" }];
  const x = {
    field: "group",
    type: "quantitative",
    title: "lag (tokens)",
    scale: { type: "log", base: 2 },
    axis: { values: groups, format: "d" },
  };
  const y = {
    field: "mean",
    type: "quantitative",
    title: "accuracy",
    scale: { domain: [0, 1], clamp: true },
  };
  const domain = labelsOf(plan, rows);
  const scale = { domain, range: domain.map((_, i) => PALETTE[i % PALETTE.length]) };
  const dashes = { domain, range: domain.map((_, i) => DASHES[i % DASHES.length]) };
  const legend = armLegend(domain.length);
  const color = { field: "arm", type: "nominal", scale, title: null, ...legend };
  const strokeDash = { field: "arm", type: "nominal", scale: dashes, title: null, ...legend };
  const bar = { y: { ...y, field: "low" }, y2: { field: "high" } };
  return {
    data: { values: [...points, ...guess] },
    width: TEXT_WIDTH_PT - AXIS_WIDTH,
    height: HEIGHT,
    layer: [
      layer("guess", { type: "rule", color: "#777777", strokeDash: [2, 2], strokeWidth: 0.6 }, {
        y,
      }),
      layer("guess", { type: "text", align: "left", baseline: "bottom", dy: -1, fontSize: 7 }, {
        y,
        x: { value: 3 },
        text: { field: "label" },
      }),
      layer("point", { type: "line", strokeWidth: 1.1 }, { x, y, color, strokeDash }),
      layer("point", { type: "rule", strokeWidth: 1 }, { x, ...bar, color }),
      layer("point", { type: "point", filled: true, size: 18, opacity: 1 }, { x, y, color }),
    ],
  };
}

/** Labels of the arms that have values, in the plan's order. */
function labelsOf(plan: ReportPlan, rows: readonly MeasureSummary[]): readonly string[] {
  return plan.arms.flatMap((arm) => rows.find((row) => row.arm === arm)?.label ?? []);
}

/** "accuracy/128" → 128; not a number for "accuracy/all". */
function groupOf({ name }: MeasureSummary): number {
  return Number(name.slice(name.lastIndexOf("/") + 1));
}

const WHEN: Readonly<Record<string, string>> = {
  initial: "before training",
  trained: "after training",
};

function cosineFigure({ plan, rows }: MeasureFigureInput): Layer {
  const points = rows.filter((row) => row.value !== null).map((row) => {
    const [, scope, when] = row.name.split("/");
    const panel = scope === "all" ? "all parameters" : `parameters of the ${scope}`;
    return { kind: "point", arm: row.label, panel, when: WHEN[when] ?? when, ...interval(row) };
  });
  const panels = [...new Set(points.map((point) => point.panel))].sort().reverse();
  const width = Math.floor(
    (TEXT_WIDTH_PT - AXIS_WIDTH - PANEL_GAP * panels.length) / panels.length,
  );
  const x = {
    field: "arm",
    type: "nominal",
    title: null,
    sort: labelsOf(plan, rows),
    axis: { labelAngle: 0 },
  };
  const xOffset = { field: "when", sort: Object.values(WHEN) };
  const y = {
    field: "mean",
    type: "quantitative",
    title: "cosine with the exact gradient",
    scale: { domain: [-1, 1] },
  };
  const scale = { domain: Object.values(WHEN), range: [PALETTE[0], PALETTE[1]] };
  const color = { field: "when", type: "nominal", scale, title: null };
  return {
    data: { values: points },
    facet: { field: "panel", type: "nominal", title: null, sort: panels },
    columns: panels.length,
    spacing: PANEL_GAP,
    spec: {
      width,
      height: HEIGHT,
      layer: [
        layer("point", { type: "rule", strokeWidth: 1 }, {
          x,
          xOffset,
          y: { ...y, field: "low" },
          y2: { field: "high" },
          color,
        }),
        layer("point", { type: "point", filled: true, size: 22, opacity: 1 }, {
          x,
          xOffset,
          y,
          color,
        }),
      ],
    },
  };
}

function interval(
  { value }: MeasureSummary,
): { readonly mean: number; readonly low: number; readonly high: number } {
  const { mean, low, high } = value!; // rows without a value were left out
  return { mean, low: low ?? mean, high: high ?? mean };
}

function layer(kind: string, mark: Layer, encoding: Layer): Layer {
  return { transform: [{ filter: `datum.kind === '${kind}'` }], mark, encoding };
}
