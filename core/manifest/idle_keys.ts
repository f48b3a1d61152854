import { type JsonObject, memberOf } from "./json.ts";

/** Settings that a schedule alone reads, by the key that switches it on. */
const SCHEDULES: Readonly<Record<string, readonly string[]>> = {
  epsilon_schedule: ["epsilon_start", "epsilon_end", "epsilon_steps"],
  gumbel_schedule: ["gumbel_end", "gumbel_steps"],
};

/**
 * Keys of a model's settings that have no effect, because their schedule is "none" or is not there, each with the
 * key of the schedule.
 */
export function idleKeys(settings: JsonObject): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(SCHEDULES)
      .filter(([schedule]) => (memberOf(settings, schedule) ?? "none") === "none")
      .flatMap(([schedule, keys]) => keys.map((key) => [key, schedule] as const)),
  );
}
