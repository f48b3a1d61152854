/** Checks the paper's source and compiles it with LaTeX, with the same bytes every time. */
import { IncompleteError, PaperError } from "../errors.ts";
import { literalNumbers } from "./number_lint.ts";

/** Sources of the paper that are copied beside the generated files. */
const SOURCES = ["main.tex", "harness.sty", "references.bib"] as const;
const LATEX =
  "pdflatex -no-shell-escape -interaction=nonstopmode -halt-on-error -file-line-error %O %S";

/** Where the paper is and how it is compiled. */
export interface CompilePaperOptions {
  /** Folder with main.tex; harness.sty and references.bib lie beside it or one folder above. */
  readonly sourceDir: string;
  /** Folder that has `generated/`; the PDF and copies of the sources go here. */
  readonly paperDir: string;
  /**
   * Name or path of latexmk.
   *
   * @default {"latexmk"}
   */
  readonly program?: string;
}

/**
 * Compiles `main.tex` and returns the path of the PDF.
 *
 * @throws {PaperError} If a number is typed by hand, a fact is unknown, or LaTeX fails otherwise
 * @throws {IncompleteError} If LaTeX is not installed
 */
export async function compilePaper(options: CompilePaperOptions): Promise<string> {
  const { sourceDir, paperDir, program = "latexmk" } = options;
  await lintPaper(`${sourceDir}/main.tex`);
  await Deno.mkdir(`${paperDir}/build`, { recursive: true });
  for (const name of SOURCES) await copySource(name, { sourceDir, paperDir });
  const pdf = `${paperDir}/main.pdf`;
  await removeIfPresent(pdf); // a failed build must not leave the last one's PDF behind
  const output = await runLatexmk(program, paperDir);
  if (!output.success) {
    throw new PaperError(
      `Cannot build "${pdf}": ${await causeOf(`${paperDir}/build/main.log`, output)}`,
    );
  }
  await Deno.copyFile(`${paperDir}/build/main.pdf`, pdf);
  return pdf;
}

/** Papers in folders below one share what they have no copy of their own of. */
async function copySource(
  name: string,
  { sourceDir, paperDir }: CompilePaperOptions,
): Promise<void> {
  try {
    await Deno.copyFile(`${sourceDir}/${name}`, `${paperDir}/${name}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await Deno.copyFile(`${sourceDir}/../${name}`, `${paperDir}/${name}`);
  }
}

/**
 * Refuses a source with numbers typed into its prose.
 *
 * @throws {PaperError} Naming the first few places
 */
export async function lintPaper(path: string): Promise<void> {
  const faults = literalNumbers(await Deno.readTextFile(path));
  if (faults.length === 0) return;
  const places = faults.slice(0, 5).map(({ line, text, context }) =>
    `line ${line}: "${text}" in "${context.slice(0, 60)}"`
  );
  throw new PaperError(
    `${path}: ${faults.length} numbers typed by hand (${places.join("; ")}); ` +
      `use \\fact{key} for a result, \\lit{number} for a number you vouch for`,
  );
}

/** Removes a file that may be absent. */
export async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function runLatexmk(program: string, cwd: string): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command(program, {
      args: ["-norc", "-pdf", "-g", `-pdflatex=${LATEX}`, "-outdir=build", "main.tex"],
      cwd,
      env: { SOURCE_DATE_EPOCH: "0", FORCE_SOURCE_DATE: "1", TZ: "UTC" },
      stdout: "piped",
      stderr: "piped",
    }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new IncompleteError(
      `PDF not built: ${program} not found; install LaTeX with ./setup.sh --paper`,
    );
  }
}

/** The first error of the LaTeX log, joined to one line. */
async function causeOf(logPath: string, output: Deno.CommandOutput): Promise<string> {
  let log: string;
  try {
    log = await Deno.readTextFile(logPath);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const stderr = new TextDecoder().decode(output.stderr).trim();
    return `latexmk exit code ${output.code}, no log: ${stderr.split("\n").slice(-3).join(" ")}`;
  }
  const lines = log.split("\n");
  const first = lines.findIndex((line) => /^!|^[^ ]+:\d+: /.test(line));
  const message = first < 0 ? lines.slice(-5) : lines.slice(first, first + 3);
  return `${message.join(" ").replace(/\s+/g, " ").trim()} (log: "${logPath}")`;
}
