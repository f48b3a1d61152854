/** Runs the units of a campaign that have no record yet, with progress and a clean stop. */
import type { RunRecord } from "../store/record.ts";
import type { Clock } from "./clock.ts";
import type { Executor, UnitEvent } from "./executors/executor.ts";
import type { PlannedJob } from "./plan_campaign.ts";

export interface CampaignResult {
  /** Units sealed by this call. */
  readonly sealed: number;
  readonly failures: readonly Extract<UnitEvent, { readonly kind: "failed" }>[];
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
  /** One line per finished unit. */
  readonly print: (line: string) => void;
}

export async function runCampaign(
  jobs: readonly PlannedJob[],
  options: RunCampaignOptions,
): Promise<CampaignResult> {
  const open = jobs.filter((job) => !job.sealed);
  const progress = new Progress(open, options);
  const failures: Extract<UnitEvent, { readonly kind: "failed" }>[] = [];
  const halt = new AbortController();
  const signal = AbortSignal.any([options.signal, halt.signal]);
  let sealed = 0;
  await options.executor.run(open, {
    signal,
    onEvent: (event) => {
      if (event.kind === "sealed") {
        sealed += 1;
        options.print(progress.sealed(event.key, event.record));
      } else if (event.kind === "failed") {
        failures.push(event);
        options.print(progress.failed(event));
        if (options.failFast || event.fatal) halt.abort();
      }
    },
  });
  return { sealed, failures, stopped: options.signal.aborted };
}

/** Counts finished units and says how much time is left, from predictions scaled by what was seen. */
class Progress {
  readonly #names: ReadonlyMap<string, string>;
  readonly #options: RunCampaignOptions;
  readonly #begin: number;
  readonly #total: number;
  #done = 0;
  #predictedDone = 0;

  constructor(open: readonly PlannedJob[], options: RunCampaignOptions) {
    this.#names = new Map(open.map((job) => [job.key, job.unit.name]));
    this.#options = options;
    this.#begin = options.clock.seconds();
    this.#total = open.reduce((sum, job) => sum + (options.predicted.get(job.key) ?? 1), 0);
  }

  sealed(key: string, { metrics, outcome, timing }: RunRecord): string {
    const loss = metrics.val_loss;
    const result = outcome.kind === "ok" && loss
      ? `val_loss ${loss.value.toFixed(4)} nats`
      : `DIVERGED at update ${outcome.kind === "diverged" ? outcome.step : "?"}`;
    return this.#line(key, `${result}, ${timing.wallSeconds.toFixed(1)} s`);
  }

  failed({ key, error, message }: Extract<UnitEvent, { readonly kind: "failed" }>): string {
    return this.#line(key, `FAILED: ${error}: ${message}`);
  }

  #line(key: string, what: string): string {
    this.#done += 1;
    this.#predictedDone += this.#options.predicted.get(key) ?? 1;
    const elapsed = this.#options.clock.seconds() - this.#begin;
    const left = (elapsed * (this.#total - this.#predictedDone)) / this.#predictedDone;
    const count = `${this.#done}`.padStart(`${this.#names.size}`.length);
    const name = this.#names.get(key) ?? "set-up";
    return `[${count}/${this.#names.size}] ${name}: ${what}; ${formatSeconds(left)} left`;
  }
}

/** "45 s", "3 min 20 s" or "2 h 5 min". */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}
