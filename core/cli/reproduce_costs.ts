import { calibrateUnit, type UnitCost } from "../run/calibrate.ts";
import type { Clock } from "../run/clock.ts";
import { formatSeconds } from "../run/format_seconds.ts";
import { openBackend } from "../run/open_backend.ts";
import type { Campaign } from "../run/plan_campaign.ts";
import type { Reproduction } from "./reproduce_setup.ts";

/**
 * Predicted seconds of every unit that is to run, by key. One unit of each arm and length is timed for a
 * few updates; seeds cost the same.
 */
export async function predictUnits(campaign: Campaign, options: {
  readonly setup: Reproduction;
  readonly clock: Clock;
  readonly say: (line: string) => void;
}): Promise<ReadonlyMap<string, number>> {
  const { setup, clock, say } = options;
  const open = campaign.jobs.filter((job) => !job.sealed);
  if (open.length === 0) return new Map();
  const kinds = new Set(open.map(({ unit }) => kindOf(unit))).size;
  say(
    `  timing    a few updates of ${kinds} kind${
      kinds === 1 ? "" : "s"
    } of unit, to predict the rest`,
  );
  const begin = clock.seconds();
  const costs = new Map<string, UnitCost>();
  const backend = await openBackend(setup.backend);
  try {
    for (const { unit } of open) {
      const kind = kindOf(unit);
      if (costs.has(kind)) continue;
      costs.set(kind, await calibrateUnit(unit, { backend, data: setup.data, clock }));
    }
  } finally {
    backend.destroy();
  }
  const predicted = new Map(open.map(({ key, unit }) => [key, costs.get(kindOf(unit))!.seconds]));
  const compile = [...costs.values()].reduce((sum, cost) => sum + cost.compileSeconds, 0);
  const total = [...predicted.values()].reduce((sum, seconds) => sum + seconds, compile);
  say(
    `  predicted ${formatSeconds(total)} for ${open.length} units one after another, ` +
      `from ${formatSeconds(clock.seconds() - begin)} of timing`,
  );
  return predicted;
}

function kindOf(
  unit: { readonly arm: string; readonly cell: { readonly seq_len: number } },
): string {
  return `${unit.arm}/${unit.cell.seq_len}`;
}
