/** Writes figures, tables, macros and paper of one campaign from its sealed records. */
import { IncompleteError, StoreError } from "../errors.ts";
import { compilePaper, removeIfPresent } from "./compile_paper.ts";
import type { ComparisonJson } from "./comparisons_json.ts";
import { FIGURE_SVG_PATH, MEASURES_SVG_PATH, OPTIONAL_PATHS, reportFiles } from "./report_files.ts";
import type { ReportInput } from "./summaries.ts";
import { svgToPdf } from "./svg_to_pdf.ts";

/** Records, curves and where things go. */
export interface BuildReportOptions extends ReportInput {
  /** Root of the outputs; `figures/`, `tables/`, `paper/` and `report.json` are written below it. */
  readonly outputDir: string;
  /** Folder with the paper's sources; null for a campaign without a paper. */
  readonly paperDir: string | null;
  /** Programs by other names, for tests. */
  readonly programs?: { readonly rsvgConvert?: string; readonly latexmk?: string };
}

/** What was written and what was not. */
export interface ReportResult {
  /** Tables as text, with the stamp of a smoke run. */
  readonly consoleText: string;
  /** Comparisons as plain JSON, those of the family first. */
  readonly comparisons: readonly ComparisonJson[];
  /** Paths of all files written. */
  readonly files: readonly string[];
  /** Names of planned units without a record; not empty means the campaign is incomplete. */
  readonly missing: readonly string[];
  /** Why an output could not be built on this machine, e.g. no LaTeX; what to install is said. */
  readonly notBuilt: readonly string[];
}

/**
 * Builds the whole report. Every text is written first, so that a machine without rsvg-convert or
 * LaTeX still has figure, tables and macros; what is missing is returned, and
 * `requireComplete` turns it into an error.
 *
 * @throws {StoreError} If a record lacks what the report must show, or a file cannot be written
 * @throws {PaperError} If the paper's source or its facts are wrong
 */
export async function buildReport(options: BuildReportOptions): Promise<ReportResult> {
  const { outputDir, programs = {} } = options;
  const { consoleText, comparisons, texts } = await reportFiles(options);
  const files: string[] = [];
  for (const [path, text] of texts) files.push(await writeBelow(outputDir, path, text));
  const missing = missingUnits(options);
  const notBuilt: string[] = [];
  const build = async (make: () => Promise<string>): Promise<boolean> => {
    try {
      files.push(await make());
      return true;
    } catch (error) {
      if (!(error instanceof IncompleteError)) throw error;
      notBuilt.push(error.message);
      return false;
    }
  };
  const figures = [FIGURE_SVG_PATH, MEASURES_SVG_PATH].filter((path) => texts.has(path));
  // What an older campaign left in the same folder is none of this one.
  for (const path of OPTIONAL_PATHS.filter((path) => !texts.has(path))) {
    for (const old of [path, ...pdfPaths(path)]) await removeIfPresent(`${outputDir}/${old}`);
  }
  let drawn = true;
  for (const svg of figures) {
    drawn = await build(() => figurePdf(outputDir, { svg, program: programs.rsvgConvert })) &&
      drawn;
  }
  const { paperDir } = options;
  if (drawn && paperDir !== null) await build(() => paperPdf({ ...options, paperDir }));
  return { consoleText, comparisons, files, missing, notBuilt };
}

/**
 * Refuses a report that lacks anything.
 *
 * @throws {IncompleteError} Naming the first missing units and every output that was not built
 */
export function requireComplete({ missing, notBuilt }: ReportResult): void {
  const units = missing.length === 0 ? [] : [
    `${missing.length} planned units have no record (${missing.slice(0, 3).join(", ")}${
      missing.length > 3 ? ", …" : ""
    }); run the same reproduce command again to finish them`,
  ];
  const reasons = [...units, ...notBuilt];
  if (reasons.length > 0) throw new IncompleteError(reasons.join("; "));
}

function missingUnits({ plan, records }: ReportInput): readonly string[] {
  const sealed = new Set(records.map((record) => record.key));
  return plan.units.filter((unit) => !sealed.has(unit.key)).map((unit) =>
    `${plan.experiment}/${plan.profile}/${unit.arm}/seq_len=${unit.seqLen}/seed=${unit.seed}`
  );
}

async function figurePdf(outputDir: string, { svg, program }: {
  readonly svg: string;
  readonly program: string | undefined;
}): Promise<string> {
  const [pdf, copy] = pdfPaths(svg).map((path) => `${outputDir}/${path}`);
  await Deno.mkdir(`${outputDir}/paper/generated/figures`, { recursive: true });
  await removeIfPresent(pdf); // without the converter an older picture must not stay
  const options = program === undefined ? {} : { program };
  await svgToPdf(`${outputDir}/${svg}`, pdf, options);
  await Deno.copyFile(pdf, copy);
  return pdf;
}

/** What is made of a figure, for the paper and beside it; nothing of another file. */
function pdfPaths(path: string): readonly string[] {
  if (!path.endsWith(".svg")) return [];
  const name = path.replace(/^.*\/|\.svg$/g, "");
  return [`paper/generated/figures/${name}.pdf`, `figures/${name}.pdf`];
}

async function paperPdf(
  { plan, records, outputDir, paperDir, programs }: BuildReportOptions & {
    readonly paperDir: string;
  },
): Promise<string> {
  const silent = plan.arms.filter((arm) => !records.some((record) => record.arm === arm));
  if (silent.length > 0) {
    throw new IncompleteError(`Paper not built: no sealed record of ${silent.join(", ")}`);
  }
  return await compilePaper({
    sourceDir: paperDir,
    paperDir: `${outputDir}/paper`,
    ...(programs?.latexmk === undefined ? {} : { program: programs.latexmk }),
  });
}

async function writeBelow(root: string, path: string, text: string): Promise<string> {
  const full = `${root}/${path}`;
  try {
    await Deno.mkdir(full.slice(0, full.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(full, text);
  } catch (error) {
    throw new StoreError(
      `Cannot write "${full}": ${(error as Error).message}; free disk space or rights`,
    );
  }
  return full;
}
