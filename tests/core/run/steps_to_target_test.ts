import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { reportPlanOf } from "../../../core/cli/report_plan_of.ts";
import { readManifest } from "../../../core/manifest/read_manifest.ts";
import { resolveManifest } from "../../../core/manifest/resolve_manifest.ts";
import type { UnitConfig } from "../../../core/manifest/unit_config.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { buildReport } from "../../../core/report/build_report.ts";
import { loadCampaign } from "../../../core/report/load_campaign.ts";
import type { ReportInput } from "../../../core/report/summaries.ts";
import { systemClock } from "../../../core/run/clock.ts";
import { loadUnitData } from "../../../core/run/load_unit_data.ts";
import { openBackend } from "../../../core/run/open_backend.ts";
import { planCampaign } from "../../../core/run/plan_campaign.ts";
import { runUnit } from "../../../core/run/run_unit.ts";
import { stepsToTarget } from "../../../core/run/steps_to_target.ts";
import { bitsOf } from "../../../core/store/exact_number.ts";
import type { Outcome } from "../../../core/store/record.ts";
import { Store } from "../../../core/store/store.ts";
import { inFolder, TINY } from "./_tiny.ts";

const OK: Outcome = { kind: "ok" };

/** What a unit of 30 updates measures, given its lines of val_loss. */
function measured(
  losses: readonly (readonly [number, number | string])[],
  { target, outcome = OK }: { readonly target: number | null; readonly outcome?: Outcome },
): ReturnType<typeof stepsToTarget> {
  const lines = losses.flatMap(([step, value]) => [
    // A loss of the training batch is no validation loss, however low.
    { name: "loss", step, tokens: step * 8, value: 0.1 },
    { name: "val_loss", step, tokens: step * 8, value },
  ]);
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const config = {
    train: { steps: 30 } as UnitConfig["train"],
    ...(target === null ? {} : { metrics: { stepsToTarget: { target } } }),
  };
  return stepsToTarget(config, { outcome, metrics: new TextEncoder().encode(text) });
}

const CURVE = [[0, 5], [10, 4], [20, 2], [30, 3]] as const;

Deno.test("stepsToTarget() reads the recorded curve, by hand", () => {
  assertEquals(measured(CURVE, { target: 3 }), { metrics: { steps_to_target: 15 }, censored: {} });
  assertEquals(measured(CURVE, { target: null }), { metrics: {}, censored: {} });
});

Deno.test("stepsToTarget() is censored with its reason, not reached or diverged", () => {
  assertEquals(measured(CURVE, { target: 1.9 }), {
    metrics: { steps_to_target: null },
    censored: { steps_to_target: { after: 30, reason: "not reached" } },
  });
  // Below the target at update 20, but it counts as the worst.
  const outcome = { kind: "diverged", step: 23, reason: "loss or gradient is not finite" } as const;
  assertEquals(measured(CURVE.slice(0, 3), { target: 3, outcome }), {
    metrics: { steps_to_target: null },
    censored: { steps_to_target: { after: 23, reason: "diverged" } },
  });
  const notFinite = [[0, 5], [10, "NaN"], [20, "Infinity"]] as const;
  assertEquals(measured(notFinite, { target: 3 }).metrics, { steps_to_target: null });
});

const METRIC = "val_loss: { direction: lower, unit: nats/token }";

/** Runs the units of the tiny manifest with a target of its own. */
async function finish(
  store: Store,
  { target, backend }: { readonly target: number; readonly backend: Backend },
): Promise<ReportInput> {
  const metric =
    `steps_to_target: { direction: lower, unit: updates, scale: ratio, target: ${target} }`;
  const text = Deno.readTextFileSync(TINY).replace(METRIC, `${METRIC}, ${metric}`)
    .replace("primary: val_loss", "primary: steps_to_target");
  const source = readManifest(TINY, { readText: () => text });
  const resolved = resolveManifest(source, { profile: "short" });
  const data = loadUnitData(resolved.manifest.data, { dataDirs: [], userCorpus: null });
  const campaign = await planCampaign(resolved, { store, backend: "webgpu" });
  for (const job of campaign.jobs) {
    await runUnit(job, {
      ...{ store, backend, data, clock: systemClock, host: "here" },
      ...{ onProgress: () => {}, signal: new AbortController().signal },
    });
  }
  return loadCampaign(store, reportPlanOf(campaign));
}

/** Recorded validation loss of the first unit after an update. */
function lossAfter({ records, curves }: ReportInput, update: number): number {
  const lines = curves.get(records[0].key)!;
  return Number(lines.find(({ name, step }) => name === "val_loss" && step === update)!.value);
}

Deno.test("runUnit() seals the updates to a target or why there are none, and reports show them", async () => {
  await inFolder(async (folder) => {
    const backend = await openBackend("webgpu");
    try {
      const store = Store.open(`${folder}/store`, { create: true });
      const far = await finish(store, { target: 1, backend });
      for (const { metrics, censored, outcome } of far.records) {
        assertEquals([metrics.steps_to_target, outcome], [null, OK]);
        assertEquals(censored, { steps_to_target: { after: 4, reason: "not reached" } });
      }
      // Half-way between the last two evaluations, after updates 2 and 4, of the same run.
      const [before, after] = [lossAfter(far, 2), lossAfter(far, 4)];
      assert(after < before, "nothing was learned");
      const near = await finish(store, { target: (before + after) / 2, backend });
      const [record] = near.records;
      assert(record.key !== far.records[0].key, "another target must be another unit");
      const { value, bits } = record.metrics.steps_to_target!;
      assert(Math.abs(value - 3) <= 1e-9, `${value}`);
      assertEquals(bits, bitsOf(value));
      assertEquals("censored" in record, false);
      const { comparisons } = await buildReport({
        ...{ ...near, outputDir: folder, paperDir: null },
        programs: { rsvgConvert: "no-such-program" },
      });
      assertEquals(comparisons.map(({ metric }) => metric), ["steps_to_target", "val_loss"]);
      assertStringIncludes(
        Deno.readTextFileSync(`${folder}/figures/steps_to_target.csv`),
        `resnet-bk,16,42,${value},,\n`,
      );
    } finally {
      backend.destroy();
    }
  });
});
