/**
 * `deno task paper`: figures, tables, macros and the PDF again, from the sealed records of the last
 * campaign below `--out`. It trains nothing.
 */
import { fileURLToPath } from "node:url";
import { IncompleteError, StoreError } from "../errors.ts";
import { buildReport, type ReportResult, requireComplete } from "../report/build_report.ts";
import { loadCampaign } from "../report/load_campaign.ts";
import { REPORT_PLAN_PATH } from "../report/report_files.ts";
import { parseReportPlan, type ReportPlan } from "../report/report_plan.ts";
import { Store } from "../store/store.ts";
import { parseArguments } from "./args.ts";
import { runMain } from "./main.ts";
import type { CommandSpec, OptionSpecs } from "./option_spec.ts";

const COMMAND = {
  name: "paper",
  summary: "Rebuild figures, tables and the paper from the sealed records of the last campaign.",
  options: {
    out: {
      kind: "string",
      description: "folder of the campaign",
      placeholder: "folder",
      default: "results",
    },
    json: { kind: "boolean", description: "print one JSON document instead of text" },
  },
  examples: ["deno task paper", "deno task paper --out results/smoke"],
} as const satisfies CommandSpec<OptionSpecs>;

/** Main file of the paper of a plan that names none. */
const FIRST_PAPER = "paper/main.tex";

/** Folder of the paper's sources, whatever the working directory. */
function paperFolder({ paper = FIRST_PAPER }: ReportPlan): string {
  return fileURLToPath(new URL(`../../${paper}`, import.meta.url)).replace(/[/\\][^/\\]*$/, "");
}

/**
 * Runs the command.
 *
 * @throws {IncompleteError} If there was no campaign, units are missing, or LaTeX is not installed
 * @throws {PaperError} If the paper's source or its facts are wrong
 */
export async function paper(args: readonly string[]): Promise<void> {
  const read = parseArguments(args, COMMAND);
  if (read.kind === "help") {
    console.log(read.text);
    return;
  }
  const { out, json } = read.options;
  const plan = await readPlan(`${out}/${REPORT_PLAN_PATH}`);
  const campaign = loadCampaign(Store.open(`${out}/store`, { create: false }), plan);
  const result = await buildReport({ ...campaign, outputDir: out, paperDir: paperFolder(plan) });
  if (!json) console.log(textOf(result));
  requireComplete(result); // with --json the error is the one document printed
  if (json) console.log(JSON.stringify(jsonOf(result), null, 2));
}

async function readPlan(path: string): Promise<ReportPlan> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new IncompleteError(
        `No campaign below this folder: "${path}" is missing; run deno task reproduce phase4 first`,
      );
    }
    throw new StoreError(`Cannot read "${path}": ${(error as Error).message}`);
  }
  return parseReportPlan(text, path);
}

function textOf({ consoleText, files }: ReportResult): string {
  return `${consoleText}\nWritten:\n${files.map((path) => `  ${path}`).join("\n")}`;
}

function jsonOf({ files, missing, notBuilt }: ReportResult): Record<string, readonly string[]> {
  return { files, missing, not_built: notBuilt };
}

if (import.meta.main) await runMain(() => paper(Deno.args));
