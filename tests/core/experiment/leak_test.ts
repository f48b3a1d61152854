import { assertEquals } from "@std/assert";
import { expand } from "../../../core/experiment/expand.ts";
import { readManifest } from "../../../core/manifest/read_manifest.ts";
import { resolveManifest } from "../../../core/manifest/resolve_manifest.ts";
import { readUnitConfig } from "../../../core/manifest/unit_config.ts";

const FILE = new URL("../../../experiments/leak.yaml", import.meta.url).pathname;
const PAPER = { mode: "paper", bkDirection: "bidirectional", gradMode: "blend", etaLearned: false };
const CAUSAL = { mode: "causal", bkDirection: "causal", gradMode: "exact", etaLearned: true };

Deno.test("experiments/leak.yaml compares the published mode with its causal twin over eight seeds", () => {
  for (const profile of ["smoke", "cpu"]) {
    const units = expand(resolveManifest(readManifest(FILE), { profile }));
    const expected = ["causal", "paper"].flatMap((arm) =>
      [42, 43, 44, 45, 46, 47, 48, 49].map((seed) => [arm, 128, seed])
    );
    assertEquals(units.map(({ arm, cell, seed }) => [arm, cell.seq_len, seed]), expected);
    for (const unit of units) {
      const { model, ...rest } = readUnitConfig(unit.config, { where: unit.name });
      const twin = units.find(({ arm, seed }) => arm !== unit.arm && seed === unit.seed)!;
      const other = readUnitConfig(twin.config, { where: twin.name });
      assertEquals({ ...other, model: null }, { ...rest, model: null });
      const named = unit.arm === "paper" ? PAPER : CAUSAL;
      assertEquals({ ...other.model, ...named }, model);
    }
  }
});
