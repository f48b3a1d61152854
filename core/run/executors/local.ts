/** Runs units in a pool of worker processes on this machine; each worker compiles each pipeline once. */
import type { WorkerSetup } from "./worker_messages.ts";
import { decodeLines, encodeLine, type FromWorker, type ToWorker } from "./worker_messages.ts";
import type { UnitJob } from "../run_unit.ts";
import { type Executor, isTransient, retriedEvent, TRIES, type UnitEvent } from "./executor.ts";

export interface LocalOptions {
  readonly workers: number;
  readonly setup: WorkerSetup;
  /** Environment names that a worker may read: those that choose the adapter. */
  readonly environment: readonly string[];
  /** Module that a worker process runs. @default worker.ts */
  readonly worker?: URL;
}

const WORKER = new URL("./worker.ts", import.meta.url);

export function localExecutor(options: LocalOptions): Executor {
  return {
    name: "local",
    run: async (jobs, { signal, onEvent }) => {
      const queue = jobs.map((job) => ({ job, tries: 0 }));
      const pool = { fatal: false };
      const count = Math.min(options.workers, queue.length);
      await Promise.all(
        Array.from({ length: count }, () => serve({ options, queue, pool, signal, onEvent })),
      );
    },
  };
}

interface Queued {
  readonly job: UnitJob;
  tries: number;
}

/** A unit that a worker did not finish. */
interface Unfinished {
  readonly queued: Queued;
  /** Why it begins again, for people. */
  readonly because: string;
  /** What it fails with if this was the last try. */
  readonly failure: Extract<UnitEvent, { readonly kind: "failed" }>;
}

interface Lane {
  readonly options: LocalOptions;
  readonly queue: Queued[];
  /** Set by a failure that no other unit would escape. */
  readonly pool: { fatal: boolean };
  readonly signal: AbortSignal;
  readonly onEvent: (event: UnitEvent) => void;
}

/** Keeps one worker busy until the queue is empty; starts another in the place of one that failed. */
async function serve(lane: Lane): Promise<void> {
  while (lane.queue.length > 0 && !lane.signal.aborted && !lane.pool.fatal) {
    const unfinished = await serveWithOneWorker(lane);
    if (!unfinished) continue;
    const { queued, because, failure } = unfinished;
    queued.tries += 1;
    if (queued.tries === TRIES) {
      lane.onEvent(failure);
      continue;
    }
    lane.queue.unshift(queued);
    if (lane.signal.aborted) continue;
    const next = queued.tries + 1;
    lane.onEvent(retriedEvent(queued.job.key, { because, next }));
  }
}

/** Runs units on one worker. Returns the unit at which the worker died or lost its device, if it did. */
async function serveWithOneWorker(lane: Lane): Promise<Unfinished | undefined> {
  const { queue, pool, signal, onEvent } = lane;
  const worker = startWorker(lane.options);
  const writer = worker.stdin.getWriter();
  const tell = (message: ToWorker): Promise<void> =>
    writer.write(encodeLine(message)).catch(() => {});
  const stop = (): void => void tell({ kind: "stop" });
  signal.addEventListener("abort", stop);
  let current: Queued | undefined;
  let heard = false;
  const next = async (): Promise<boolean> => {
    current = signal.aborted || pool.fatal ? undefined : queue.shift();
    if (current) await tell({ kind: "run", job: current.job });
    return current !== undefined;
  };
  try {
    await tell({ kind: "setup", setup: lane.options.setup });
    for await (const message of decodeLines<FromWorker>(worker.stdout)) {
      heard = true;
      if (message.kind === "progress") {
        onEvent(message);
        continue;
      }
      if (message.kind !== "ready") {
        // Such a worker gets no further unit: its device is gone or full, and it ends with its input.
        if (current && isTransient(message)) return lostItsDevice(current, message);
        current = undefined;
        if (message.kind === "failed" && message.fatal) pool.fatal = true;
        onEvent(message);
      }
      if (!(await next())) break;
    }
    if (!heard && !signal.aborted) {
      pool.fatal = true;
      onEvent(workerNeverStarted());
    }
    return current && workerDied(current);
  } finally {
    signal.removeEventListener("abort", stop);
    await writer.close().catch(() => {});
    await worker.status;
  }
}

function lostItsDevice(queued: Queued, failure: Unfinished["failure"]): Unfinished {
  return { queued, because: failure.message, failure };
}

function workerDied(queued: Queued): Unfinished {
  const { key, unit } = queued.job;
  const message = `The worker process died ${TRIES} times while running "${unit.name}"`;
  return {
    queued,
    because: "its worker process died",
    failure: { kind: "failed", key, error: "UnitError", message, exitCode: 3, fatal: false },
  };
}

function workerNeverStarted(): UnitEvent {
  return {
    kind: "failed",
    key: "",
    error: "UnitError",
    message: "A worker process ended before it was ready; its own message stands above",
    exitCode: 3,
    fatal: true,
  };
}

function startWorker({ setup, environment, worker = WORKER }: LocalOptions): Deno.ChildProcess {
  return new Deno.Command("deno", {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-read",
      `--allow-write=${setup.store}`,
      `--allow-env=${environment.join(",")}`,
      // Packages behind mod.ts, which mixers import, list the environment; to them it is empty.
      "--ignore-env",
      worker.href,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}
