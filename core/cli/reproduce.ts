/**
 * `deno task reproduce <experiment>`: manifest to records, figures, tables and paper. Running the same
 * command again goes on where it stopped.
 */
import { buildReport, type ReportResult } from "../report/build_report.ts";
import { loadCampaign } from "../report/load_campaign.ts";
import { checkMixers } from "../run/check_mixers.ts";
import { systemClock } from "../run/clock.ts";
import { openBackend } from "../run/open_backend.ts";
import { type Campaign, planCampaign } from "../run/plan_campaign.ts";
import { type CampaignResult, runCampaign } from "../run/run_campaign.ts";
import { Store } from "../store/store.ts";
import { parseArguments } from "./args.ts";
import { runMain } from "./main.ts";
import { onInterrupt } from "./on_interrupt.ts";
import { reportPlanOf } from "./report_plan_of.ts";
import { profileCampaign } from "./profile_campaign.ts";
import { predictUnits } from "./reproduce_costs.ts";
import { makeExecutor } from "./reproduce_executor.ts";
import { headerLines, planJson, planLines } from "./reproduce_header.ts";
import { campaignError, printResult } from "./reproduce_result.ts";
import { type Reproduction, setUp } from "./reproduce_setup.ts";
import { REPRODUCE, type ReproduceOptions } from "./reproduce_spec.ts";
import { shellQuoted } from "./shell_quoted.ts";

/** What all steps of one command share. */
interface Command {
  readonly args: readonly string[];
  readonly options: ReproduceOptions;
  readonly setup: Reproduction;
  /** Progress, on standard error. */
  readonly say: (line: string) => void;
}

/**
 * Runs the command and returns its exit code: 0 done, 130 or 143 stopped by a signal; errors carry their
 * own, which with `--json` is returned after the one document printed.
 *
 * @throws {ManifestError} On a manifest or option that is wrong
 * @throws {DataError} If the corpus is missing or has other bytes than the pinned ones
 * @throws {NoAdapterError} If webgpu is asked for and there is no adapter
 * @throws {StoreError} If the store cannot be written
 * @throws {UnitError} If a unit failed
 * @throws {IncompleteError} If planned units have no record at the end
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
  const command = { args, options, setup, say };
  return options.dryRun ? await dryRun(command) : await run(command);
}

async function dryRun(command: Command): Promise<number> {
  const store = existingStore(storeRoot(command.options));
  const { campaign, predicted } = await plan(command, store);
  if (command.options.json) {
    console.log(JSON.stringify(planJson(command.setup, { campaign, predicted }), null, 2));
  } else {
    for (const line of planLines(campaign, predicted)) console.log(line);
  }
  return 0;
}

async function run(command: Command): Promise<number> {
  const { options, setup } = command;
  const store = Store.open(storeRoot(options), { create: true });
  // Before planning: what another driver seals meanwhile must not be planned here.
  using _lock = store.lockCampaign({
    pid: Deno.pid,
    host: setup.host,
    startedAt: systemClock.timestamp(),
  });
  const { campaign, predicted } = await plan(command, store);
  if (options.profileKernels) {
    const { vocabularySize } = setup.data;
    await profileCampaign(campaign, { out: options.out, vocabularySize, say: command.say });
  }
  const { result, exitCode } = await runUnits(command, { campaign, predicted, store });
  // What stopped every unit, a full disk say, would stop the report too.
  const report = result.stopped || result.failures.some(({ fatal }) => fatal)
    ? null
    : await reportOf(command, { campaign, store });
  const error = campaignError({ campaign, result, report, store });
  printResult({ result, report, error, json: options.json });
  if (error && !options.json) throw error;
  return error?.exitCode ?? exitCode;
}

function storeRoot({ out }: ReproduceOptions): string {
  return `${out}/store`;
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

/** Plans the campaign and says what will be done and how long it should take. */
async function plan({ setup, options, say }: Command, store: Store | null): Promise<{
  readonly campaign: Campaign;
  readonly predicted: ReadonlyMap<string, number>;
}> {
  const campaign = await planCampaign(setup.resolved, { store, backend: setup.backend });
  headerLines(setup, { campaign, out: options.out }).forEach(say);
  await checkMixers(campaign.jobs.filter(({ sealed }) => !sealed), {
    openBackend: () => openBackend(setup.backend),
    say,
  });
  return { campaign, predicted: await predictUnits(campaign, { setup, clock: systemClock, say }) };
}

async function runUnits(command: Command, at: {
  readonly campaign: Campaign;
  readonly predicted: ReadonlyMap<string, number>;
  readonly store: Store;
}): Promise<{ readonly result: CampaignResult; readonly exitCode: number }> {
  const { setup, options, say, args } = command;
  const { campaign, predicted, store } = at;
  const stop = new AbortController();
  let exitCode = 0;
  const release = onInterrupt({
    first: (code) => {
      exitCode = code;
      say("Stopping: what runs is evaluated and saved first; press Ctrl-C again to stop at once");
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
    if (result.stopped) {
      console.error(`Stopped. To go on: deno task reproduce ${shellQuoted(args)}`);
    }
    return { result, exitCode };
  } finally {
    release();
  }
}

async function reportOf({ options, setup }: Command, at: {
  readonly campaign: Campaign;
  readonly store: Store;
}): Promise<ReportResult> {
  return await buildReport({
    ...loadCampaign(at.store, reportPlanOf(at.campaign)),
    outputDir: options.out,
    paperDir: setup.paperDir,
  });
}

if (import.meta.main) await runMain(() => reproduce(Deno.args));
