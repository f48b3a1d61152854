/** What runs the units of a campaign. A backend runs plans; an executor runs units. */
import type { RunRecord } from "../../store/record.ts";
import type { UnitJob } from "../run_unit.ts";

/** What an executor tells while it works. */
export type UnitEvent =
  | {
    readonly kind: "progress";
    readonly key: string;
    readonly step: number;
    readonly steps: number;
  }
  | { readonly kind: "sealed"; readonly key: string; readonly record: RunRecord }
  /** The unit cannot be finished; `fatal` when no other unit could be either. */
  | {
    readonly kind: "failed";
    readonly key: string;
    readonly error: string;
    readonly message: string;
    readonly exitCode: number;
    readonly fatal: boolean;
  }
  /** The unit begins again, from its newest checkpoint, because its process died or its device was lost. */
  | { readonly kind: "retried"; readonly key: string; readonly message: string }
  /** The unit stopped on request. */
  | { readonly kind: "stopped"; readonly key: string };

export interface Executor {
  readonly name: "inline" | "local";
  /** Runs the jobs, in any order, until all are done or the signal aborts. Never throws for a failing unit. */
  run(jobs: readonly UnitJob[], options: {
    readonly signal: AbortSignal;
    readonly onEvent: (event: UnitEvent) => void;
  }): Promise<void>;
}

/** Errors after which trying another unit is of no use: no device, no data, no disk. */
const FATAL = ["NoAdapterError", "DeviceError", "DataError", "StoreError", "ShaderError"];

/** Errors of the device at hand and not of the unit: another device, opened anew, may well finish it. */
const TRANSIENT = ["DeviceLostError", "OutOfMemoryError"];

/** A unit whose process died or whose device failed is tried this many times in all. */
export const TRIES = 3;

/** Whether the unit deserves another try, on another device. */
export function isTransient(
  event: UnitEvent,
): event is Extract<UnitEvent, { readonly kind: "failed" }> {
  return event.kind === "failed" && TRANSIENT.includes(event.error);
}

/** The event for what a unit threw. */
export function failureEvent(key: string, cause: unknown): UnitEvent {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  if (error.name === "InterruptedError") return { kind: "stopped", key };
  const exitCode = (error as { readonly exitCode?: number }).exitCode ?? 1;
  const message = exitCode === 1 ? error.stack ?? error.message : error.message;
  return {
    kind: "failed",
    key,
    error: error.name,
    message,
    exitCode,
    fatal: FATAL.includes(error.name),
  };
}

/** The event for a unit that begins again. */
export function retriedEvent(
  key: string,
  { because, next }: { readonly because: string; readonly next: number },
): UnitEvent {
  return { kind: "retried", key, message: `${because}, try ${next} of ${TRIES} begins` };
}
