/** Draws a Vega-Lite specification as SVG text without a canvas or a DOM. */
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { lintFigure } from "./figure_lint.ts";
import { textWidth } from "./text_width.ts";

/** The part of Vega's text measurement that its type declarations leave out. */
interface TextMetrics {
  width: (item: { readonly fontSize?: number }, text: unknown) => number;
}

const DEFAULT_FONT_SIZE = 11; // Vega's own default, used for items without a size

/**
 * Renders a specification; the same specification gives the same bytes in every process.
 *
 * @throws {PaperError} If the specification asks for random, timed or remote values
 */
export async function renderSvg(spec: TopLevelSpec, name: string): Promise<string> {
  lintFigure(spec, name);
  const { textMetrics } = vega as unknown as { readonly textMetrics: TextMetrics };
  textMetrics.width = (item, text) =>
    text === null || text === undefined
      ? 0
      : textWidth(String(text), item.fontSize ?? DEFAULT_FONT_SIZE);
  // Identifiers of clip paths count up per process; a second figure would otherwise differ.
  vega.resetSVGDefIds();
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: "none" });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}
