/** Runs the units of a campaign that have no record yet, with progress and a clean stop. */
import type { Clock } from "./clock.ts";
import type { Executor, UnitEvent } from "./executors/executor.ts";
import type { PlannedJob } from "./plan_campaign.ts";
import { Progress } from "./progress.ts";

/** A unit that could not be finished; its key is empty where a worker could not be set up. */
export type Failure = Extract<UnitEvent, { readonly kind: "failed" }>;

export interface CampaignResult {
  /** Units sealed by this call. */
  readonly sealed: number;
  readonly failures: readonly Failure[];
  /** Whether the user stopped it. */
  readonly stopped: boolean;
}

export interface RunCampaignOptions {
  readonly executor: Executor;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Stops at the first unit that fails. */
  readonly failFast: boolean;
  /** Predicted seconds of each unit by key, for the time left. */
  readonly predicted: ReadonlyMap<string, number>;
  /** One line per finished unit, and now and then one for a unit that takes long. */
  readonly print: (line: string) => void;
}

export async function runCampaign(
  jobs: readonly PlannedJob[],
  options: RunCampaignOptions,
): Promise<CampaignResult> {
  const open = jobs.filter((job) => !job.sealed);
  const progress = new Progress(open, options);
  const failures: Failure[] = [];
  const halt = new AbortController();
  let sealed = 0;
  const onEvent = (event: UnitEvent): void => {
    if (event.kind === "sealed") sealed += 1;
    if (event.kind === "failed") {
      failures.push(event);
      if (options.failFast || event.fatal) halt.abort();
    }
    const line = lineOf(event, progress);
    if (line !== undefined) options.print(line);
  };
  const signal = AbortSignal.any([options.signal, halt.signal]);
  await options.executor.run(open, { signal, onEvent });
  return { sealed, failures, stopped: options.signal.aborted };
}

function lineOf(event: UnitEvent, progress: Progress): string | undefined {
  switch (event.kind) {
    case "progress":
      return progress.running(event.key, event);
    case "sealed":
      return progress.sealed(event.key, event.record);
    case "failed":
      return progress.failed(event.key, event.error);
    case "retried":
      return progress.retried(event.key, event.message);
    case "stopped":
      return undefined;
  }
}
