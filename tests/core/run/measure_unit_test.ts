/** Units of small campaigns through the inline executor: what they measure besides their loss. */
import { assert, assertEquals } from "@std/assert";
import { readManifest } from "../../../core/manifest/read_manifest.ts";
import { resolveManifest } from "../../../core/manifest/resolve_manifest.ts";
import { buildReport } from "../../../core/report/build_report.ts";
import { loadCampaign } from "../../../core/report/load_campaign.ts";
import { reportPlanOf } from "../../../core/cli/report_plan_of.ts";
import { systemClock } from "../../../core/run/clock.ts";
import { inlineExecutor } from "../../../core/run/executors/inline.ts";
import { loadUnitData } from "../../../core/run/load_unit_data.ts";
import { type BackendName, openBackend } from "../../../core/run/open_backend.ts";
import { planCampaign } from "../../../core/run/plan_campaign.ts";
import { Store } from "../../../core/store/store.ts";
import type { RunRecord } from "../../../core/store/record.ts";
import { inFolder, TINY } from "./_tiny.ts";

const CORPUS = / {2}corpus:\n(?: {4}.*\n)+ {2}tokenizer: .*\n/;
const TASK = "  task: { kind: recall, lags: [1, 2], values: 2, fillers: 2 }\n";

interface Finished {
  readonly records: readonly RunRecord[];
  readonly consoleText: string;
  readonly files: readonly string[];
}

/** Runs every unit of the tiny manifest, changed, and its report. */
async function finish(
  folder: string,
  { text, backend, profile }: {
    readonly text: string;
    readonly backend: BackendName;
    readonly profile: string;
  },
): Promise<Finished> {
  const source = readManifest(TINY, { readText: () => text });
  const resolved = resolveManifest(source, { profile });
  const store = Store.open(`${folder}/store`, { create: true });
  const campaign = await planCampaign(resolved, { store, backend });
  const data = loadUnitData(resolved.manifest.data, { dataDirs: [], userCorpus: null });
  const failures: unknown[] = [];
  await inlineExecutor({
    ...{ store, data, clock: systemClock, host: "here" },
    openBackend: () => openBackend(backend),
  }).run(campaign.jobs, {
    signal: new AbortController().signal,
    onEvent: (event) => event.kind === "failed" && failures.push(event),
  });
  assertEquals(failures, []);
  const loaded = loadCampaign(store, reportPlanOf(campaign));
  const { consoleText, files } = await buildReport({
    ...{ ...loaded, outputDir: folder, paperDir: null },
    programs: { rsvgConvert: "no-such-program" },
  });
  return { records: loaded.records, consoleText, files };
}

const TEXT = Deno.readTextFileSync(TINY);

Deno.test("measureUnit() adds the accuracy of each lag, and reports show it", async () => {
  await inFolder(async (folder) => {
    const text = TEXT.replace(CORPUS, TASK).replace("steps: 24", "steps: 60")
      .replace("learning_rate: 3.0e-3", "learning_rate: 3.0e-2");
    assert(text.includes("task:"));
    const { records, consoleText, files } = await finish(folder, {
      ...{ text, backend: "webgpu", profile: "cpu" },
    });
    assertEquals(records.map(({ arm }) => arm), ["resnet-bk", "transformer"]);
    for (const { metrics, data } of records) {
      const names = ["accuracy/1", "accuracy/2", "accuracy/all", "val_loss"];
      assertEquals(Object.keys(metrics).sort(), names);
      const [one, two, all] = names.map((name) => metrics[name]!.value);
      assertEquals(all, (one + two) / 2); // equally many targets of each lag
      assertEquals((one * 16) % 1, 0); // eval_tokens / N = 16 sequences
      assertEquals((data as { readonly chance: number }).chance, 0.5);
    }
    // Recalling one bit from two tokens ago is little: guessing would leave ln 2 = 0.693 nats and 0.5.
    const transformer = records[1].metrics;
    assert(transformer["accuracy/all"]!.value > 0.9, `${transformer["accuracy/all"]!.value}`);
    assert(transformer.val_loss!.value < 0.35);
    const line = consoleText.split("\n").find((text) => text.startsWith("accuracy/2"));
    const shown = records.map(({ metrics }) => metrics["accuracy/2"]!.value);
    assertEquals(line?.split(/\s+/).slice(1).map(Number), shown.map((x) => Number(x.toFixed(3))));
    assert(files.some((path) => path.endsWith("figures/measures.svg")));
  });
});

Deno.test("measureUnit() adds angles between gradients before and after training", async () => {
  await inFolder(async (folder) => {
    const text = TEXT.replace("log_every: 1", "log_every: 1\n  gradient_cosine: true")
      .replace("  n_heads: 2\n", "")
      .replace("{ kind: resnet-bk }", "{ kind: resnet-bk, grad_mode: exact }")
      .replace("{ kind: transformer }", "{ kind: resnet-bk, grad_mode: hypothesis7 }");
    const { records: [exact, other] } = await finish(folder, {
      ...{ text, backend: "webgpu", profile: "short" },
    });
    const names = ["all", "potential"].flatMap((scope) =>
      ["initial", "trained"].map((when) => `cosine/${scope}/${when}`)
    );
    for (const name of names) {
      assert(Math.abs(exact.metrics[name]!.value - 1) <= 1e-12);
      const cosine = other.metrics[name]!.value;
      assert(cosine >= -1 && cosine < 0.999, `${name}: ${cosine}`);
    }
    // The initial angle is a function of the seed, the trained one of the run.
    assert(
      other.metrics["cosine/all/initial"]!.value !== other.metrics["cosine/all/trained"]!.value,
    );
  });
});
