/** Holds units in the midst of their updates, so that what a test kills or stops is surely at work. */
import { GpuProgram } from "../../../core/gpu/gpu_program.ts";
import type { Attempt } from "../../../core/store/attempt.ts";
import { Store } from "../../../core/store/store.ts";

/** Lines of metrics behind which a unit is held: some updates are done, most are to come. */
const HELD_AFTER = 8;

/**
 * From now on the first try at a unit of one of these arms goes no further in this process than its first updates
 * until the process is asked to stop. How fast the machine is does not matter: only the stop, or a kill, ends it.
 */
export function holdUnits(arms: readonly string[]): void {
  const stop = whenAskedToStop();
  let held: Attempt | null = null;
  const { beginAttempt } = Store.prototype;
  Store.prototype.beginAttempt = function (key, unit): Attempt {
    const attempt = beginAttempt.call(this, key, unit);
    const arm = unit.name.split("/")[2]; // experiment, profile, arm, length, seed
    held = attempt.number === 1 && arms.includes(arm) ? attempt : null;
    return attempt;
  };
  const { readArenas } = GpuProgram.prototype;
  GpuProgram.prototype.readArenas = async function (arenas): Promise<readonly Float32Array[]> {
    if (held !== null && linesOf(held) > HELD_AFTER) await stop;
    return await readArenas.call(this, arenas);
  };
}

function linesOf(attempt: Attempt): number {
  return attempt.metricsBytes().reduce((lines, byte) => lines + (byte === 0x0a ? 1 : 0), 0);
}

/** Driver and worker abort a signal when they are asked to stop, a worker also when its driver is gone. */
function whenAskedToStop(): Promise<void> {
  const asked = Promise.withResolvers<void>();
  const { abort } = AbortController.prototype;
  AbortController.prototype.abort = function (reason): void {
    asked.resolve();
    abort.call(this, reason);
  };
  return asked.promise;
}
