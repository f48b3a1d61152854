import { readUnitConfig } from "../manifest/unit_config.ts";
import type { Campaign } from "../run/plan_campaign.ts";
import { trainerSettings } from "../run/trainer_settings.ts";
import { trainingPlan } from "../train/training_graph.ts";
import { kernelsText, profilePlan } from "./kernel_profile.ts";

/**
 * Times the kernels of one unit of each arm and length: tables to `say`, JSON to `<out>/profile/`.
 *
 * @throws {DeviceError} If the adapter has no time stamps
 */
export async function profileCampaign(campaign: Campaign, options: {
  readonly out: string;
  /** V of the campaign's data. */
  readonly vocabularySize: number;
  readonly say: (line: string) => void;
}): Promise<void> {
  const done = new Set<string>();
  for (const { unit } of campaign.jobs) {
    const kind = `${unit.arm}-${unit.cell.seq_len}`;
    if (done.has(kind)) continue;
    done.add(kind);
    const config = readUnitConfig(unit.config, { where: unit.name });
    const plan = trainingPlan(trainerSettings(config, options));
    const kernels = await profilePlan(plan);
    options.say(
      `kernels of ${unit.arm} at ${unit.cell.seq_len}, per update:\n${kernelsText(kernels)}`,
    );
    const text = `${JSON.stringify({ unit: kind, plan: plan.digest, kernels }, null, 2)}\n`;
    await Deno.mkdir(`${options.out}/profile`, { recursive: true });
    await Deno.writeTextFile(`${options.out}/profile/${kind}.json`, text);
  }
}
