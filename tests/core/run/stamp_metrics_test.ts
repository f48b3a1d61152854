import { assertEquals, assertThrows } from "@std/assert";
import { StoreError } from "../../../core/errors.ts";
import { stampMetrics } from "../../../core/run/stamp_metrics.ts";

Deno.test("stampMetrics() puts what was measured into every row, and refuses a folder without a log", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/metrics.json`;
    assertThrows(() => stampMetrics(folder, FOUND), StoreError, "got no such file");
    Deno.writeTextFileSync(path, '[{"step":1,"loss":"NaN","leaks":false},{"step":2,"loss":3}]\n');
    stampMetrics(folder, FOUND);
    assertEquals(JSON.parse(Deno.readTextFileSync(path)), [
      { step: 1, loss: "NaN", leaks: true, largest_earlier_change: 0.25 },
      { step: 2, loss: 3, leaks: true, largest_earlier_change: 0.25 },
    ]);
    Deno.writeTextFileSync(path, '{"rows":1}');
    assertThrows(() => stampMetrics(folder, FOUND), StoreError, "expected the rows");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

const FOUND = { leaks: true, largestChange: 0.25 } as const;
