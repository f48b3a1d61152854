/**
 * Width of text in Latin Modern Roman 10, from a table kept with the sources. Layout must not depend
 * on which fonts a machine has, so no font file is read when a figure is drawn.
 *
 * The table `latin_modern_widths.json` holds advance widths in 1/1000 em. It was made once with
 * fontkit 2.0.4: `openSync("lmroman10-regular.otf").layout(character).advanceWidth` for U+0020 to
 * U+007E and ± · × – ° −.
 */
import metrics from "./latin_modern_widths.json" with { type: "json" };

const ADVANCE: ReadonlyMap<string, number> = new Map(
  Object.entries(metrics.advance).map(([code, width]) => [
    String.fromCodePoint(parseInt(code.slice(2), 16)),
    width,
  ]),
);

/**
 * Width of one line of text in the unit of `fontSize`, without kerning.
 *
 * @throws {RangeError} If the text has a character that the table lacks
 */
export function textWidth(text: string, fontSize: number): number {
  let units = 0;
  for (const character of text) {
    const advance = ADVANCE.get(character);
    if (advance === undefined) {
      throw new RangeError(
        `Cannot measure "${text}": no width for "${character}" in latin_modern_widths.json`,
      );
    }
    units += advance;
  }
  return units * fontSize / metrics.unitsPerEm;
}
