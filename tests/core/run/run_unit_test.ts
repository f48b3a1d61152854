import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InterruptedError } from "../../../core/errors.ts";
import { readManifest } from "../../../core/manifest/read_manifest.ts";
import { resolveManifest } from "../../../core/manifest/resolve_manifest.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { systemClock } from "../../../core/run/clock.ts";
import { loadUnitData, type UnitData } from "../../../core/run/load_unit_data.ts";
import { type BackendName, openBackend } from "../../../core/run/open_backend.ts";
import { planCampaign, type PlannedJob } from "../../../core/run/plan_campaign.ts";
import { runUnit, type RunUnitOptions } from "../../../core/run/run_unit.ts";
import type { RunRecord } from "../../../core/store/record.ts";
import { Store } from "../../../core/store/store.ts";
import { OVERFLOWING, overflowingAfter, startingAt } from "./_overflowing_backend.ts";
import { inFolder, TINY } from "./_tiny.ts";

interface Bench {
  readonly store: Store;
  readonly jobs: readonly PlannedJob[];
  readonly options: Omit<RunUnitOptions, "onProgress" | "signal">;
}

/** Everything that units of a profile need, on a store in a new folder. */
async function onBench(
  at: { readonly profile: string; readonly backend: BackendName },
  use: (bench: Bench) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const resolved = resolveManifest(readManifest(TINY), { profile: at.profile });
    const store = Store.open(folder, { create: true });
    const { jobs } = await planCampaign(resolved, { store, backend: at.backend });
    const places = { dataDirs: [], userCorpus: null };
    const data: UnitData = loadUnitData(resolved.manifest.data, places);
    const backend: Backend = await openBackend(at.backend);
    try {
      await use({
        store,
        jobs,
        options: { store, backend, data, clock: systemClock, host: "here" },
      });
    } finally {
      backend.destroy();
    }
  });
}

/** Runs a unit and notes the updates at which it reported; `stopAt` aborts it there. */
async function runNoting(
  { options, jobs: [job] }: Bench,
  stopAt?: number,
): Promise<{ readonly steps: readonly number[]; readonly record: RunRecord | null }> {
  const stop = new AbortController();
  const steps: number[] = [];
  const onProgress = (step: number): void => {
    steps.push(step);
    if (step === stopAt) stop.abort();
  };
  const running = runUnit(job, { ...options, onProgress, signal: stop.signal });
  if (stopAt === undefined) return { steps, record: await running };
  await assertRejects(() => running, InterruptedError, `after update ${stopAt}`);
  return { steps, record: null };
}

Deno.test("runUnit() goes on from its checkpoint, not from zero, with the same result", async () => {
  let undisturbed: RunRecord | null = null;
  await onBench({ profile: "short", backend: "webgpu" }, async (bench) => {
    const { steps, record } = await runNoting(bench);
    assertEquals(steps, [2, 4]); // eval_every: 2
    undisturbed = record;
  });
  await onBench({ profile: "short", backend: "webgpu" }, async (bench) => {
    assertEquals((await runNoting(bench, 2)).steps, [2]);
    const { steps, record } = await runNoting(bench);
    assertEquals(steps, [4]);
    assertEquals(record?.timing.attempts, 2);
    assertEquals({ ...record, timing: null }, { ...undisturbed, timing: null });
  });
});

Deno.test("runUnit() gives the record that another process sealed meanwhile", async () => {
  await onBench({ profile: "short", backend: "reference" }, async (bench) => {
    const first = await runNoting(bench);
    const second = await runNoting(bench);
    assertEquals(second.steps, []);
    assertEquals(second.record, first.record);
    assertEquals(bench.store.attemptNumbers(bench.jobs[0].key), [1]);
  });
});

// Near the end of f32 no loss is finite; at the other value squares overflow, norms divide by infinity, and logits are 0.
for (
  const [value, reason] of [
    [3e38, "loss or gradient is not finite"],
    [OVERFLOWING, "all final features are exactly 0, so that every prediction is uniform"],
  ] as const
) {
  Deno.test(`runUnit() reports a diverged run as a result, with the update and without a loss, ${value}`, async () => {
    await onBench({ profile: "short", backend: "webgpu" }, async (bench) => {
      const [job] = bench.jobs;
      const record = await runUnit(job, {
        ...bench.options,
        backend: startingAt(value, bench.options.backend),
        onProgress: () => {},
        signal: new AbortController().signal,
      });
      const { outcome } = record;
      if (outcome.kind !== "diverged") throw new Error(`It is ${outcome.kind}`);
      assertEquals(outcome.step, 1);
      assertStringIncludes(outcome.reason, reason);
      assertEquals(record.metrics.val_loss, null);
      assert(bench.store.isSealed(job.key));
    });
  });
}

Deno.test("runUnit() reports values that overflow in the last update as a diverged run", async () => {
  await onBench({ profile: "short", backend: "webgpu" }, async (bench) => {
    for (const job of bench.jobs) {
      const record = await runUnit(job, {
        ...bench.options,
        backend: overflowingAfter(4, bench.options.backend),
        onProgress: () => {},
        signal: new AbortController().signal,
      });
      const { outcome } = record;
      if (outcome.kind !== "diverged") throw new Error(`It is ${outcome.kind}`);
      assertEquals(outcome.step, 4);
      assertStringIncludes(outcome.reason, "all final features are exactly 0");
      assertEquals([record.metrics.val_loss, record.leak], [null, null]);
    }
  });
});

Deno.test("runUnit() gives the same validation loss on webgpu and on the reference", async () => {
  const losses: number[] = [];
  for (const backend of ["webgpu", "reference"] as const) {
    await onBench({ profile: "short", backend }, async ({ jobs, options }) => {
      for (const job of jobs) {
        const signal = new AbortController().signal;
        const { metrics } = await runUnit(job, { ...options, onProgress: () => {}, signal });
        losses.push(metrics.val_loss!.value);
      }
    });
  }
  const [bk, transformer, bkReference, transformerReference] = losses;
  const TOLERANCE = 1e-3; // nats: four updates in f32 against f64; 5e-7 measured on llvmpipe
  for (const [got, want] of [[bk, bkReference], [transformer, transformerReference]]) {
    assert(Math.abs(got - want) <= TOLERANCE, `webgpu ${got}, reference ${want}`);
    assert(got < Math.log(256) - 0.01, "nothing was learned, so nothing was compared");
  }
  assert(Math.abs(bk - transformer) > TOLERANCE, "two models that cannot be told apart");
});
