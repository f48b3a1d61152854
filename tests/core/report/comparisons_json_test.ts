import { assertEquals } from "@std/assert";
import { comparisonsJson } from "../../../core/report/comparisons_json.ts";
import { type ReportInput, summarise } from "../../../core/report/summaries.ts";
import { A, campaign } from "./_updates_fixture.ts";

Deno.test("comparisonsJson() has the same keys in every state, with the target", () => {
  const leak = { leaks: true, largestChange: 1, gainNats: 0.1 };
  const none = { leaks: false, largestChange: 0, gainNats: null };
  const jsonOf = ({ plan, ...input }: ReportInput) =>
    comparisonsJson(plan, summarise({ plan, ...input }));
  const tested = jsonOf(campaign());
  const states = [
    ["missing", jsonOf(campaign({ missing: ({ seed }) => seed === 44 }))],
    ["leaks", jsonOf(campaign({ leak: ({ arm }) => arm === "transformer" ? leak : none }))],
    ["tested", jsonOf(campaign({ a: [null, ...A.slice(1)] }))],
  ] as const;
  for (const [state, comparisons] of states) {
    assertEquals(comparisons.map((one) => one.state), [state, state]);
    for (const [i, one] of comparisons.entries()) {
      assertEquals(Object.keys(one).toSorted(), Object.keys(tested[i]).toSorted(), state);
      if (state !== "tested") assertEquals([one.n, one.p, one.low], [null, null, null]);
    }
  }
  assertEquals(tested.map(({ metric, target }) => [metric, target]), [
    ["steps_to_target", 2.5],
    ["val_loss", null],
  ]);
});
