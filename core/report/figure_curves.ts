/** Vega-Lite specification of the loss figure: loss against training tokens, one panel per length. */
import type { TopLevelSpec } from "vega-lite";
import type { CurveRow } from "./curve_rows.ts";
import { armLegend, DASHES, figureTheme, PALETTE, TEXT_WIDTH_PT } from "./figure_theme.ts";
import { footnotes } from "./console_table.ts";
import { leakingArms, stampedArm } from "./leaks.ts";
import { isSmoke, type ReportPlan, SMOKE_STAMP } from "./report_plan.ts";
import type { CellSummary } from "./summaries.ts";

const MOST_COLUMNS = 3;
const PANEL_HEIGHT = 132;
const AXIS_WIDTH = 34; // labels and title of the shared vertical axis
const PANEL_GAP = 14;

/** A horizontal reference line, e.g. the loss of a bigram model, in nats per token. */
export interface Floor {
  readonly label: string;
  readonly value: number;
}

/** What the figure shows. */
export interface FigureInput {
  readonly plan: ReportPlan;
  readonly cells: readonly CellSummary[];
  readonly rows: readonly CurveRow[];
  /** By sequence length. */
  readonly floors: ReadonlyMap<number, readonly Floor[]>;
}

/**
 * The specification. Lines are mean training loss over seeds without smoothing, bands its 95 %
 * t-interval, points with bars validation loss and its interval; 1 px = 1 pt.
 */
export function figureCurves(input: FigureInput): TopLevelSpec {
  const { plan } = input;
  const arms = plan.arms.map(labels(input));
  const columns = columnsFor(plan.lengths.length);
  const width = Math.floor((TEXT_WIDTH_PT - AXIS_WIDTH - PANEL_GAP * columns) / columns);
  return {
    ...(isSmoke(plan) ? { title: { text: SMOKE_STAMP, color: "#b00020" } } : {}),
    data: { values: dataValues(input) },
    facet: {
      field: "panel",
      type: "nominal",
      title: null,
      sort: plan.lengths.map(panelName),
    },
    columns,
    spacing: PANEL_GAP,
    // A shared horizontal axis would also be drawn below the empty places of a last row.
    resolve: { axis: { x: "independent" } },
    spec: { width, height: PANEL_HEIGHT, layer: layers(arms, width) },
    config: figureTheme,
  } as unknown as TopLevelSpec; // its layer lists are declared mutable; nothing here mutates them
}

/** How an arm is called in legend and notes: with a stamp where it leaks. */
function labels({ cells }: FigureInput): (arm: string) => string {
  const leaking = leakingArms(cells);
  return (arm) => stampedArm(arm, leaking);
}

/** Full rows where possible: four panels make two by two. */
function columnsFor(panels: number): number {
  return panels === 4 ? 2 : Math.min(MOST_COLUMNS, panels);
}

function panelName(seqLen: number): string {
  return `N = ${seqLen}`;
}

/** Rows as plain objects; a panel that lacks a cell says so. */
function dataValues(input: FigureInput): readonly Record<string, unknown>[] {
  const label = labels(input);
  const rows = input.rows.map((row) => ({
    ...row,
    arm: label(row.arm),
    panel: panelName(row.seqLen),
  }));
  const notes = input.plan.lengths.flatMap((seqLen) => {
    const here = input.cells.filter((cell) => cell.seqLen === seqLen);
    const empty = here.filter((cell) => cell.records.length === 0).map((cell) => cell.arm);
    const text = [
      ...(empty.length > 0 ? [`NO DATA: ${empty.join(", ")}`] : []),
      ...here.filter((cell) => cell.records.length > 0).flatMap((cell) =>
        footnotes(cell).map((note) => `${cell.arm}: ${note.split(": ")[1].split(";")[0]}`)
      ),
    ];
    return text.map((note, line) => ({ kind: "note", note, line, panel: panelName(seqLen) }));
  });
  const floors = input.plan.lengths.flatMap((seqLen) =>
    (input.floors.get(seqLen) ?? []).map((floor) => ({
      kind: "floor",
      mean: floor.value,
      label: floor.label,
      panel: panelName(seqLen),
    }))
  );
  return [...rows, ...floors, ...notes];
}

type Layer = Record<string, unknown>;

function layers(arms: readonly string[], width: number): readonly Layer[] {
  const x = {
    field: "tokens",
    type: "quantitative",
    title: "training tokens",
    axis: { format: "~s" },
  };
  const y = {
    field: "mean",
    type: "quantitative",
    title: "loss (nats per token)",
    scale: { zero: false, nice: true },
  };
  const scale = { domain: arms, range: arms.map((_, i) => PALETTE[i % PALETTE.length]) };
  const legend = armLegend(arms.length);
  const color = { field: "arm", type: "nominal", scale, title: null, ...legend };
  // Dashes repeat the colour for readers without it.
  const dash = {
    field: "arm",
    type: "nominal",
    scale: { domain: arms, range: arms.map((_, i) => DASHES[i % DASHES.length]) },
    title: null,
    ...legend,
  };
  const band = { y: { ...y, field: "low" }, y2: { field: "high" } };
  return [
    layer("floor", { type: "rule", color: "#777777", strokeDash: [2, 2], strokeWidth: 0.6 }, { y }),
    layer("floor", {
      type: "text",
      align: "left",
      baseline: "bottom",
      dy: -1,
      fontSize: 7,
      color: "#555555",
    }, { y, x: { value: 3 }, text: { field: "label" } }),
    layer("train", { type: "area", opacity: 0.22 }, { x, ...band, color }),
    layer("train", { type: "line", strokeWidth: 1.1 }, {
      x,
      y,
      color,
      strokeDash: dash,
    }),
    layer("valid", { type: "rule", strokeWidth: 1 }, { x, ...band, color }),
    layer("valid", { type: "point", filled: true, size: 16, opacity: 1 }, { x, y, color }),
    layer("diverged", {
      type: "point",
      shape: "cross",
      angle: 45,
      size: 60,
      filled: true,
      opacity: 1,
    }, {
      x,
      y,
      color,
    }),
    ...noteLayers(width),
  ];
}

function noteLayers(width: number): readonly Layer[] {
  return [0, 1, 2, 3, 4, 5].map((line) => ({
    transform: [{ filter: `datum.kind === 'note' && datum.line === ${line}` }],
    mark: { type: "text", align: "right", baseline: "top", fontSize: 7, color: "#b00020" },
    encoding: {
      x: { value: width - 2 },
      y: { value: 2 + 9 * line },
      text: { field: "note" },
    },
  }));
}

function layer(kind: string, mark: Layer, encoding: Layer): Layer {
  return { transform: [{ filter: `datum.kind === '${kind}'` }], mark, encoding };
}
