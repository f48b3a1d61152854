/** `train` with a mixer from a module: the real commands, from checks before training to what reads the model. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { relative } from "node:path";
import { loadModelFile } from "../../../core/run/model_file.ts";
import { type Finished, inPlace, type Place } from "./_train.ts";

const ROOT = new URL("../../../", import.meta.url).href;
const FINAL = "checkpoint_final.safetensors";

/** 12 updates an epoch, two epochs. */
const SETTINGS = `
model: { kind: module, module: ./lib/mine.ts, d_model: 8, n_layers: 1, n_seq: 16 }
training: { batch_size: 2, num_epochs: 2, warmup_steps: 2, learning_rate: 3.0e-3, eval_tokens: 64 }
data: { tokenizer: byte, data_limit: 420 }
`;

/** Each position passes itself on, and adds the one after it times a factor per channel. */
const looksAhead = (factor: number): string => `
import { add, concat, f32, multiply, slice } from "${ROOT}mod.ts";
export const mixer = {
  source: "a look ahead",
  forward: (x) => {
    const [, n, width] = x.type.shape;
    const factor = x.graph.parameter("factor", {
      type: f32(width),
      initial: { kind: "values", values: Array(width).fill(${factor}) },
      decay: false,
    });
    const later = slice(x, { axis: 1, from: 1, to: n });
    const shifted = concat([later, slice(x, { axis: 1, from: 0, to: 1 })], { axis: 1 });
    return add(x, multiply(factor, shifted));
  },
};
`;

type CommandName = "train" | "evaluate" | "generate" | "inspect" | "audit_causality";

/** A command to its end, with the permission to run deno, which lists what a module imports. */
async function finished(name: CommandName, args: readonly string[]): Promise<Finished> {
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "-q", "--no-prompt", "-P=op", `core/cli/${name}.ts`, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

async function done(name: CommandName, args: readonly string[]): Promise<Finished> {
  const result = await finished(name, args);
  assertEquals(result.code, 0, result.stderr);
  return result;
}

/** Runs a test in a folder whose settings name a module of this text. */
function around(module: string, test: (place: Place) => Promise<void>): Promise<void> {
  return inPlace(async (place) => {
    await Deno.writeTextFile(place.config, SETTINGS);
    await Deno.mkdir(`${place.folder}/lib`);
    await Deno.writeTextFile(`${place.folder}/lib/mine.ts`, module);
    await test(place);
  });
}

function rowsOf(folder: string): readonly Record<string, unknown>[] {
  return JSON.parse(Deno.readTextFileSync(`${folder}/metrics.json`));
}

function hasFile(folder: string, name: string): boolean {
  return [...Deno.readDirSync(folder)].some((entry) => entry.name === name);
}

Deno.test("train checks, trains, audits and saves a mixer from a module, whose model is scored and writes on", async () => {
  const example = await Deno.readTextFile("docs/examples/my_mixer.ts");
  await around(example.replace('"../../mod.ts"', `"${ROOT}mod.ts"`), async (place) => {
    const { folder, corpus, run } = place;
    const { stderr } = await done("train", run("a"));
    assertMatch(stderr, /^checked {3}mixer "\.\/lib\/mine\.ts": finite logits .*; causality/m);
    assertStringIncludes(stderr, "audit     causal: changing a token changes no bit");
    const rows = rowsOf(`${folder}/a`);
    assertEquals(rows.length, 24);
    for (const row of rows) assertEquals([row.leaks, row.largest_earlier_change], [false, 0]);
    // It learns: a model that does not know the text has ln 256 = 5.5452.
    assert(Number(rows[23].val_loss) < 5.4, `${rows[23].val_loss}`);

    const { settings, largestChange, mixerSha256 } = loadModelFile(`${folder}/a/${FINAL}`);
    const { path } = settings.module as { readonly path: string };
    assertEquals([path, largestChange], ["../lib/mine.ts", 0]);
    assertMatch(mixerSha256!, /^[0-9a-f]{64}$/);

    const on = ["--checkpoint", `${folder}/a`];
    const scored = await done("evaluate", [...on, "--corpus", corpus, "--eval-tokens", "64"]);
    assertStringIncludes(scored.stdout, `Loss: ${Number(rows[23].val_loss).toFixed(4)}\n`);
    const written = await done("generate", [...on, "--prompt", "Call", "--max-length", "3"]);
    assertStringIncludes(written.stderr, "wrote 3 tokens");
    assert(!written.stderr.includes("read again"), "the example carries a state");
    const drawn = await finished("inspect", [...on, "--text", "Call", "--out", `${folder}/i.html`]);
    assertEquals(drawn.code, 2);
    assertStringIncludes(drawn.stderr, 'a model of kind "module": it has no resolvent');
    const audited = await done("audit_causality", [`${folder}/a/`, "--corpus", corpus]);
    assertStringIncludes(audited.stdout, "causal: changing a token changes no bit");

    await Deno.writeTextFile(`${folder}/lib/mine.ts`, "// another\n", { append: true });
    const changed = await finished("evaluate", [...on, "--corpus", corpus]);
    assertEquals(changed.code, 2);
    assertStringIncludes(
      changed.stderr,
      `${FINAL}: at model.module: "../lib/mine.ts": expected the code that the model was trained with, SHA-256 ` +
        `${mixerSha256}, got `,
    );
  });
});

Deno.test("train refuses a mixer that reads later tokens before it writes anything", async () => {
  await around(looksAhead(1), async ({ folder, corpus, config }) => {
    const says = (path: string): string =>
      `at model.module: "${path}": this mixer fails the check "causality to the bit": expected no earlier logit ` +
      "to change with token";
    const to = ["--corpus", corpus, "--save-dir", `${folder}/a`];
    const byFile = await finished("train", ["--config", config, ...to, "--dry-run"]);
    assertEquals(byFile.code, 2, byFile.stderr);
    assertStringIncludes(byFile.stderr, `${config}: ${says("./lib/mine.ts")}`);
    // A path on the command line counts from the present folder.
    const path = relative(Deno.cwd(), `${folder}/lib/mine.ts`);
    const flags = ["--kind", "module", "--module", path, "--tokenizer", "byte", "--seq-len", "16"];
    const byFlag = await finished("train", [...flags, ...to]);
    assertEquals(byFlag.code, 2, byFlag.stderr);
    assertStringIncludes(byFlag.stderr, `command line: ${says(path)}`);
    assertEquals(hasFile(folder, "a"), false);
  });
});

Deno.test("train refuses to save a mixer that has learned to read later tokens, and stamps its log", async () => {
  // With a factor of 0 the first logits are causal to the bit; its gradient is not 0.
  await around(looksAhead(0), async ({ folder, run }) => {
    const { code, stdout, stderr } = await finished("train", run("a"));
    assertEquals(code, 3, stderr);
    assertStringIncludes(stderr, "; causality to the bit;");
    assertMatch(
      stderr,
      /error: Cannot save the model of ".*\/a": a "module" model declares itself causal, but changing token .* of 16 changes \d+ earlier logits by up to/,
    );
    assert(!stdout.includes("Final Loss"), stdout);
    const rows = rowsOf(`${folder}/a`);
    assertEquals(rows.length, 24);
    for (const { leaks, largest_earlier_change: change } of rows) {
      assert(leaks === true && Number(change) > 0, `${leaks}, ${change}`);
    }
    assertEquals(hasFile(`${folder}/a`, FINAL), false);
  });
});
