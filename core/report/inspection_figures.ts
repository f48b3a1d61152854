/** The figures of an inspection page, each with its caption in HTML. */
import { type MapFigure, mapFigure, pointsFigure } from "./figure_inspection.ts";
import { renderSvg } from "./render_svg.ts";

/** A head of a layer over N tokens. */
export interface PageHead {
  readonly greenRe: Float64Array;
  readonly greenIm: Float64Array;
  readonly potential: Float64Array;
  /** (N), or (1) for all tokens. */
  readonly eta: Float64Array;
  /** Shares of |G_ij|^2 by row i, (N) rows of (N). */
  readonly weights: readonly Float64Array[];
}

export interface PageLayer {
  readonly place: string;
  readonly heads: readonly PageHead[];
  /** (N) rows of (E), null without experts. */
  readonly experts: readonly Float64Array[] | null;
}

/** A figure with what is to be said of it, in HTML. */
export interface InspectionFigure {
  readonly svg: string;
  readonly caption: string;
}

/** The text, and what is drawn of every layer. */
export interface FigureText {
  /** Text of each token, (N), in characters of ASCII. */
  readonly tokens: readonly string[];
  /** Heads whose rows of |G_ij|^2 are drawn. */
  readonly rowHeads: readonly number[];
}

/** Shares below this are left white, or the page would be thousands of invisible cells. */
const SMALLEST_SHARE = 0.002;

/** What the model expects of the text. surprisal: nats from the second token on, (N - 1). */
export async function surprisalFigure({ tokens, surprisal }: {
  readonly tokens: readonly string[];
  readonly surprisal: Float64Array;
}): Promise<InspectionFigure> {
  const values = Array.from(surprisal, (value) => ({ low: 0, middle: value, high: value }));
  const mean = surprisal.reduce((sum, value) => sum + value, 0) / surprisal.length;
  return {
    svg: await renderSvg(
      pointsFigure({
        labels: tokens.slice(1),
        labelTitle: "token",
        values,
        valueTitle: "surprisal (nats)",
        log: false,
      }),
      "surprisal",
    ),
    caption: `How little the model expects each token after those before it: ` +
      `−ln P, mean ${mean.toFixed(3)} nats per token`,
  };
}

/** The figures of a layer, in the order of the computation. */
export async function layerFigures(
  layer: PageLayer,
  text: FigureText,
): Promise<readonly InspectionFigure[]> {
  const { heads, experts, place } = layer;
  const maps = heads.length === 0 ? [] : await Promise.all(
    headMaps(heads).map(async ({ caption, ...map }) => {
      const rows = heads.map((_, head) => String(head));
      const figure = mapFigure({
        ...map,
        columns: text.tokens,
        columnTitle: "token",
        rows,
        rowTitle: "head",
      });
      return { caption, svg: await renderSvg(figure, `${place}/${map.valueTitle}`) };
    }),
  );
  return [
    ...maps,
    ...(heads.length === 0 ? [] : [await etaFigure(layer), ...await rowFigures(layer, text)]),
    ...(experts === null ? [] : [await expertFigure(experts, { place, text })]),
  ];
}

/** Maps of heads over tokens. Energies are in units in which the bond of the lattice Laplacian is 1. */
function headMaps(
  heads: readonly PageHead[],
): readonly (Pick<MapFigure, "values" | "valueTitle" | "colours"> & {
  readonly caption: string;
})[] {
  return [
    {
      caption: "Learned potential v<sub>i</sub>",
      values: heads.map(({ potential }) => potential),
      valueTitle: "v (energy, bond = 1)",
      colours: "about-zero",
    },
    {
      caption: "Real part of the Green function G<sub>ii</sub> at each token",
      values: heads.map(({ greenRe }) => greenRe),
      valueTitle: "Re G (1/energy)",
      colours: "about-zero",
    },
    {
      caption:
        "Imaginary part of G<sub>ii</sub>, &pi; times the density of states at the token: at most 1/&eta;",
      values: heads.map(({ greenIm }) => greenIm),
      valueTitle: "Im G (1/energy)",
      colours: "from-zero",
    },
  ];
}

async function etaFigure({ heads, place }: PageLayer): Promise<InspectionFigure> {
  const perToken = heads.some(({ eta }) => eta.length > 1);
  const values = heads.map(({ eta }) => {
    const sorted = eta.toSorted();
    return { low: sorted[0], middle: sorted[sorted.length >> 1], high: sorted.at(-1)! };
  });
  return {
    svg: await renderSvg(
      pointsFigure({
        labels: heads.map((_, head) => String(head)),
        labelTitle: "head",
        values,
        valueTitle: "eta (energy, bond = 1)",
        log: true,
      }),
      `${place}/eta`,
    ),
    caption: "Distance &eta; of z from the real axis: the smaller, the longer a token is felt" +
      (perToken ? "; median and range over the tokens of the text" : ""),
  };
}

async function rowFigures(
  { heads, place }: PageLayer,
  { tokens, rowHeads }: FigureText,
): Promise<readonly InspectionFigure[]> {
  const figures: InspectionFigure[] = [];
  for (const head of rowHeads) {
    const { weights, eta } = heads[head];
    const shown = eta.length > 1 ? "" : `, &eta; = ${eta[0].toPrecision(3)}`;
    figures.push({
      caption:
        `Head ${head}${shown}: |G<sub>ij</sub>|² along row i as shares of the row's sum, to be read ` +
        `like a row of attention; white below ${SMALLEST_SHARE}`,
      svg: await renderSvg(
        mapFigure({
          columns: tokens,
          columnTitle: "token j, which is felt",
          rows: tokens,
          rowTitle: "token i, which feels",
          values: weights,
          valueTitle: "share of the row (1)",
          colours: "from-zero",
          leaveOutBelow: SMALLEST_SHARE,
        }),
        `${place}/rows/${head}`,
      ),
    });
  }
  return figures;
}

async function expertFigure(experts: readonly Float64Array[], { place, text }: {
  readonly place: string;
  readonly text: FigureText;
}): Promise<InspectionFigure> {
  const count = experts[0].length;
  const rows = Array.from({ length: count }, (_, expert) => expert);
  return {
    svg: await renderSvg(
      mapFigure({
        columns: text.tokens,
        columnTitle: "token",
        rows: rows.map(String),
        rowTitle: "expert",
        values: rows.map((expert) => experts.map((weights) => weights[expert])),
        valueTitle: "weight (1)",
        colours: "from-zero",
      }),
      `${place}/experts`,
    ),
    caption:
      "Expert routing: weight of each expert for each token, white where it does not serve it",
  };
}
