import { assertEquals } from "@std/assert";
import { shapeClass, takesVectors } from "../../../core/ops/tile_table.ts";
import { unitCodeIdentity } from "../../../core/run/module_graph.ts";

Deno.test("shapeClass() separates vectors, and work that repays compiling a large tile", () => {
  const of = (isVectors: boolean, multiplyAdds: number, results: number) =>
    shapeClass({ isVectors, multiplyAdds, results });
  assertEquals(of(true, 2 ** 22, 2 ** 12), "large");
  assertEquals(of(true, 2 ** 22 - 1, 2 ** 12), "small");
  // A long chain of few results keeps few lanes busy with large tiles.
  assertEquals(of(true, 2 ** 30, 2 ** 12 - 1), "small");
  assertEquals(of(false, 2 ** 20, 1), "uneven_large");
  assertEquals(of(false, 2 ** 20 - 1, 1), "uneven");
  assertEquals(
    ["large", "small", "uneven_large", "uneven"].filter((c) => takesVectors(c as never)),
    [
      "large",
      "small",
    ],
  );
});

Deno.test("tiles.json is part of the code that a record names", async () => {
  const { files } = await unitCodeIdentity();
  assertEquals(typeof files["core/ops/tiles.json"], "string");
});
