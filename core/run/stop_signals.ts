/** A signal that asks the harness to stop, with the exit code of a process that it stopped. */
export interface StopSignal {
  readonly signal: "SIGINT" | "SIGTERM";
  readonly exitCode: 130 | 143;
}

const INTERRUPT: StopSignal = { signal: "SIGINT", exitCode: 130 };
const TERMINATE: StopSignal = { signal: "SIGTERM", exitCode: 143 };

/** Ctrl-C, and what schedulers send; Windows knows the first alone. */
export const STOP_SIGNALS: readonly StopSignal[] = Deno.build.os === "windows"
  ? [INTERRUPT]
  : [INTERRUPT, TERMINATE];
