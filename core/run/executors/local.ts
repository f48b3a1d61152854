/** Runs units in a pool of worker processes on this machine; each worker compiles each pipeline once. */
import type { WorkerSetup } from "./worker_messages.ts";
import { decodeLines, encodeLine, type FromWorker, type ToWorker } from "./worker_messages.ts";
import type { UnitJob } from "../run_unit.ts";
import type { Executor, UnitEvent } from "./executor.ts";

export interface LocalOptions {
  readonly workers: number;
  readonly setup: WorkerSetup;
  /** Environment names that a worker may read: those that choose the adapter. */
  readonly environment: readonly string[];
}

/** A unit whose worker died is tried this many times in all. */
const TRIES = 3;

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

interface Lane {
  readonly options: LocalOptions;
  readonly queue: Queued[];
  /** Set by a failure that no other unit would escape. */
  readonly pool: { fatal: boolean };
  readonly signal: AbortSignal;
  readonly onEvent: (event: UnitEvent) => void;
}

/** Keeps one worker busy until the queue is empty; starts another in the place of one that died. */
async function serve(lane: Lane): Promise<void> {
  while (lane.queue.length > 0 && !lane.signal.aborted && !lane.pool.fatal) {
    const lost = await serveWithOneWorker(lane);
    if (!lost) continue;
    lost.tries += 1;
    if (lost.tries < TRIES) {
      lane.queue.unshift(lost);
      if (!lane.signal.aborted) lane.onEvent(retried(lost));
      continue;
    }
    lane.onEvent({
      kind: "failed",
      key: lost.job.key,
      error: "UnitError",
      message: `The worker process died ${TRIES} times while running "${lost.job.unit.name}"`,
      exitCode: 3,
      fatal: false,
    });
  }
}

/** Runs units on one worker. Returns the unit that was running when the worker died, if it did. */
async function serveWithOneWorker(lane: Lane): Promise<Queued | undefined> {
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
    return current;
  } finally {
    signal.removeEventListener("abort", stop);
    await writer.close().catch(() => {});
    await worker.status;
  }
}

function retried({ job, tries }: Queued): UnitEvent {
  const message = `its worker process died, try ${tries + 1} of ${TRIES} begins`;
  return { kind: "retried", key: job.key, message };
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

function startWorker({ setup, environment }: LocalOptions): Deno.ChildProcess {
  return new Deno.Command("deno", {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-read",
      `--allow-write=${setup.store}`,
      `--allow-env=${environment.join(",")}`,
      WORKER.href,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}
