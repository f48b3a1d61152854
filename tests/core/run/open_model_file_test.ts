/** Saved models around a user's own mixer: found beside the file, and refused where the code is another. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { ManifestError, StoreError } from "../../../core/errors.ts";
import { logitsPlan } from "../../../core/evaluate/evaluation_plan.ts";
import { modelSchema } from "../../../core/manifest/model_schema.ts";
import { modelOf } from "../../../core/models/registry.ts";
import { saveModelFile } from "../../../core/run/model_file.ts";
import { modelStart } from "../../../core/run/model_start.ts";
import { openModelFile } from "../../../core/run/open_model_file.ts";
import { ownFilesDigest, resolveMixer } from "../../../core/run/resolve_mixers.ts";
import { initialParameters, initialStates } from "../../../core/train/initial_parameters.ts";
import { modelTensors } from "../../../core/train/model_tensors.ts";

const HALF = "export const HALF = true;\n";
const MIXER = `import { HALF } from "./lib/half.ts";
export const mixer = { source: "itself", forward: (x) => x, streams: HALF };
`;
const SIZES = { shape: { batch: 1, seqLen: 16 }, vocabularySize: 256 };

/** Saves a model in `<folder>/out` with the mixer of `<folder>/code/m.ts`, and returns its path. */
async function saveAround(folder: string, without: readonly string[] = []): Promise<string> {
  await Deno.mkdir(`${folder}/code/lib`, { recursive: true });
  await Deno.mkdir(`${folder}/out`);
  await Deno.writeTextFile(`${folder}/code/m.ts`, MIXER);
  await Deno.writeTextFile(`${folder}/code/lib/half.ts`, HALF);
  const place = { where: "test", folder: `${folder}/code`, from: "the folder of the test" };
  const module = await resolveMixer({ path: "./m.ts", sha256: null }, place);
  const settings = (path: string, sha256: string) => ({
    ...{ kind: "module", module: { path, sha256 }, d_model: 8, n_layers: 1, tie_head: true },
  });
  const at = { file: "test", path: "model", patch: false };
  const model = modelSchema.read(settings("./m.ts", module.sha256), at);
  const plan = logitsPlan({ model, ...SIZES });
  const path = `${folder}/out/m.safetensors`;
  saveModelFile(path, {
    ...modelTensors(plan, { param: initialParameters(plan, 3), state: initialStates(plan) }),
    // The digest of all that the mixer reaches, as an older version of the harness had it.
    settings: settings("../code/m.ts", "f".repeat(64)),
    ...{ tokenizer: byteTokenizer, seqLen: 16, step: 5, seed: 3, valLoss: null },
    corpus: { id: "moby-dick", sha256: "00ff", split: "interleave" },
    leak: { leaks: false, largestChange: 0 },
    mixerSha256: without.includes("mixerSha256") ? null : ownFilesDigest(module),
  });
  return path;
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function refuses(path: string, says: RegExp): Promise<void> {
  const { message } = await assertRejects(() => openModelFile(path), ManifestError);
  assertMatch(message, says);
}

Deno.test("openModelFile() loads the mixer that the model was trained with, wherever both were moved", async () => {
  await inFolder(async (folder) => {
    await saveAround(`${folder}/here`);
    await Deno.rename(`${folder}/here`, `${folder}/there`);
    const file = await openModelFile(`${folder}/there/out/m.safetensors`);
    const { model, largestChange, leaks } = file;
    assertEquals([largestChange, leaks], [0, false]);
    assertEquals(modelOf(model).noStream(model), undefined);
    const { param } = modelStart(file)(logitsPlan({ model, ...SIZES }));
    assertEquals(param.some((value) => value !== 0), true);
  });
});

Deno.test("openModelFile() refuses a mixer that changed, one whose import changed, and one that is gone", async () => {
  await inFolder(async (folder) => {
    const path = await saveAround(folder);
    const changed =
      /out\/m\.safetensors: at model\.module: "\.\.\/code\/m\.ts": expected the code that the model was trained with, SHA-256 [0-9a-f]{64}, got .*: restore .*\/code\/m\.ts, .*\/code\/lib\/half\.ts, or train again/;
    // Code that is refused does not run.
    const other = `${MIXER}throw new Error("ran");\n`;
    await Deno.writeTextFile(`${folder}/code/m.ts`, other);
    await refuses(path, changed);
    await Deno.writeTextFile(`${folder}/code/m.ts`, MIXER);
    await Deno.writeTextFile(`${folder}/code/lib/half.ts`, HALF.replace("true", "false"));
    await refuses(path, changed);
    await Deno.writeTextFile(`${folder}/code/lib/half.ts`, HALF);
    await openModelFile(path);
    await Deno.remove(`${folder}/code/m.ts`);
    await refuses(
      path,
      /expected a file, from the folder of the model ".*\/code\/m\.ts", got no such file; the model keeps the way to its mixer from its own folder: put the files with SHA-256 [0-9a-f]{64} there, or the model back to where it was saved/,
    );
  });
});

Deno.test("openModelFile() refuses a model of kind module that does not say which code it was trained with", async () => {
  await inFolder(async (folder) => {
    const path = await saveAround(folder, ["mixerSha256"]);
    const { message } = await assertRejects(() => openModelFile(path), StoreError);
    assertMatch(message, /at mixer_sha256: expected 64 lower-case hexadecimal digits/);
  });
});
