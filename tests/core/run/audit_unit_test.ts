/** The audit before a record is sealed: what it writes, and what it refuses. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { UnitError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/manifest/json.ts";
import { readManifest } from "../../../core/manifest/read_manifest.ts";
import { resolveManifest } from "../../../core/manifest/resolve_manifest.ts";
import type { Backend, StepInput } from "../../../core/plan/backend.ts";
import { systemClock } from "../../../core/run/clock.ts";
import { loadUnitData } from "../../../core/run/load_unit_data.ts";
import { openBackend } from "../../../core/run/open_backend.ts";
import { planCampaign } from "../../../core/run/plan_campaign.ts";
import { runUnit } from "../../../core/run/run_unit.ts";
import type { RunRecord } from "../../../core/store/record.ts";
import { Store } from "../../../core/store/store.ts";
import { inFolder, TINY } from "./_tiny.ts";

const backend = await openBackend("webgpu");
globalThis.addEventListener("unload", () => backend.destroy());

/** Runs the first unit of an arm of the tiny manifest with changed settings of its model. */
async function runArm(
  arm: string,
  options: { readonly backend: Backend; readonly model?: JsonObject },
): Promise<{ readonly record: RunRecord; readonly sealed: number }> {
  let result: { readonly record: RunRecord; readonly sealed: number } | undefined;
  await inFolder(async (folder) => {
    const patch = { arms: { [arm]: { model: options.model ?? {} } } };
    const resolved = resolveManifest(readManifest(TINY), {
      profile: "short",
      overrides: [{ source: "test", patch }],
    });
    const store = Store.open(folder, { create: true });
    const { jobs } = await planCampaign(resolved, { store, backend: "webgpu" });
    const job = jobs.find(({ unit }) => unit.arm === arm)!;
    const data = loadUnitData(resolved.manifest.data, { dataDirs: [], userCorpus: null });
    const running = runUnit(job, {
      store,
      backend: options.backend,
      data,
      clock: systemClock,
      host: "here",
      onProgress: () => {},
      signal: new AbortController().signal,
    });
    const record = await running.finally(() =>
      assertEquals(store.isSealed(job.key), options.backend === backend)
    );
    result = { record, sealed: store.sealedKeys().length };
  });
  return result!;
}

/** A backend on which every logit also depends on the last token of all sequences. */
function readingAhead(): Backend {
  return {
    ...backend,
    compile: async (plan, options) => {
      const program = await backend.compile(plan, options);
      let last = 0;
      const step = program.step.bind(program);
      const read = program.read.bind(program);
      return Object.assign(program, {
        step: (inputs: StepInput) => {
          last = inputs.tokens?.at(-1) ?? 0;
          return step(inputs);
        },
        read: async (label: string) => {
          const values = await read(label);
          return label === "logits" ? values.map((value) => value + last / 8) : values;
        },
      });
    },
  };
}

Deno.test("runUnit() seals what the audit found: nothing for causal models", async () => {
  for (const arm of ["resnet-bk", "transformer"]) {
    const { record, sealed } = await runArm(arm, { backend });
    assertEquals(record.leak, { leaks: false, largestChange: 0, gainNats: null });
    assertEquals(sealed, 1);
  }
});

Deno.test("runUnit() seals largest change and gain of the published mode", async () => {
  const { record: { leak, metrics } } = await runArm("resnet-bk", {
    backend,
    model: { mode: "paper" },
  });
  const { leaks, largestChange, gainNats } = leak!;
  assertEquals(leaks, true);
  assert(largestChange > 0, `largest change ${largestChange}`);
  // After four updates reading ahead is worth little, but it moves the loss of targets.
  assert(gainNats !== null && gainNats !== 0);
  assert(Math.abs(gainNats!) < metrics.val_loss!.value);
});

Deno.test("runUnit() refuses to seal a model that declares itself causal and reads ahead", async () => {
  const error = await assertRejects(
    () => runArm("transformer", { backend: readingAhead() }),
    UnitError,
    'a "transformer" model declares itself causal, but changing the tokens from',
  );
  assert(
    /changes \d+ earlier logits \(\d+ of 15 probed positions show a leak\), by up to [\d.]+; correct the model$/
      .test(error.message),
  );
});
