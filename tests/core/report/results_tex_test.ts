import { assertEquals } from "@std/assert";
import { reportFiles } from "../../../core/report/report_files.ts";
import type { ReportInput } from "../../../core/report/summaries.ts";
import { A, B, campaign } from "./_updates_fixture.ts";

Deno.test("verdictSentence() is a sentence with the order of the pairs, no ratio", async () => {
  const sentence = async (input: ReportInput) => {
    const results = (await reportFiles(input)).texts.get("paper/generated/results.tex")!;
    return [...results.matchAll(/HarnessVerdict\{[^}]+\}\{(.*)\}/g)][0][1]
      .replaceAll("phase4/resnet-bk-vs-transformer/128/", "");
  };
  const p =
    "exact sign test, $p = {}$\\fact{p} with floor \\fact{floor}, Holm-adjusted $p = {}$\\fact{p_holm}";
  const order =
    "(first to the target: \\emph{resnet-bk} in \\fact{first_a}, \\emph{transformer} in " +
    `\\fact{first_b}, neither in \\fact{first_neither}; ${p}): significant, fewer updates: resnet-bk.`;
  const subject =
    "At $N = 128$, the updates of \\emph{resnet-bk} and \\emph{transformer} to a validation loss of 2.5 " +
    "nats per token have no ratio, since a run is";
  assertEquals(
    await sentence(campaign({ b: B.map((updates, i) => i === 2 ? null : updates + 100) })),
    `${subject} censored in \\fact{censored} of $n = {}$\\fact{n} pairs ${order}`,
  );
  assertEquals(
    await sentence(campaign({ a: [0, ...A.slice(1)], b: B.map((updates) => updates + 100) })),
    `${subject} there before its first update in at least one of $n = {}$\\fact{n} pairs ${order}`,
  );
});
