/** One HTML page of figures about what a model computes for one text. It loads nothing from anywhere. */
import { html } from "./html_text.ts";
import {
  type FigureText,
  type InspectionFigure,
  layerFigures,
  type PageLayer,
  surprisalFigure,
} from "./inspection_figures.ts";

export interface InspectionPageInput extends FigureText {
  readonly title: string;
  /** Names and values above the figures. */
  readonly facts: readonly (readonly [string, string])[];
  /** Why the model sees later tokens; null for a causal one. */
  readonly leaks: string | null;
  readonly layers: readonly PageLayer[];
  /** Surprisal in nats from the second token on, (N - 1). */
  readonly surprisal: Float64Array;
}

/** The page as HTML text. The same input gives the same bytes. */
export async function inspectionPage(input: InspectionPageInput): Promise<string> {
  const sections = [section("The text", [await surprisalFigure(input)], input)];
  for (const layer of input.layers) {
    sections.push(section(headingOf(layer.place), await layerFigures(layer, input), input));
  }
  return [
    `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">`,
    `<meta name="viewport" content="width=device-width">`,
    `<title>${html(input.title)}</title>`,
    `<style>\n${STYLE}</style>\n</head>\n<body>`,
    input.leaks === null ? "" : `<p class="leaks"><b>LEAKS</b> ${html(input.leaks)}</p>`,
    `<h1>${html(input.title)}</h1>`,
    `<dl>${
      input.facts.map(([name, value]) => `<dt>${html(name)}</dt><dd>${html(value)}</dd>`).join("")
    }</dl>`,
    contents(input),
    ...sections,
    "</body>\n</html>\n",
  ].join("\n");
}

function headingOf(place: string): string {
  const [block, ...rest] = place.split("/");
  const name = block.replace(/^block(\d+)$/, "Block $1");
  return rest.length === 0 ? name : `${name}, ${rest.join(", ")} evaluation of its force`;
}

function idOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}

function contents({ layers }: InspectionPageInput): string {
  const headings = ["The text", ...layers.map(({ place }) => headingOf(place))];
  const links = headings.map((heading) => `<a href="#${idOf(heading)}">${html(heading)}</a>`);
  return `<nav>${links.join(" · ")}</nav>`;
}

function section(
  heading: string,
  figures: readonly InspectionFigure[],
  { leaks }: InspectionPageInput,
): string {
  const stamp = leaks === null ? "" : ` <span class="stamp">LEAKS</span>`;
  const drawn = figures.map(({ svg, caption }, at) =>
    `<figure>\n<figcaption>${caption}${stamp}</figcaption>\n<div class="wide">${
      withOwnIds(svg, `${idOf(heading)}-${at}`)
    }</div>\n</figure>`
  );
  return `<section id="${idOf(heading)}">\n<h2>${html(heading)}</h2>\n${
    drawn.join("\n")
  }\n</section>`;
}

/** Every drawing numbers its gradients and clips from 0; on one page each needs names of its own. */
function withOwnIds(svg: string, name: string): string {
  return svg.replaceAll(/(\bid="|url\(#)/g, `$1${name}-`);
}

const STYLE = `body { font: 15px/1.45 system-ui, sans-serif; color: #222; background: #fff;
  max-width: 1180px; margin: 0 auto; padding: 20px 24px 60px; }
h1 { font-size: 22px; margin: 0 0 8px; }
h2 { font-size: 18px; margin: 32px 0 4px; border-bottom: 1px solid #ccc; padding-bottom: 4px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin: 8px 0 12px; font-size: 14px; }
dt { color: #666; } dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
nav { font-size: 14px; }
figure { margin: 16px 0 20px; }
figcaption { font-size: 14px; margin-bottom: 4px; }
.wide { overflow-x: auto; }
svg { display: block; overflow: visible; }
.leaks { position: sticky; top: 0; z-index: 1; background: #b00020; color: #fff; margin: 0 0 16px;
  padding: 8px 12px; }
.leaks b { letter-spacing: 0.12em; margin-right: 8px; }
.stamp { color: #b00020; border: 1.5px solid #b00020; border-radius: 3px; font-weight: 700; font-size: 11px;
  letter-spacing: 0.1em; padding: 0 4px; margin-left: 6px; }
@media print { .leaks { position: static; } figure { break-inside: avoid; } }
`;
