import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { canonicalJson } from "../../../core/manifest/canonical_json.ts";
import { sha256Hex } from "../../../core/random/sha256.ts";
import { formatReportPlan } from "../../../core/report/report_plan.ts";
import { formatMetricLine } from "../../../core/store/metric_lines.ts";
import { Store } from "../../../core/store/store.ts";
import { fixture } from "../report/_fixture.ts";

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function paper(args: readonly string[]): Promise<Run> {
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "-q", "--no-prompt", "-P=paper", "core/cli/paper.ts", ...args],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** A campaign of made-up records, sealed in a real store; `lost` units are planned but not sealed. */
function sealCampaign(out: string, lost: number): void {
  const { plan, records, curves } = fixture({ seeds: [42, 43, 44, 45, 46, 47] });
  const store = Store.open(`${out}/store`, { create: true });
  const keyOf = (name: string) => sha256Hex(canonicalJson({ unit: name }));
  for (const record of records.slice(lost)) {
    const text = (curves.get(record.key) ?? []).map(formatMetricLine).join("");
    const digest = store.putBlob(new TextEncoder().encode(text));
    const key = keyOf(record.name);
    const attempt = store.beginAttempt(key, { name: record.name, preimage: { unit: record.name } });
    const outputs = [{ name: "metrics.jsonl", digest, bytes: text.length }];
    store.seal(attempt, { ...record, key, outputs });
  }
  const units = plan.units.map((unit, i) => ({ ...unit, key: keyOf(records[i].name) }));
  Deno.writeTextFileSync(`${out}/report.json`, formatReportPlan({ ...plan, units }));
}

async function inCampaign(lost: number, test: (out: string) => Promise<void>): Promise<void> {
  const out = await Deno.makeTempDir();
  try {
    sealCampaign(out, lost);
    await test(out);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
}

Deno.test("paper rebuilds everything from sealed records, or says what is not installed", async () => {
  await inCampaign(0, async (out) => {
    const { code, stdout, stderr } = await paper(["--out", out]);
    assertStringIncludes(stdout, "smoke: not evidence");
    assert((await Deno.stat(`${out}/figures/curves.svg`)).size > 0);
    assert((await Deno.stat(`${out}/paper/generated/results.tex`)).size > 0);
    if (code === 0) {
      assert((await Deno.stat(`${out}/paper/main.pdf`)).size > 0);
    } else {
      assertEquals(code, 7, stderr);
      assert(/^error: PDF not built: \S+ not found; install /.test(stderr), stderr);
    }
  });
});

Deno.test("paper --json prints one document, also when units are missing", async () => {
  await inCampaign(2, async (out) => {
    const { code, stdout, stderr } = await paper(["--out", out, "--json"]);
    assertEquals(code, 7, stderr);
    const { error } = JSON.parse(stdout);
    assertEquals([error.kind, error.exit_code], ["IncompleteError", 7]);
    assertStringIncludes(error.message, "2 planned units have no record");
    const summary = await Deno.readTextFile(`${out}/tables/summary.txt`);
    assertStringIncludes(summary, "128: 2 of 6 seeds have no record");
  });
});

Deno.test("paper without a campaign says what to run", async () => {
  const out = await Deno.makeTempDir();
  const { code, stdout, stderr } = await paper(["--out", out]);
  await Deno.remove(out);
  assertEquals([code, stdout], [7, ""]);
  assertStringIncludes(
    stderr,
    `"${out}/report.json" is missing; run deno task reproduce phase4 first`,
  );
});
