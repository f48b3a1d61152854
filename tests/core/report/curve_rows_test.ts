import { assertAlmostEquals, assertEquals } from "@std/assert";
import { curveCsv, curveRows } from "../../../core/report/curve_rows.ts";
import { findCell, type ReportInput, summarise } from "../../../core/report/summaries.ts";
import { fixture } from "./_fixture.ts";

function rowsOf(input: ReportInput) {
  const cell = findCell(summarise(input), { arm: "resnet-bk", seqLen: 128 });
  if (cell === undefined) throw new Error("No such cell");
  return curveRows(cell, input.curves);
}

/** Three seeds whose loss at steps 1 and 2 is given. */
function withLosses(
  losses: readonly (readonly (number | string)[])[],
  diverged = false,
): ReportInput {
  const input = fixture({
    lengths: [128],
    seeds: [42, 43, 44],
    diverged: ({ seed }) => diverged && seed === 44,
  });
  const curves = new Map(losses.map((values, i) => [
    input.plan.units[i].key,
    values.map((value, step) => ({
      step: step + 1,
      tokens: (step + 1) * 100,
      name: "loss",
      value,
    })),
  ]));
  return { ...input, curves };
}

Deno.test("curveRows() gives mean and t-interval over seeds", () => {
  const rows = rowsOf(withLosses([[1], [2], [3]]));
  assertEquals(rows.length, 1);
  const [row] = rows;
  assertEquals([row.kind, row.tokens, row.n, row.mean], ["train", 100, 3, 2]);
  // sd 1, n 3; with two degrees of freedom the quantile is closed: (2p - 1) / sqrt(2p (1 - p))
  const halfWidth = 0.95 / Math.sqrt(2 * 0.975 * 0.025) / Math.sqrt(3);
  assertAlmostEquals(row.high - row.mean, halfWidth, 1e-12);
  assertAlmostEquals(row.mean - row.low, halfWidth, 1e-12);
});

Deno.test("curveRows() ends where a seed has no finite loss and marks the place", () => {
  const rows = rowsOf(withLosses([[5, 4, 3], [5, 4, 3], [5, "NaN"]], true));
  assertEquals(rows.map(({ kind, tokens }) => [kind, tokens]), [["train", 100], ["diverged", 100]]);
});

Deno.test("curveCsv() writes numbers in full and quotes words with commas", () => {
  const row = {
    kind: "train",
    arm: 'a,"b"',
    seqLen: 8,
    tokens: 1,
    mean: 0.1,
    low: 0,
    high: 1 / 3,
    n: 2,
  } as const;
  assertEquals(
    curveCsv([row]),
    'kind,arm,seq_len,tokens,mean,low,high,n\ntrain,"a,""b""",8,1,0.1,0,0.3333333333333333,2\n',
  );
});
