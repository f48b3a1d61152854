import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import { studentTCdf, studentTQuantile } from "../../../core/stats/student_t.ts";
import golden from "../../golden/stats_scipy.json" with { type: "json" };
import { assertClose } from "./_assert_close.ts";

const CDF_RTOL = 1e-13; // four times the worst of the golden grid, 2.3e-14 (a power in the far tail)
const QUANTILE_RTOL = 3e-15; // four times the worst of the golden grid, 6.7e-16

Deno.test("studentTCdf() agrees with mpmath, 11 degrees of freedom and tails to -1e6", () => {
  for (const { t, df, value } of golden.t_cdf) {
    assertClose([`cdf(${t}, ${df})`, studentTCdf(t, df)], value, { relative: CDF_RTOL });
  }
});

Deno.test("studentTQuantile() agrees with mpmath, 11 degrees of freedom", () => {
  for (const { probability, df, value } of golden.t_quantile) {
    assertClose([`quantile(${probability}, ${df})`, studentTQuantile(probability, df)], value, {
      relative: QUANTILE_RTOL,
    });
  }
});

Deno.test("studentTQuantile() gives the printed table, level 0.95", () => {
  // R 4.2: qt(.975, c(2, 4, 7, 19)) → 4.302653 2.776445 2.364624 2.093024
  const table = [[2, 4.302653], [4, 2.776445], [7, 2.364624], [19, 2.093024]];
  for (const [df, value] of table) {
    assertClose([`df ${df}`, studentTQuantile(0.975, df)], value, { relative: 0, absolute: 5e-7 });
  }
  assertClose(["df 7", studentTQuantile(0.975, 7)], 2.36462425159279, { relative: 1e-14 });
});

Deno.test("studentTCdf() has its limits, infinite t", () => {
  assertEquals(studentTCdf(-Infinity, 3), 0);
  assertEquals(studentTCdf(Infinity, 3), 1);
  assertEquals(studentTCdf(0, 3), 0.5);
});

Deno.test("studentTCdf() and studentTQuantile() throw, arguments outside their domain", () => {
  assertThrows(() => studentTCdf(NaN, 3), UsageError, '"NaN"');
  for (const df of [0, -1, NaN, Infinity]) {
    assertThrows(() => studentTCdf(1, df), UsageError, `got "${df}"`);
    assertThrows(() => studentTQuantile(0.5, df), UsageError, `got "${df}"`);
  }
  for (const probability of [0, 1, -0.1, NaN]) {
    assertThrows(() => studentTQuantile(probability, 3), UsageError, `got "${probability}"`);
  }
});
