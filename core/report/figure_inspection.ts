/** Vega-Lite specifications of what a model computes for one text: maps over tokens, and values per head. */
import type { TopLevelSpec } from "vega-lite";
import { figureTheme, PALETTE } from "./figure_theme.ts";

/** How a map is coloured: from 0 up, or about 0 in both directions. */
export type MapColours = "from-zero" | "about-zero";

export interface MapFigure {
  /** Label of each column, in order; labels may repeat. */
  readonly columns: readonly string[];
  readonly columnTitle: string;
  /** Label of each row, in order, from the top; labels may repeat. */
  readonly rows: readonly string[];
  readonly rowTitle: string;
  /** Values by row and column. */
  readonly values: readonly ArrayLike<number>[];
  /** What the colour is, with its unit. */
  readonly valueTitle: string;
  readonly colours: MapColours;
  /** Cells with smaller values stay white, but for the diagonal. @default none stays white */
  readonly leaveOutBelow?: number;
}

const CELL = { least: 8, most: 16, row: 14 } as const;
const FONT = "Helvetica, Arial, sans-serif";
const SIZE = { label: 10, title: 11 } as const;
const WIDEST = 960;
const TALLEST = 720;

/** A map: one coloured cell for each row and column. */
export function mapFigure(figure: MapFigure): TopLevelSpec {
  const { columns, rows, valueTitle, colours } = figure;
  // A map of tokens by tokens is square, and should fit a screen.
  const square = rows.length === columns.length;
  const fit = Math.floor((square ? TALLEST : WIDEST) / columns.length);
  const wide = Math.min(CELL.most, Math.max(CELL.least, fit));
  const tall = square ? wide : CELL.row;
  const axis = { labelExpr: LABEL, labelFontSize: Math.min(SIZE.label, wide), labelOverlap: false };
  return spec({
    data: { values: cells(figure) },
    width: { step: wide },
    height: { step: tall },
    mark: { type: "rect" },
    encoding: {
      x: ordinal("column", {
        title: figure.columnTitle,
        axis: { ...axis, labelAngle: angleOf(columns) },
      }),
      y: ordinal("row", { title: figure.rowTitle, axis }),
      color: {
        field: "value",
        type: "quantitative",
        title: valueTitle,
        scale: colours === "about-zero"
          ? { scheme: "blueorange", domain: symmetric(figure.values), reverse: true }
          : {
            range: ["#ffffff", "#9ecae1", "#2171b5", "#08306b"],
            interpolate: "rgb",
            domainMin: 0,
          },
        legend: LEGEND,
      },
    },
  });
}

export interface PointsFigure {
  /** Label of each point, in order; labels may repeat. */
  readonly labels: readonly string[];
  readonly labelTitle: string;
  /** Smallest, middle and largest value of each; equal where there is one value. */
  readonly values: readonly {
    readonly low: number;
    readonly middle: number;
    readonly high: number;
  }[];
  readonly valueTitle: string;
  readonly log: boolean;
}

/** Points with ranges, one for each label. */
export function pointsFigure(figure: PointsFigure): TopLevelSpec {
  const { labels, labelTitle, values, valueTitle, log } = figure;
  const x = ordinal("column", {
    title: labelTitle,
    axis: { labelExpr: LABEL, labelAngle: angleOf(labels) },
  });
  const scale = log ? { type: "log" } : { zero: true };
  const y = (field: string) => ({ field, type: "quantitative", title: valueTitle, scale });
  const axis = { format: ".4~g", labelOverlap: "greedy" };
  return spec({
    data: {
      values: values.map((value, i) => ({ ...value, column: `${i}:${labels[i]}`, columnAt: i })),
    },
    width: { step: Math.min(40, Math.max(CELL.least, Math.floor(WIDEST / labels.length))) },
    height: 140,
    layer: [
      {
        mark: { type: "rule", strokeWidth: 1.2, color: PALETTE[0] },
        encoding: { x, y: { ...y("low"), axis }, y2: { field: "high" } },
      },
      {
        mark: { type: "point", filled: true, size: 22, opacity: 1, color: PALETTE[0] },
        encoding: { x, y: { ...y("middle"), axis } },
      },
    ],
  });
}

/** Keys are "<index>:<label>", so that equal labels stay apart. */
const LABEL = "slice(datum.value, indexof(datum.value, ':') + 1)";

const LEGEND = {
  type: "gradient",
  orient: "right",
  direction: "vertical",
  gradientLength: 80,
  gradientThickness: 8,
  format: ".4~g",
  titleLimit: 400,
  titleFontWeight: "normal",
  titleFontSize: SIZE.title,
  labelFontSize: SIZE.label,
  columns: 1,
} as const;

function ordinal(field: string, more: Readonly<Record<string, unknown>>): unknown {
  return { field, type: "ordinal", sort: { field: `${field}At`, op: "min" }, ...more };
}

/** Long labels stand upright. */
function angleOf(labels: readonly string[]): number {
  return labels.some((label) => label.length > 2) ? -90 : 0;
}

function cells(figure: MapFigure): readonly Record<string, unknown>[] {
  const { rows, columns, values, leaveOutBelow } = figure;
  return rows.flatMap((row, rowAt) =>
    columns.flatMap((column, columnAt) => {
      const value = values[rowAt][columnAt];
      const shown = leaveOutBelow === undefined || rowAt === columnAt || value >= leaveOutBelow;
      // Five digits are more than a colour shows.
      return shown
        ? [{
          row: `${rowAt}:${row}`,
          rowAt,
          column: `${columnAt}:${column}`,
          columnAt,
          value: Number(value.toPrecision(5)),
        }]
        : [];
    })
  );
}

function symmetric(values: readonly ArrayLike<number>[]): readonly [number, number] {
  const most = values.reduce(
    (largest, row) => Array.from(row).reduce((most, x) => Math.max(most, Math.abs(x)), largest),
    0,
  );
  return most > 0 ? [-most, most] : [-1, 1];
}

function spec(parts: Readonly<Record<string, unknown>>): TopLevelSpec {
  const axis = {
    ...figureTheme.axis,
    labelFontSize: SIZE.label,
    titleFontSize: SIZE.title,
    titleLimit: 600,
    titlePadding: 9,
  };
  const config = { ...figureTheme, font: FONT, axis, padding: 4 };
  // Its lists are declared mutable; nothing here mutates them.
  return { ...parts, config } as unknown as TopLevelSpec;
}
