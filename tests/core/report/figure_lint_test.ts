import { assertEquals, assertThrows } from "@std/assert";
import { PaperError } from "../../../core/errors.ts";
import { figureFaults, lintFigure } from "../../../core/report/figure_lint.ts";

Deno.test("figureFaults() names every source of chance, time and network", () => {
  const bad: readonly (readonly [unknown, string])[] = [
    [{ mark: { type: "errorband", extent: "ci" } }, 'spec.mark.extent is "ci"'],
    [{ encoding: { y: { aggregate: "ci0" } } }, 'spec.encoding.y.aggregate is "ci0"'],
    [{ encoding: { y: { aggregate: "ci1" } } }, 'spec.encoding.y.aggregate is "ci1"'],
    [{ transform: [{ sample: 10 }] }, "spec.transform[0].sample is not allowed"],
    [
      { transform: [{ calculate: "datum.x + random()" }] },
      "spec.transform[0].calculate calls random()",
    ],
    [{ transform: [{ filter: "datum.t < now ()" }] }, "spec.transform[0].filter calls now()"],
    [{ data: { url: "https://example.org/x.csv" } }, "spec.data.url is not allowed"],
  ];
  for (const [spec, fault] of bad) assertEquals(figureFaults(spec), [fault]);
});

Deno.test("figureFaults() lets data pass, whatever its words", () => {
  assertEquals(figureFaults({ data: { values: [{ arm: "ci", url: "x" }] }, mark: "line" }), []);
});

Deno.test("lintFigure() refuses a figure with a fault", () => {
  assertThrows(() => lintFigure({ data: { url: "a" } }, "f"), PaperError, 'Figure "f"');
});
