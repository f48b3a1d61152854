/**
 * Trains one GPT from the same bytes on the same batches with our engine and its peers, each in a process of
 * its own, and prints tokens per second, agreement of the loss, bit equality of two runs and peak memory.
 */
import { UsageError } from "../../core/errors.ts";
import { parseArguments } from "../../core/cli/args.ts";
import { runMain } from "../../core/cli/main.ts";
import type { CommandSpec, OptionSpecs } from "../../core/cli/option_spec.ts";
import { handOver, OUTPUT_OPTIONS, textTable } from "./bench_output.ts";
import { writeCase } from "./case_model.ts";
import { loadText, machineFacts, machineLine } from "./machine_facts.ts";
import { type Quartiles, quartiles } from "./quartiles.ts";
import type { TrainingReport } from "./run_protocol.ts";
import { OURS, runTool, type ToolSpec, toolSpecs } from "./side_by_side_tools.ts";
import { type Protocol, type TrainingCase, valuesOf } from "./training_case.ts";

const COMMAND = {
  name: "side-by-side",
  summary: "Trains the same model with our engine and its peers and compares them",
  options: {
    full: {
      kind: "boolean",
      description: "5 blocks of 48 updates after 48; else 3 of 16 after 16",
    },
    only: { kind: "list", description: "tools to run, ours included; all unless given" },
    python: { kind: "string", default: "python3", description: "interpreter that may have torch" },
    timeout: { kind: "number", default: 1800, minimum: 1, description: "seconds per process" },
    ...OUTPUT_OPTIONS,
  },
  examples: ["deno task bench --only side-by-side --full", "--only ours-webgpu,jax-js-webgpu"],
} as const satisfies CommandSpec<OptionSpecs>;

const FULL: Protocol = { warmup: 48, blocks: 5, blockSteps: 48, readEvery: 16, digestStep: 16 };
const QUICK: Protocol = { warmup: 16, blocks: 3, blockSteps: 16, readEvery: 16, digestStep: 4 };

/** Losses of two tools agree when they differ by no more than this share of ours at every readback. */
const LOSS_BAND = 1e-3;

/** What one tool did, or why it could not. */
type Row =
  & { readonly tool: string; readonly loadBefore: readonly number[] }
  & ({ readonly kind: "failed"; readonly error: string } | Measured);

interface Measured {
  readonly kind: "measured";
  readonly report: TrainingReport;
  readonly tokensPerSecond: Quartiles;
  /** Whether a second process gave the same bytes after `digestStep` updates. */
  readonly sameBits: boolean;
}

/** A row beside ours. */
interface Comparison {
  /** Our tokens per second over this tool's: above 1, ours is faster. */
  readonly oursOverThis: number;
  /** Largest |loss - ours| / ours over the readbacks. */
  readonly lossDifference: number;
  readonly lossAgrees: boolean;
}

async function sideBySide(args: readonly string[]): Promise<void> {
  const parsed = parseArguments(args, COMMAND);
  if (parsed.kind === "help") return console.log(parsed.text);
  const { full, only, python, timeout, json, out } = parsed.options;
  const folder = await Deno.makeTempDir({ prefix: "side-by-side-" });
  try {
    const task = await writeCase(folder, full ? FULL : QUICK);
    const rows: Row[] = [];
    for (const spec of chosen(toolSpecs({ folder, python }), only)) {
      if (!json) console.error(`${spec.name}: running, load average ${loadText(Deno.loadavg())}`);
      rows.push(await measure(spec, { task, folder, timeoutSeconds: timeout }));
    }
    const ours = rows.find(({ tool }) => tool === OURS);
    const results = rows.map((row) => ({ ...row, comparison: compare(row, ours) }));
    const { parameters, ...sizes } = task;
    const count = parameters.reduce((sum, parameter) => sum + valuesOf(parameter), 0);
    const result = {
      machine: machineFacts(),
      case: { ...sizes, parameters: count },
      rows: results,
    };
    await handOver(result, { json, out, text: report(result) });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function chosen(all: readonly ToolSpec[], only: readonly string[]): readonly ToolSpec[] {
  const keyOf = ({ name }: ToolSpec): string => name.replaceAll(" ", "-");
  const unknown = only.filter((name) => !all.some((spec) => keyOf(spec) === name));
  if (unknown.length > 0) {
    throw new UsageError(
      `Unknown tool "${unknown.join('", "')}": expected ${all.map(keyOf).join(", ")}`,
    );
  }
  return only.length === 0 ? all : all.filter((spec) => only.includes(keyOf(spec)));
}

async function measure(spec: ToolSpec, at: {
  readonly task: TrainingCase;
  readonly folder: string;
  readonly timeoutSeconds: number;
}): Promise<Row> {
  const { task, folder, timeoutSeconds } = at;
  const head = { tool: spec.name, loadBefore: Deno.loadavg() };
  try {
    const run = (extent: "full" | "digest"): Promise<TrainingReport> =>
      runTool(spec, { folder, extent, timeoutSeconds });
    const report = await run("full");
    const again = await run("digest");
    const tokens = task.batch * task.seqLen * task.protocol.blockSteps;
    return {
      ...head,
      kind: "measured",
      report,
      tokensPerSecond: quartiles(report.blockSeconds.map((seconds) => tokens / seconds)),
      sameBits: again.digest === report.digest,
    };
  } catch (error) {
    // A peer that cannot run is a row of the result, and the others still run.
    return { ...head, kind: "failed", error: error instanceof Error ? error.message : `${error}` };
  }
}

function compare(row: Row, ours: Row | undefined): Comparison | null {
  if (row.kind !== "measured" || ours?.kind !== "measured") return null;
  const differences = ours.report.losses.map(({ step, loss }) => {
    const theirs = row.report.losses.find((entry) => entry.step === step)?.loss ?? NaN;
    return Math.abs(theirs - loss) / Math.abs(loss);
  });
  const lossDifference = Math.max(...differences);
  return {
    oursOverThis: ours.tokensPerSecond.median / row.tokensPerSecond.median,
    lossDifference,
    lossAgrees: lossDifference <= LOSS_BAND,
  };
}

interface Result {
  readonly machine: ReturnType<typeof machineFacts>;
  readonly case: Omit<TrainingCase, "parameters"> & { readonly parameters: number };
  readonly rows: readonly (Row & { readonly comparison: Comparison | null })[];
}

function report({ machine, case: task, rows }: Result): string {
  const { warmup, blocks, blockSteps, readEvery, digestStep } = task.protocol;
  const heading = [
    "tool",
    "tokens/s",
    "quartiles",
    "ours/this",
    `loss ${warmup + blocks * blockSteps}`,
    "difference",
    "same bits",
    "peak MB",
    "load",
  ];
  const table = textTable([heading, ...rows.map(cells)]);
  const notes = rows.flatMap((row) => {
    if (row.kind === "failed") return [`${row.tool} did not run: ${row.error}`];
    const { version, device } = row.report;
    const flag = row.comparison?.lossAgrees === false ? "; ITS LOSS DISAGREES WITH OURS" : "";
    return [`${row.tool}: ${version}, ${device}${flag}`];
  });
  return [
    `GPT of ${task.parameters} parameters, B ${task.batch}, T ${task.seqLen}, AdamW, f32: ` +
    `${blocks} blocks of ${blockSteps} updates after ${warmup}, one readback per ${readEvery}; ` +
    `bits compared after ${digestStep} updates`,
    machineLine(machine),
    "",
    table,
    "",
    ...notes,
  ].join("\n");
}

function cells(row: Row & { readonly comparison: Comparison | null }): readonly string[] {
  const load = row.loadBefore[0].toFixed(1);
  if (row.kind === "failed") return [row.tool, "failed", "", "", "", "", "", "", load];
  const { tokensPerSecond: { low, median, high }, report, sameBits, comparison } = row;
  return [
    row.tool,
    median.toFixed(0),
    `${low.toFixed(0)}-${high.toFixed(0)}`,
    comparison ? comparison.oursOverThis.toFixed(2) : "",
    report.losses.at(-1)?.loss.toFixed(5) ?? "",
    comparison ? comparison.lossDifference.toExponential(1) : "",
    sameBits ? "yes" : "no",
    (report.peakRssBytes / 1e6).toFixed(0),
    load,
  ];
}

if (import.meta.main) await runMain(() => sideBySide(Deno.args));
