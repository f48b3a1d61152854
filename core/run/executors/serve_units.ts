/** The life of a worker process of the local executor: units come in on stdin, events go out on stdout. */
import { Store } from "../../store/store.ts";
import { systemClock } from "../clock.ts";
import { loadMixer } from "../load_mixer.ts";
import { loadUnitData } from "../load_unit_data.ts";
import type { openBackend } from "../open_backend.ts";
import { runUnit, type RunUnitOptions, type UnitJob } from "../run_unit.ts";
import { STOP_SIGNALS } from "../stop_signals.ts";
import { failureEvent } from "./executor.ts";
import {
  decodeLines,
  encodeLine,
  type FromWorker,
  type ToWorker,
  type WorkerSetup,
} from "./worker_messages.ts";

export interface ServeUnitsOptions {
  readonly openBackend: typeof openBackend;
}

/** Runs the units that the driver names, one after another, until it closes stdin. */
export async function serveUnits({ openBackend }: ServeUnitsOptions): Promise<void> {
  const stop = new AbortController();
  // The driver decides: a signal reaches the whole process group, and the driver then says "stop".
  for (const { signal } of STOP_SIGNALS) Deno.addSignalListener(signal, () => {});
  let options: Omit<RunUnitOptions, "onProgress"> | undefined;
  let running: Promise<void> = Promise.resolve();
  for await (const message of decodeLines<ToWorker>(Deno.stdin.readable)) {
    if (message.kind === "stop") {
      stop.abort();
    } else if (message.kind === "setup") {
      options = await prepare(message.setup, { openBackend, signal: stop.signal });
      if (!options) return;
      say({ kind: "ready" });
    } else if (options) {
      const ready = options;
      running = running.then(() => runOne(message.job, ready));
    }
  }
  // The driver is gone or done: finish what runs to its next checkpoint and leave.
  stop.abort();
  await running;
  options?.backend.destroy();
}

async function prepare(
  setup: WorkerSetup,
  { openBackend, signal }: ServeUnitsOptions & { readonly signal: AbortSignal },
): Promise<Omit<RunUnitOptions, "onProgress"> | undefined> {
  try {
    const store = Store.open(setup.store, { create: false });
    const data = loadUnitData(setup.data, setup.places);
    const backend = await openBackend(setup.backend);
    return { store, data, backend, signal, clock: systemClock, host: setup.host };
  } catch (cause) {
    say(failureEvent("", cause));
    return undefined;
  }
}

async function runOne(job: UnitJob, options: Omit<RunUnitOptions, "onProgress">): Promise<void> {
  const { key } = job;
  try {
    if (job.mixer) await loadMixer(job.mixer);
    const record = await runUnit(job, {
      ...options,
      onProgress: (step, steps) => say({ kind: "progress", key, step, steps }),
    });
    say({ kind: "sealed", key, record });
  } catch (cause) {
    say(failureEvent(key, cause));
  }
}

function say(message: FromWorker): void {
  const bytes = encodeLine(message);
  try {
    for (let written = 0; written < bytes.length;) {
      written += Deno.stdout.writeSync(bytes.subarray(written));
    }
  } catch (cause) {
    // A driver that is gone hears nothing; the end of stdin then stops this worker.
    if (!(cause instanceof Deno.errors.BrokenPipe)) throw cause;
  }
}
