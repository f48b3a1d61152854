import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  changedLines,
  type Measurement,
  proposal,
  tableText,
  tune,
} from "../../../core/cli/tune.ts";
import { candidateTiles, tuneCases } from "../../../core/cli/tune_cases.ts";
import { UsageError } from "../../../core/errors.ts";
import { SHAPE_CLASSES, TILE_FAMILIES, tileOf } from "../../../core/ops/tile_table.ts";

const TABLE = new URL("../../../core/ops/tiles.json", import.meta.url);

Deno.test("tableText() without replacements is the file, byte for byte", async () => {
  assertEquals(tableText("gpu", []), await Deno.readTextFile(TABLE));
});

Deno.test("tableText() replaces one entry of one preset", () => {
  const before = tableText("gpu", []);
  const after = tableText("software-adapter", [{
    family: "matmul",
    shapeClass: "small",
    proposed: { entryPoint: "rows_16x4", workgroup: 32 },
  }]);
  assertEquals(changedLines(before, after), [
    `-      "small": { "entry_point": "rows_8x2", "workgroup": 8 },`,
    `+      "small": { "entry_point": "rows_16x4", "workgroup": 32 },`,
  ]);
});

Deno.test("proposal() keeps the present kernel unless another is faster by more than noise", () => {
  const [present, other] = [{ entryPoint: "a", workgroup: 8 }, { entryPoint: "b", workgroup: 8 }];
  const measured = (relativeTime: number): readonly Measurement[] => [
    { tile: present, seconds: [1], relativeTime: 1 },
    { tile: other, seconds: [relativeTime], relativeTime },
  ];
  assertEquals(proposal(present, measured(0.97)), present);
  assertEquals(proposal(present, measured(0.9)), other);
  assertEquals(proposal(present, measured(NaN)), present);
});

Deno.test("tuneCases() cover every class of every family, and every candidate takes them", () => {
  const cases = tuneCases();
  for (const family of TILE_FAMILIES) {
    for (const shapeClass of SHAPE_CLASSES) {
      const own = cases.filter((one) => one.family === family && one.shapeClass === shapeClass);
      assert(own.length > 0, `${family}, ${shapeClass}`);
      for (const one of own) {
        const tiles = candidateTiles(family, shapeClass);
        for (const preset of ["gpu", "software-adapter"] as const) {
          const present = tileOf(family, { preset, shapeClass });
          assert(tiles.some((tile) => tile.entryPoint === present.entryPoint), one.name);
        }
        for (const tile of tiles) assert(one.dispatch(tile, "gpu").workgroups > 0);
      }
    }
  }
});

Deno.test("tune() explains itself and refuses nonsense", async () => {
  const lines: string[] = [];
  await tune(["--help"], (text) => lines.push(text));
  assert(lines.join("\n").includes("--write"));
  await assertRejects(() => tune(["--rounds", "0"]), UsageError, "--rounds");
});
