/** Look of all figures: Latin Modern at the size of a caption, colours that survive colour blindness. */
import type { Config } from "vega-lite";

/** Width of the text of `paper/main.tex`, in points; 1 px of a figure is 1 pt. */
export const TEXT_WIDTH_PT = 453;

/** Okabe and Ito (2008), without black and yellow, which are weak as thin lines beside grey. */
export const PALETTE: readonly string[] = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#e69f00",
];

/** Dash patterns in points, beside the colours. */
export const DASHES: readonly (readonly number[])[] = [[1, 0], [5, 2], [1.5, 1.5], [6, 2, 1.5, 2]];

/** Most arms whose names fit beside each other. */
const LEGEND_ROW = 4;

// A family name with a digit must be quoted, or the renderer takes the next family.
const FONT = "'LM Roman 10', 'Latin Modern Roman', serif";
const LABEL_SIZE = 8;
const text = { labelFontSize: LABEL_SIZE, titleFontSize: LABEL_SIZE + 0.5 } as const;

/** Vega-Lite configuration; regular weight everywhere, since only that weight is measured. */
export const figureTheme: Config = {
  font: FONT,
  background: "white",
  padding: 2,
  view: { stroke: "#bbbbbb", strokeWidth: 0.5 },
  title: { fontSize: LABEL_SIZE + 1, fontWeight: "normal", anchor: "start", offset: 4 },
  axis: {
    ...text,
    titleFontWeight: "normal",
    titlePadding: 4,
    labelPadding: 2,
    gridColor: "#eeeeee",
    gridWidth: 0.5,
    domain: false, // the frame of the panel is the axis line
    tickWidth: 0.5,
    tickColor: "#888888",
    tickSize: 3,
    tickCount: 5,
  },
  header: {
    labelFontSize: LABEL_SIZE + 0.5,
    labelFontWeight: "normal",
    labelPadding: 3,
    title: null,
  },
  legend: {
    ...text,
    orient: "top",
    direction: "horizontal",
    columns: 6,
    symbolType: "stroke",
    symbolStrokeWidth: 1.5,
    symbolOpacity: 1,
    symbolFillColor: "transparent",
    symbolSize: 160,
    columnPadding: 14,
    offset: 4,
    title: null,
  },
  text: { font: FONT, fontSize: LABEL_SIZE },
};

/** Legend of so many arms, where one row of them would be wider than the text. */
export function armLegend(arms: number): { readonly legend?: { readonly columns: number } } {
  return arms > LEGEND_ROW ? { legend: { columns: Math.ceil(arms / 2) } } : {};
}
