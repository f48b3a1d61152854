/**
 * `deno task train`: trains a model by the settings of a file and of flags, and saves it. Running the same
 * command again goes on where it stopped.
 */
import { systemClock } from "../run/clock.ts";
import { formatSeconds } from "../run/format_seconds.ts";
import { backendNameOf, type DeviceChoice, openBackend } from "../run/open_backend.ts";
import {
  type EpochResult,
  type TrainedModel,
  trainModel,
  type TrainModelOptions,
} from "../run/train_model.ts";
import type { Backend } from "../plan/backend.ts";
import type { ModelAudit } from "../run/audit_unit.ts";
import { parseArguments } from "./args.ts";
import { runMain } from "./main.ts";
import { onInterrupt } from "./on_interrupt.ts";
import { shellQuoted } from "./shell_quoted.ts";
import { givenSettings, TRAIN, type TrainOptions } from "./train_command.ts";
import { auditTrained, expectSavable } from "./train_audit.ts";
import { claimFolder, lockFolder, saveTrained } from "./train_folder.ts";
import { checkMixer, withMixer } from "./train_mixer.ts";
import { planTraining, trainingPlanLines } from "./train_plan.ts";
import {
  auditLine,
  divergence,
  finalLines,
  LEAK_STAMP,
  leaksIn,
  resultJson,
  startLines,
  stepLine,
  stopLine,
  validationLine,
} from "./train_report.ts";
import { setUpTraining, type TrainSetup } from "./train_setup.ts";

/** What the steps of one command share. */
interface Command {
  readonly args: readonly string[];
  readonly options: TrainOptions;
  readonly setup: TrainSetup;
  /** Lines of the run, on standard output. */
  readonly print: (line: string) => void;
  /** Everything else, on standard error. */
  readonly say: (line: string) => void;
}

/**
 * Runs the command and returns its exit code: 0 done, 130 or 143 stopped by a signal.
 *
 * @throws {ManifestError} On settings that are wrong, or a mixer of the user's own that fails a check
 * @throws {UsageError} On options that do not go together, a part that does not exist yet, or a folder that
 * holds another run
 * @throws {DataError} If the text is missing or too short
 * @throws {NoAdapterError} If webgpu is asked for and there is no adapter
 * @throws {StoreError} If the folder cannot be written, or another process trains in it
 * @throws {NumericError} If the loss or a gradient is not finite
 * @throws {UnitError} If a model that declares itself causal reads later tokens after training
 */
export async function train(args: readonly string[]): Promise<number> {
  const read = parseArguments(args, TRAIN);
  if (read.kind === "help") {
    console.log(read.text);
    return 0;
  }
  const { options } = read;
  const setup = await withMixer(setUpTraining(options, givenSettings(options, args)));
  const command: Command = {
    args,
    options,
    setup,
    print: options.json ? () => {} : (line) => console.log(line),
    say: options.json ? () => {} : (line) => console.error(line),
  };
  await checkMixer(setup, { openBackend: () => backendOf(options), say: command.say });
  return options.dryRun ? await dryRun(command) : await run(command);
}

function backendOf({ device }: TrainOptions): Promise<Backend> {
  return openBackend(backendNameOf(device as DeviceChoice));
}

async function withBackend<T>(
  options: TrainOptions,
  body: (backend: Backend) => Promise<T>,
): Promise<T> {
  const backend = await backendOf(options);
  try {
    return await body(backend);
  } finally {
    backend.destroy();
  }
}

async function dryRun({ options, setup }: Command): Promise<number> {
  const plan = await withBackend(
    options,
    (backend) => planTraining(setup, { backend, clock: systemClock }),
  );
  if (options.json) console.log(JSON.stringify(plan, null, 2));
  else trainingPlanLines(plan).forEach((line) => console.log(line));
  return 0;
}

async function run(command: Command): Promise<number> {
  const { options, setup, print, say, args } = command;
  const { steps } = setup.config.train;
  using _lock = lockFolder(setup.saveDir);
  claimFolder(setup, { restart: options.restart });
  const until = Math.min(steps, options.maxSteps ?? steps);
  const begin = systemClock.seconds();
  const { trained, audit, exitCode } = await trainUntil(command, until);
  const { outcome, step, epoch } = trained;
  if (outcome === "diverged") throw divergence(trained, setup);
  const leak = audit?.leak ?? null;
  const leaks = leak?.leaks ?? leaksIn(setup);
  if (audit) {
    say(auditLine(audit));
    // Lines before this one had what the settings declare.
    if (leaks && !leaksIn(setup)) print(LEAK_STAMP);
    expectSavable(audit, setup);
  }
  const model = outcome === "done" ? saveTrained(trained, { setup, leak }) : null;
  if (epoch) {
    const seconds = systemClock.seconds() - begin;
    finalLines(epoch, { setup, leaks, seconds }).forEach(print);
  } else if (outcome === "done") print(`Nothing is left to do after step ${step} of ${steps}`);
  const result = resultJson(trained, { setup, leak, model });
  if (options.json) console.log(JSON.stringify(result, null, 2));
  if (leaks) print(LEAK_STAMP);
  if (model !== null) say(`saved     ${model}`);
  if (outcome === "stopped") {
    const again = args.filter((argument) => argument !== "--restart");
    const where = step < until
      ? `Stopped after step ${step}`
      : `All ${step} updates are done and saved; their validation was stopped`;
    console.error(`${where}. To go on: deno task train ${shellQuoted(again)}`);
  } else if (step < steps) say(`stopped at step ${step} of ${steps}, as --max-steps asks`);
  return exitCode;
}

interface TrainedAndAudited {
  readonly trained: TrainedModel;
  /** What the audit found; null for a run that gives no model. */
  readonly audit: ModelAudit | null;
  readonly exitCode: number;
}

async function trainUntil(command: Command, until: number): Promise<TrainedAndAudited> {
  const { options, setup, say } = command;
  const stop = new AbortController();
  let exitCode = 0;
  let isTrained = false;
  const release = onInterrupt({
    first: (code) => {
      exitCode = code;
      say(stopLine({ isTrained }));
      stop.abort();
    },
  });
  const lines = epochLines(command, until);
  try {
    return await withBackend(options, async (backend) => {
      const trained = await trainModel(runOptions(command, {
        ...{ backend, until, onEpoch: lines.add },
        signal: stop.signal,
      }));
      isTrained = true;
      if (stop.signal.aborted && trained.outcome === "done") say(stopLine({ isTrained }));
      const audit = await auditTrained(trained, { setup, backend });
      if (audit) lines.flush(audit.leak.leaks);
      return { trained, audit, exitCode: trained.outcome === "stopped" ? exitCode : 0 };
    });
  } finally {
    lines.flush(leaksIn(setup));
    release();
  }
}

/**
 * Prints the losses of epochs. The last one waits for the audit: a line that is quoted alone must not hide a leak.
 */
function epochLines({ setup, print }: Command, until: number): {
  readonly add: (epoch: EpochResult) => void;
  /** Prints the line that waits, if there is one. */
  readonly flush: (leaks: boolean) => void;
} {
  const last = Math.ceil(until / setup.stepsPerEpoch);
  let waiting: EpochResult | undefined;
  return {
    add: (epoch) => {
      if (epoch.epoch === last) waiting = epoch;
      else print(validationLine(epoch, { setup, leaks: leaksIn(setup) }));
    },
    flush: (leaks) => {
      if (waiting) print(validationLine(waiting, { setup, leaks }));
      waiting = undefined;
    },
  };
}

function runOptions(
  { options, setup, say, print }: Command,
  run: Pick<TrainModelOptions, "backend" | "until" | "signal" | "onEpoch">,
): TrainModelOptions {
  const { config, data, stepsPerEpoch, saveDir: folder } = setup;
  const { logInterval, saveInterval, profilePhases } = options;
  return {
    ...{ config, data, folder, stepsPerEpoch, logInterval, saveInterval, profilePhases },
    ...run,
    clock: systemClock,
    onStart: (start) => {
      if (options.json) return;
      startLines(setup, start).forEach(say);
      if (leaksIn(setup)) print(LEAK_STAMP);
    },
    onUpdate: (update, { secondsLeft }) => {
      print(stepLine(update, setup));
      if (secondsLeft > 0) say(`  ${formatSeconds(secondsLeft)} left`);
    },
  };
}

if (import.meta.main) await runMain(() => train(Deno.args));
