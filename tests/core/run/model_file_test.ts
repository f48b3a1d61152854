import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { fitTokenizer } from "../../../core/data/fit_tokenizer.ts";
import { DataError, ManifestError, StoreError } from "../../../core/errors.ts";
import { withPreset } from "../../../core/manifest/model_presets.ts";
import {
  loadModelFile,
  type ModelFileContent,
  saveModelFile,
} from "../../../core/run/model_file.ts";

const AT = { file: "test", path: "model", patch: false };
const SETTINGS = withPreset({
  kind: "resnet-bk",
  d_model: 8,
  n_layers: 1,
  tie_head: true,
  preset: "baseline",
}, AT);

const WORDS = fitTokenizer({ kind: "word", vocab: 6, text: "raw" }, {
  bytes: new TextEncoder().encode("the cat “the” dog the cat"),
  documentEnds: [],
});

const CONTENT: ModelFileContent = {
  settings: SETTINGS,
  tokenizer: WORDS,
  parameters: new Map([
    ["embedding", { shape: [2, 2], values: Float32Array.of(1, -0, NaN, 1e-45) }],
    ["block0/gate", { shape: [1], values: Float32Array.of(0.1) }],
  ]),
  states: new Map([["block0/quantiles", { shape: [3], values: Float32Array.of(1, 2, 3) }]]),
  seqLen: 16,
  step: 5,
  seed: 42,
  corpus: { id: "sotu", sha256: "00ff", split: "interleave" },
  valLoss: 0.1,
};

function inFolder(use: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** A saved file with one text of its header replaced by another of the same length. */
function spoilt(folder: string, [from, to]: readonly [string, string]): string {
  const path = `${folder}/model.safetensors`;
  saveModelFile(path, { ...CONTENT, leak: { leaks: false, largestChange: 0 } });
  const text = Array.from(Deno.readFileSync(path), (byte) => String.fromCharCode(byte)).join("");
  assertStringIncludes(text, from);
  const changed = text.replace(from, to.padEnd(from.length));
  Deno.writeFileSync(path, Uint8Array.from(changed, (letter) => letter.charCodeAt(0)));
  return path;
}

Deno.test("loadModelFile() gives back what saveModelFile() was given, bit by bit", () => {
  inFolder((folder) => {
    const path = `${folder}/model.safetensors`;
    saveModelFile(path, { ...CONTENT, step: 1 });
    saveModelFile(path, CONTENT);
    const { parameters, states, settings, model, tokenizer, ...rest } = loadModelFile(path);
    for (const [name, { shape, values }] of CONTENT.parameters) {
      assertEquals(parameters.get(name)!.shape, shape);
      const bits = new Uint32Array(parameters.get(name)!.values.buffer);
      assertEquals(bits, new Uint32Array(values.buffer));
    }
    assertEquals(states, CONTENT.states);
    assertEquals(settings, SETTINGS);
    assertEquals([model.kind, model.dModel], ["resnet-bk", 8]);
    assertEquals(
      tokenizer.decode(tokenizer.encode("the dog")),
      WORDS.decode(WORDS.encode("the dog")),
    );
    const { seqLen, step, seed, corpus, valLoss } = CONTENT;
    const unaudited = { leaks: false, largestChange: null, mixerSha256: null };
    assertEquals(rest, { seqLen, step, seed, corpus, valLoss, ...unaudited });
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["model.safetensors"]);
  });
});

Deno.test("saveModelFile() stamps a model that reads later tokens, and refuses incomplete settings", () => {
  inFolder((folder) => {
    const path = `${folder}/model.safetensors`;
    const paper = { ...SETTINGS, mode: "paper", ...PAPER };
    saveModelFile(path, { ...CONTENT, settings: paper, tokenizer: byteTokenizer, valLoss: null });
    const { leaks, valLoss, tokenizer } = loadModelFile(path);
    assertEquals([leaks, valLoss, tokenizer.kind], [true, null, "byte"]);
    // What an audit measured stands beside it, for a model that was declared causal, too.
    for (const settings of [paper, SETTINGS]) {
      saveModelFile(path, { ...CONTENT, settings, leak: { leaks: true, largestChange: 2 ** -20 } });
      const { leaks, largestChange } = loadModelFile(path);
      assertEquals([leaks, largestChange], [true, 2 ** -20]);
    }
    const { d_model: _, ...partial } = SETTINGS;
    assertThrows(
      () => saveModelFile(path, { ...CONTENT, settings: partial }),
      ManifestError,
      "at model.d_model: missing",
    );
    assert(loadModelFile(path).leaks, "a refused save touched the file");
  });
});

/** What the mode implies wins only over the preset, and SETTINGS says all of it. */
const PAPER = {
  bk_direction: "bidirectional",
  grad_mode: "blend",
  grad_blend: 0.5,
  eta_learned: false,
};

Deno.test("loadModelFile() reads models from before a key was there, and misses what was always there", () => {
  inFolder((folder) => {
    // The settings are JSON inside of a text of the header's JSON.
    for (
      const member of [
        String.raw`\"epsilon_schedule\":\"none\",`,
        String.raw`\"semiseparable_rank\":0,`,
      ]
    ) {
      assertEquals(loadModelFile(spoilt(folder, [member, ""])).settings, SETTINGS);
    }
    assertThrows(
      () => loadModelFile(spoilt(folder, [String.raw`\"d_model\":8,`, ""])),
      ManifestError,
      "at model.d_model: missing",
    );
  });
});

Deno.test("loadModelFile() refuses files that are missing, cut off, foreign or changed", () => {
  inFolder((folder) => {
    const refuses = (path: string, says: string, kind: typeof DataError | typeof StoreError) => {
      assertThrows(() => loadModelFile(path), kind, says);
    };
    refuses(`${folder}/none`, "no such file", StoreError);
    const path = spoilt(folder, ["resnet-bk/model/v1", "resnet-bk/model/v9"]);
    refuses(path, 'at format: expected "resnet-bk/model/v1", got "resnet-bk/model/v9"', StoreError);
    refuses(
      spoilt(folder, ['"step":"5"', '"step":"x"']),
      "at step: expected an integer",
      StoreError,
    );
    refuses(spoilt(folder, ['"leaks":"false"', '"leaks":"true"']), "at leaks", StoreError);
    const change = ['"largest_earlier_change":"0"', '"largest_earlier_change":"x"'] as const;
    refuses(
      spoilt(folder, change),
      "at largest_earlier_change: expected a number >= 0",
      StoreError,
    );
    refuses(spoilt(folder, ['\\"cat\\"', '\\"cow\\"']), "not the one that was saved", DataError);
    saveModelFile(path, CONTENT);
    const bytes = Deno.readFileSync(path);
    Deno.writeFileSync(path, bytes.subarray(0, bytes.length - 1));
    refuses(path, "cut off", StoreError);
  });
});
