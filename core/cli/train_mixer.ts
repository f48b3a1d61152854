/** The mixer of a user's own in a training run: found beside the settings, pinned into them, checked. */
import { dirname } from "node:path";
import { readUnitConfig } from "../manifest/unit_config.ts";
import type { Backend } from "../plan/backend.ts";
import { checkMixers } from "../run/check_mixers.ts";
import { type MixerPlace, resolveMixer } from "../run/resolve_mixers.ts";
import { trainingUnit, type TrainSetup } from "./train_setup.ts";

/**
 * The same run with its mixer loaded and the digest of the mixer's code in its settings; a model of another kind is
 * given back as it is. The path counts from the folder of the settings file, or from the present one where a flag
 * says it. The digest is of the user's own files, so that a run goes on with a newer harness wherever a built-in model's
 * does: its checkpoint has the digest of the plan.
 *
 * @throws {ManifestError} If the module is missing, throws, exports no mixer, or is not the one that is pinned
 * @throws {UsageError} If this process may not run deno
 */
export async function withMixer(setup: TrainSetup): Promise<TrainSetup> {
  const { model } = setup.config;
  if (model.kind !== "module") return setup;
  const place = placeOf(setup);
  const mixer = await resolveMixer(model.module, place);
  const { path, sha256 } = mixer;
  const pinned = { ...setup.unit.model, module: { path, sha256 } };
  const unit = { ...setup.unit, model: pinned };
  return {
    ...setup,
    resolved: { ...setup.resolved, model: pinned },
    unit,
    config: readUnitConfig(unit, { where: place.where }),
    mixer,
  };
}

function placeOf({ moduleAt: { file, path } }: TrainSetup): MixerPlace {
  const isFlag = path.startsWith("-");
  return {
    where: file,
    digestOf: "own files",
    ...isFlag
      ? { key: path, folder: ".", from: "the present folder" }
      : { folder: dirname(file), from: "the folder of the settings" },
  };
}

/**
 * Lets a mixer of the user's own show what every model must, on the backend that will train it.
 *
 * @throws {ManifestError} On the first property that fails, by name
 */
export async function checkMixer(setup: TrainSetup, options: {
  readonly openBackend: () => Promise<Backend>;
  readonly say: (line: string) => void;
}): Promise<void> {
  const { mixer } = setup;
  if (mixer === undefined) return;
  await checkMixers([{ unit: trainingUnit(setup), mixer }], {
    openBackend: options.openBackend,
    say: (line) => options.say(line.trimStart()),
  });
}
