import type { RunRecord } from "../store/record.ts";
import type { Clock } from "./clock.ts";
import { formatSeconds } from "./format_seconds.ts";
import type { PlannedJob } from "./plan_campaign.ts";

export interface ProgressOptions {
  readonly clock: Clock;
  /** Predicted seconds of each unit by key, for the time left. */
  readonly predicted: ReadonlyMap<string, number>;
}

/** Seconds of silence after which a unit that still runs is reported. */
const SILENCE_SECONDS = 10;

/** Says what is done and how much time is left, from predictions scaled by what was seen. */
export class Progress {
  readonly #names: ReadonlyMap<string, string>;
  readonly #options: ProgressOptions;
  readonly #begin: number;
  readonly #total: number;
  /** Share done of units that run, by key. */
  readonly #shares = new Map<string, number>();
  #lastLine: number;
  #done = 0;
  #predictedDone = 0;

  constructor(open: readonly PlannedJob[], options: ProgressOptions) {
    this.#names = new Map(open.map((job) => [job.key, job.unit.name]));
    this.#options = options;
    this.#begin = options.clock.seconds();
    this.#lastLine = this.#begin;
    this.#total = open.reduce((sum, job) => sum + this.#predicted(job.key), 0);
  }

  /** The line of a unit that reached an update; undefined where the last line is recent. */
  running(key: string, at: { readonly step: number; readonly steps: number }): string | undefined {
    this.#shares.set(key, at.step / at.steps);
    if (this.#options.clock.seconds() - this.#lastLine < SILENCE_SECONDS) return undefined;
    return this.#line(key, `update ${at.step} of ${at.steps}`);
  }

  sealed(key: string, { metrics, outcome, timing }: RunRecord): string {
    this.#finish(key);
    const result = outcome.kind === "diverged"
      ? `DIVERGED at update ${outcome.step} (${outcome.reason})`
      : `val_loss ${metrics.val_loss?.value.toFixed(4)} nats`;
    return this.#line(key, `${result}, ${timing.wallSeconds.toFixed(1)} s`);
  }

  failed(key: string, error: string): string {
    this.#finish(key);
    return this.#line(key, `FAILED with ${error}`);
  }

  /** The line of a unit that begins again. */
  retried(key: string, why: string): string {
    this.#shares.delete(key);
    return this.#line(key, why);
  }

  #finish(key: string): void {
    this.#shares.delete(key);
    if (!this.#names.has(key)) return; // the set-up of a worker is no unit
    this.#done += 1;
    this.#predictedDone += this.#predicted(key);
  }

  #predicted(key: string): number {
    return this.#options.predicted.get(key) ?? 1;
  }

  #line(key: string, what: string): string {
    const now = this.#options.clock.seconds();
    this.#lastLine = now;
    const count = `${this.#done}`.padStart(`${this.#names.size}`.length);
    const name = this.#names.get(key) ?? "worker set-up";
    return `[${count}/${this.#names.size}] ${name}: ${what}${this.#left(now - this.#begin)}`;
  }

  #left(elapsed: number): string {
    const running = [...this.#shares].map(([key, share]) => share * this.#predicted(key));
    const done = this.#predictedDone + running.reduce((sum, seconds) => sum + seconds, 0);
    if (!(done > 0) || this.#done === this.#names.size) return "";
    return `; ${formatSeconds((elapsed * (this.#total - done)) / done)} left`;
  }
}
