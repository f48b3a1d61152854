import { assertEquals } from "@std/assert";
import { formatSeconds } from "../../../core/run/format_seconds.ts";

Deno.test("formatSeconds() takes the largest fitting unit and never shows 60 of the smaller", () => {
  const cases: readonly (readonly [number, string])[] = [
    [-3, "0 s"],
    [0.4, "0 s"],
    [45, "45 s"],
    [59.6, "1 min 0 s"],
    [200, "3 min 20 s"],
    [3599, "59 min 59 s"],
    [3600, "1 h 0 min"],
    [7199, "2 h 0 min"],
    [7500, "2 h 5 min"],
    [100 * 3600, "100 h 0 min"],
  ];
  for (const [seconds, text] of cases) assertEquals(formatSeconds(seconds), text);
});
