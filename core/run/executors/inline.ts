/** Runs units one after another in this process; each pipeline is compiled once. */
import type { Backend } from "../../plan/backend.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../clock.ts";
import type { UnitData } from "../load_unit_data.ts";
import { runUnit, type UnitJob } from "../run_unit.ts";
import {
  type Executor,
  failureEvent,
  isTransient,
  retriedEvent,
  TRIES,
  type UnitEvent,
} from "./executor.ts";

export interface InlineOptions {
  readonly store: Store;
  readonly openBackend: () => Promise<Backend>;
  readonly data: UnitData;
  readonly clock: Clock;
  readonly host: string;
}

export function inlineExecutor(options: InlineOptions): Executor {
  return {
    name: "inline",
    run: async (jobs, { signal, onEvent }) => {
      if (jobs.length === 0) return;
      using device = new Device(options.openBackend);
      await device.backend(); // without an adapter there is nothing to report on any unit
      for (const job of jobs) {
        if (signal.aborted) return;
        const event = await finish(job, { options, device, signal, onEvent });
        onEvent(event);
        if (event.kind === "failed" && event.fatal) return;
      }
    },
  };
}

/** A backend opened when it is first needed, and anew after it failed. */
class Device {
  readonly #open: () => Promise<Backend>;
  #backend: Backend | undefined;

  constructor(open: () => Promise<Backend>) {
    this.#open = open;
  }

  async backend(): Promise<Backend> {
    return this.#backend ??= await this.#open();
  }

  /** Gives the device back; the next unit gets another. */
  close(): void {
    this.#backend?.destroy();
    this.#backend = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Runs a unit, again on a new device where the old one was lost or full, and gives its last event. */
async function finish(job: UnitJob, { options, device, signal, onEvent }: {
  readonly options: InlineOptions;
  readonly device: Device;
  readonly signal: AbortSignal;
  readonly onEvent: (event: UnitEvent) => void;
}): Promise<UnitEvent> {
  const { key } = job;
  for (let tries = 1;; tries++) {
    try {
      const record = await runUnit(job, {
        ...options,
        backend: await device.backend(),
        signal,
        onProgress: (step, steps) => onEvent({ kind: "progress", key, step, steps }),
      });
      return { kind: "sealed", key, record };
    } catch (cause) {
      const event = failureEvent(key, cause);
      if (!isTransient(event)) return event;
      device.close();
      if (tries === TRIES || signal.aborted) return event;
      onEvent(retriedEvent(key, { because: event.message, next: tries + 1 }));
    }
  }
}
