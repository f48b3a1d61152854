import { assertEquals } from "@std/assert";
import { expand } from "../../../core/experiment/expand.ts";
import { feasibility } from "../../../core/experiment/feasibility.ts";
import type { Unit } from "../../../core/experiment/unit.ts";
import { unitKey } from "../../../core/experiment/unit_key.ts";
import { readManifest } from "../../../core/manifest/read_manifest.ts";
import { resolveManifest } from "../../../core/manifest/resolve_manifest.ts";
import { readUnitConfig } from "../../../core/manifest/unit_config.ts";

const FILE = new URL("../../../experiments/phase4.yaml", import.meta.url).pathname;
const SEEDS = [42, 43, 44, 45, 46, 47, 48, 49];

/** Lengths of each profile: what the experiment promises. */
const LENGTHS: Readonly<Record<string, readonly number[]>> = {
  smoke: [128, 512],
  cpu: [128, 512, 2048],
  t4: [128, 512, 2048, 8192],
  a100: [128, 512, 2048, 8192, 32768],
};

function unitsOf(profile: string): readonly Unit[] {
  return expand(resolveManifest(readManifest(FILE), { profile }));
}

Deno.test("experiments/phase4.yaml expands to two arms, its lengths and eight seeds per profile", () => {
  assertEquals(Object.keys(readManifest(FILE).profiles), Object.keys(LENGTHS));
  for (const [profile, lengths] of Object.entries(LENGTHS)) {
    const coordinates = unitsOf(profile).map((unit) => [unit.arm, unit.cell.seq_len, unit.seed]);
    const expected = ["resnet-bk", "transformer"].flatMap((arm) =>
      lengths.flatMap((length) => SEEDS.map((seed) => [arm, length, seed]))
    );
    assertEquals(coordinates, expected);
  }
});

Deno.test("experiments/phase4.yaml gives every unit of every profile a key of its own", () => {
  const units = Object.keys(LENGTHS).flatMap(unitsOf);
  const keys = units.map((unit) =>
    unitKey(unit, {
      inputs: {},
      code: "",
      environment: { deno: "", backend: "" },
      randomAlgorithm: "",
    }).key
  );
  assertEquals(new Set(keys).size, units.length);
  assertEquals(new Set(units.map((unit) => unit.name)).size, units.length);
});

Deno.test("experiments/phase4.yaml trains arms of one shape on the same tokens", () => {
  for (const profile of Object.keys(LENGTHS)) {
    const configs = unitsOf(profile).map((unit) =>
      readUnitConfig(unit.config, { where: unit.name })
    );
    const shared = configs.map(({ data, train, model }) =>
      JSON.stringify([data, train, model.dModel, model.nLayers, model.tieHead])
    );
    assertEquals(new Set(shared).size, 1);
    assertEquals(configs[0].train.steps >= 20, true);
  }
});

Deno.test("experiments/phase4.yaml can reach significance in every profile", () => {
  for (const profile of Object.keys(LENGTHS)) {
    const { manifest } = resolveManifest(readManifest(FILE), { profile });
    const tests = Object.keys(manifest.analysis.comparisons).length * manifest.grid.seqLen.length;
    const { alpha } = manifest.analysis;
    assertEquals(
      feasibility({ seeds: manifest.replicates.seeds.length, tests, alpha }).feasible,
      true,
    );
  }
});
