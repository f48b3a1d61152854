/**
 * `deno task reproduce <experiment>`: manifest to records, figures, tables and paper. Running the same
 * command again goes on where it stopped.
 */
import { IncompleteError, UnitError } from "../errors.ts";
import { feasibility } from "../experiment/feasibility.ts";
import { buildReport, type ReportResult } from "../report/build_report.ts";
import { loadCampaign } from "../report/load_campaign.ts";
import { systemClock } from "../run/clock.ts";
import { type Campaign, planCampaign } from "../run/plan_campaign.ts";
import { type CampaignResult, formatSeconds, runCampaign } from "../run/run_campaign.ts";
import { Store } from "../store/store.ts";
import { parseArguments } from "./args.ts";
import { runMain } from "./main.ts";
import { predictUnits } from "./reproduce_costs.ts";
import { makeExecutor } from "./reproduce_executor.ts";
import { type Reproduction, setUp } from "./reproduce_setup.ts";
import { REPRODUCE, type ReproduceOptions } from "./reproduce_spec.ts";
import { reportPlanOf } from "./report_plan_of.ts";
import { onInterrupt } from "./on_interrupt.ts";

/** Folder of the paper's sources, whatever the working directory. */
const PAPER_DIR = new URL("../../paper", import.meta.url).pathname;

/**
 * Runs the command and returns its exit code: 0 done, 7 incomplete; errors carry their own.
 *
 * @throws {ManifestError} On a manifest or option that is wrong
 * @throws {DataError} If the corpus is missing or has other bytes than the pinned ones
 * @throws {NoAdapterError} If webgpu is asked for and there is no adapter
 * @throws {StoreError} If the store cannot be written
 */
export async function reproduce(args: readonly string[]): Promise<number> {
  const read = parseArguments(args, REPRODUCE);
  if (read.kind === "help") {
    console.log(read.text);
    return 0;
  }
  const { options, positionals: [experiment] } = read;
  const say = options.quiet || options.json ? () => {} : (line: string) => console.error(line);
  const setup = await setUp(experiment, options);
  const storeRoot = `${options.out}/store`;
  const store = options.dryRun ? existingStore(storeRoot) : Store.open(storeRoot, { create: true });
  const campaign = await planCampaign(setup.resolved, { store, backend: setup.backend });
  printHeader(setup, { campaign, options, say });
  const predicted = await predictUnits(campaign, { setup, clock: systemClock, say });
  if (options.dryRun || !store) {
    printPlan(campaign, { predicted, json: options.json });
    return 0;
  }
  using _lock = store.lockCampaign({
    pid: Deno.pid,
    host: setup.host,
    startedAt: systemClock.timestamp(),
  });
  const result = await runUnits(campaign, { setup, options, store, predicted, say, args });
  if (result.stopped) return 130;
  const report = await buildReport({
    ...loadCampaign(store, reportPlanOf(campaign)),
    outputDir: options.out,
    paperDir: PAPER_DIR,
  });
  printReport(report, { json: options.json, result });
  failIfIncomplete(report, result);
  return 0;
}

function existingStore(root: string): Store | null {
  try {
    Deno.statSync(`${root}/VERSION`);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return null;
    throw cause;
  }
  return Store.open(root, { create: false });
}

interface Printing {
  readonly campaign: Campaign;
  readonly options: ReproduceOptions;
  readonly say: (line: string) => void;
}

function printHeader(setup: Reproduction, { campaign, options, say }: Printing): void {
  const { resolved, adapter, choice, data } = setup;
  const { manifest } = resolved;
  const done = campaign.jobs.filter((job) => job.sealed).length;
  say(
    `${manifest.metadata.title} (${manifest.metadata.name}), profile ${choice.profile}: ${choice.reason}`,
  );
  say(
    `  backend   ${setup.backend}${adapter ? `, ${adapter.description || adapter.device}` : ""}` +
      `${adapter?.isFallbackAdapter ? " (software adapter: speeds say nothing about GPUs)" : ""}`,
  );
  const { id, sha256 } = manifest.data.corpus;
  say(`  corpus    ${id}, sha256 ${sha256}`);
  say(
    `  floors    unigram ${data.floors.unigram.toFixed(4)}, bigram ${
      data.floors.bigram.toFixed(4)
    } nats per token`,
  );
  say(
    `  units     ${campaign.jobs.length} planned, ${done} sealed already, executor ${
      options.executor ?? manifest.execution.executor
    }`,
  );
  const tests = Object.keys(manifest.analysis.comparisons).length * manifest.grid.seqLen.length;
  if (tests > 0) {
    const family = {
      seeds: manifest.replicates.seeds.length,
      tests,
      alpha: manifest.analysis.alpha,
    };
    say(`  tests     ${feasibility(family).message}`);
  }
  const moved = new Set(campaign.jobs.flatMap((job) => job.changes.map((change) => change.path)));
  if (moved.size > 0) say(`  changed   since the last run: ${[...moved].sort().join(", ")}`);
}

function printPlan(
  campaign: Campaign,
  { predicted, json }: { readonly predicted: ReadonlyMap<string, number>; readonly json: boolean },
): void {
  const rows = campaign.jobs.map(({ key, unit, sealed, changes }) => ({
    key,
    name: unit.name,
    state: sealed ? "done" : "run",
    predicted_seconds: sealed ? 0 : predicted.get(key) ?? null,
    changed: changes.map((change) => change.path),
  }));
  if (json) {
    console.log(JSON.stringify({ units: rows }, null, 2));
    return;
  }
  for (const row of rows) {
    const cost = row.predicted_seconds === null ? "" : ` ${formatSeconds(row.predicted_seconds)}`;
    console.log(
      `${row.state.padEnd(4)} ${row.key.slice(0, 12)} ${row.name}${
        row.state === "run" ? cost : ""
      }`,
    );
  }
}

async function runUnits(campaign: Campaign, at: {
  readonly setup: Reproduction;
  readonly options: ReproduceOptions;
  readonly store: Store;
  readonly predicted: ReadonlyMap<string, number>;
  readonly say: (line: string) => void;
  readonly args: readonly string[];
}): Promise<CampaignResult> {
  const { setup, options, store, predicted, say, args } = at;
  const stop = new AbortController();
  const release = onInterrupt({
    first: () => {
      say(
        "Stopping: the units that run save a checkpoint first; press Ctrl-C again to stop at once",
      );
      stop.abort();
    },
  });
  try {
    const result = await runCampaign(campaign.jobs, {
      executor: makeExecutor(setup, { store, clock: systemClock }),
      clock: systemClock,
      signal: stop.signal,
      failFast: options.failFast,
      predicted,
      print: say,
    });
    if (result.stopped) console.error(`Stopped. To go on: deno task reproduce ${args.join(" ")}`);
    return result;
  } finally {
    release();
  }
}

function printReport(
  report: ReportResult,
  { json, result }: { readonly json: boolean; readonly result: CampaignResult },
): void {
  if (json) {
    const { files, missing, notBuilt } = report;
    const failures = result.failures.map(({ key, error, message }) => ({ key, error, message }));
    console.log(
      JSON.stringify(
        { sealed: result.sealed, failures, files, missing, not_built: notBuilt },
        null,
        2,
      ),
    );
    return;
  }
  console.log(report.consoleText);
  console.log(`Written:\n${report.files.map((path) => `  ${path}`).join("\n")}`);
  for (const reason of report.notBuilt) console.error(`note: ${reason}`);
}

function failIfIncomplete(report: ReportResult, result: CampaignResult): void {
  const [first] = result.failures;
  if (first) {
    throw new UnitError(
      `${result.failures.length} units failed; the first: ${first.error}: ${first.message}`,
    );
  }
  if (report.missing.length > 0) {
    throw new IncompleteError(
      `${report.missing.length} planned units have no record; run the same command again to finish them`,
    );
  }
}

if (import.meta.main) await runMain(() => reproduce(Deno.args));
