/** Runs units one after another in this process; each pipeline is compiled once. */
import type { Backend } from "../../plan/backend.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../clock.ts";
import type { UnitData } from "../load_unit_data.ts";
import { runUnit } from "../run_unit.ts";
import { type Executor, failureEvent } from "./executor.ts";

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
      const backend = await options.openBackend();
      try {
        for (const job of jobs) {
          if (signal.aborted) return;
          try {
            const record = await runUnit(job, {
              ...options,
              backend,
              signal,
              onProgress: (step, steps) => onEvent({ kind: "progress", key: job.key, step, steps }),
            });
            onEvent({ kind: "sealed", key: job.key, record });
          } catch (cause) {
            const event = failureEvent(job.key, cause);
            onEvent(event);
            if (event.kind === "failed" && event.fatal) return;
          }
        }
      } finally {
        backend.destroy();
      }
    },
  };
}
