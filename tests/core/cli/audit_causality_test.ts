/** The real command: what it prints and its exit codes. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fitTokenizer } from "../../../core/data/fit_tokenizer.ts";
import { rowLossesPlan } from "../../../core/evaluate/evaluation_plan.ts";
import { modelSchema } from "../../../core/manifest/model_schema.ts";
import { saveModelFile } from "../../../core/run/model_file.ts";
import { initialParameters, initialStates } from "../../../core/train/initial_parameters.ts";
import { modelTensors } from "../../../core/train/model_tensors.ts";
import { TINY } from "../run/_tiny.ts";
import { type Finished, finished } from "./_train.ts";

function audit(...args: readonly string[]): Promise<Finished> {
  return finished("audit_causality", args);
}

const ON_TINY = ["--experiment", TINY, "--profile", "short"];

Deno.test("audit-causality finds an arm causal and exits with 0", async () => {
  const { code, stdout, stderr } = await audit("transformer", ...ON_TINY);
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "no leak found: no bit of an earlier logit changed");
  assertStringIncludes(stdout, "gain      not measured");
  assert(!/causal: |nothing reads/.test(stdout), stdout);
  // The arm's own length, and two others.
  for (
    const [length, where] of [
      [16, "every position after the first of 16"],
      [23, "every position after the first of 23"],
      [521, "16 of 521 positions"],
    ]
  ) {
    const says =
      `length ${length}: changing tokens at ${where} changed no bit of an earlier logit\n`;
    assertStringIncludes(stdout, says);
  }
});

Deno.test("audit-causality --json measures the published mode and exits with 8", async () => {
  const { code, stdout } = await audit("resnet-bk", ...ON_TINY, "--set", "mode=paper", "--json");
  assertEquals(code, 8);
  const found = JSON.parse(stdout);
  assertEquals([found.leaks, found.declared_causal], [true, false]);
  const probes = found.audits.flatMap(({ probes }: { probes: unknown[] }) => probes);
  assertEquals(probes.length, 15 + 22 + 16);
  assertEquals([found.audits[0].logits_compared, found.audits[0].logits], [256, 256]);
  for (const { changed, largest_change } of probes) assert(changed > 0 && largest_change > 0);
  const { nats, loss, loss_without_later_tokens, targets, standard_error } = found.gain;
  assert(Math.abs(loss_without_later_tokens - loss - nats) <= 1e-9);
  // eval_tokens 64 at length 16: four windows with two targets each.
  assertEquals(targets, 8);
  assert(standard_error > 0);
  assert(Math.abs(loss - Math.log(256)) <= 0.1, `first loss ${loss}`);
});

Deno.test("audit-causality reads a saved model, with the text that it was trained on", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/model.safetensors`;
    const settings = { kind: "transformer", d_model: 8, n_layers: 1, tie_head: true, n_heads: 2 };
    const model = modelSchema.read(settings, { file: "test", path: "", patch: false });
    const part = { bytes: new Uint8Array(), documentEnds: [], sha256: "" };
    const tokenizer = fitTokenizer({ kind: "byte" }, part);
    const plan = rowLossesPlan({ model, shape: { batch: 1, seqLen: 32 }, vocabularySize: 256 });
    const arenas = { param: initialParameters(plan, 1), state: initialStates(plan) };
    saveModelFile(path, {
      ...modelTensors(plan, arenas),
      settings,
      tokenizer,
      seqLen: 32,
      step: 7,
      seed: 1,
      corpus: {
        id: "moby-dick",
        sha256: "fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240",
        split: "lines",
      },
      valLoss: null,
    });
    const { code, stdout, stderr } = await audit(path);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /^model +transformer of .*model\.safetensors, step 7$/m);
    // A model with a value per position has none beyond 32.
    const where = (length: number) => `every position after the first of ${length} changed no bit`;
    for (const length of [23, 32]) assertStringIncludes(stdout, where(length));
    assert(!stdout.includes("length 521"), stdout);
    const refused = await audit(path, "--set", "mode=paper");
    assertEquals(refused.code, 2);
    assertStringIncludes(refused.stderr, "Option --set changes an arm");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("audit-causality names the arms there are, and a setting that is none", async () => {
  const unknown = await audit("mamba", ...ON_TINY);
  assertEquals([unknown.code, unknown.stdout], [2, ""]);
  assertStringIncludes(unknown.stderr, "resnet-bk at 16, transformer at 16");
  const wrong = await audit("resnet-bk", ...ON_TINY, "--set", "mode=published");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "expected one of causal, paper");
  const shapeless = await audit("resnet-bk", ...ON_TINY, "--set", "mode");
  assertEquals(shapeless.code, 2);
  assertStringIncludes(shapeless.stderr, "expected key=value");
});
