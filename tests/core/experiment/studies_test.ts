/** The manifests of the smaller studies: what they promise, in every profile. */
import { assert, assertEquals } from "@std/assert";
import { expand } from "../../../core/experiment/expand.ts";
import { feasibility } from "../../../core/experiment/feasibility.ts";
import type { Unit } from "../../../core/experiment/unit.ts";
import { readManifest } from "../../../core/manifest/read_manifest.ts";
import { type ResolvedManifest, resolveManifest } from "../../../core/manifest/resolve_manifest.ts";
import { readUnitConfig } from "../../../core/manifest/unit_config.ts";
import { evaluationPlan } from "../../../core/evaluate/evaluation_plan.ts";
import { parameterCount } from "../../../core/train/training_graph.ts";

const PROFILES = ["smoke", "cpu", "t4", "a100"];
const SEEDS = 8;

function resolved(
  experiment: string,
  profile: string,
  { profiles = PROFILES }: { readonly profiles?: readonly string[] } = {},
): ResolvedManifest {
  const file = new URL(`../../../experiments/${experiment}.yaml`, import.meta.url).pathname;
  const source = readManifest(file);
  assertEquals(Object.keys(source.profiles), profiles);
  return resolveManifest(source, { profile });
}

/** Units by arm; every arm has all seeds, and the family of tests can reach its level. */
function unitsOf(manifest: ResolvedManifest): ReadonlyMap<string, Unit> {
  const units = expand(manifest);
  const arms = new Map(units.map((unit) => [unit.arm, unit]));
  assertEquals(units.length, arms.size * SEEDS);
  const { alpha, comparisons } = manifest.manifest.analysis;
  assert(feasibility({ seeds: SEEDS, tests: Object.keys(comparisons).length, alpha }).feasible);
  return arms;
}

function parametersOf(unit: Unit | undefined): number {
  const { model } = readUnitConfig(unit!.config, { where: unit!.name });
  return parameterCount(
    evaluationPlan({ model, shape: { batch: 1, seqLen: 24 }, vocabularySize: 8 }),
  );
}

Deno.test("experiments/recall.yaml reaches lag 512 and compares equal numbers of parameters", () => {
  for (const profile of PROFILES) {
    const manifest = resolved("recall", profile);
    const arms = unitsOf(manifest);
    const { data } = manifest.manifest;
    if (!("task" in data)) throw new Error("a task was expected");
    assertEquals(data.task.lags.at(-1), profile === "smoke" ? 16 : 512);
    const [diagonal, ...others] = ["learned-eta", "fixed-eta", "resolvent", "resolvent-short"]
      .map((arm) => parametersOf(arms.get(arm)));
    for (const count of others) assert(Math.abs(count / diagonal - 1) <= 0.02, `${count}`);
  }
});

Deno.test("experiments/gradients.yaml has arms that differ in the gradient alone", () => {
  for (const profile of PROFILES) {
    const arms = unitsOf(resolved("gradients", profile));
    const settings = [...arms.values()].map(({ config, name }) => {
      const { model, train } = readUnitConfig(config, { where: name });
      assertEquals(train.gradientCosine, true);
      return model.kind === "resnet-bk" ? { ...model, gradMode: "", train } : { name };
    });
    for (const other of settings) assertEquals(other, settings[0]);
    assertEquals([...arms.keys()].sort(), ["blend", "exact", "hypothesis7", "theoretical"]);
  }
});

Deno.test("experiments/prime_bump.yaml counts updates to a target against the arm without potential", () => {
  const profiles = ["smoke", "cpu"];
  for (const profile of profiles) {
    const manifest = resolved("prime_bump", profile, { profiles });
    const arms = unitsOf(manifest);
    const { analysis, metrics, train } = manifest.manifest;
    assertEquals(analysis.primary, "steps_to_target");
    assertEquals(Object.values(analysis.comparisons).map(({ b }) => b), ["none", "none", "none"]);
    // Below what guessing among 256 bytes does, or every run would be there at its start.
    const target = metrics.stepsToTarget!.target;
    assert(target < Math.log(256));
    assert(train.steps / train.evalEvery >= 12, "too few evaluations to tell the arms apart");
    const settings = [...arms.values()].map(({ config, name }) => {
      const { model, ...others } = readUnitConfig(config, { where: name });
      assertEquals(others.metrics, { stepsToTarget: { target } });
      return model.kind === "resnet-bk" ? { ...model, primeBump: "", others } : { name };
    });
    for (const other of settings) assertEquals(other, settings[0]);
  }
});
