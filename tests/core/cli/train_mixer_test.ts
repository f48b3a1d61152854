/** `train` with a mixer from a module: the real commands, from checks before training to what reads the model. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { relative } from "node:path";
import { loadModelFile } from "../../../core/run/model_file.ts";
import { commandOf, done, finished, inPlace, type Place } from "./_train.ts";

const ROOT = new URL("../../../", import.meta.url).href;
const FINAL = "checkpoint_final.safetensors";

const NO_BIT =
  "changing tokens at every position after the first of 16 changed no bit of an earlier logit\n";

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
    const { folder, corpus, run, config } = place;
    const { stderr } = await done("train", run("a"));
    assertMatch(stderr, /^checked {3}mixer "\.\/lib\/mine\.ts": finite logits .*; causality/m);
    assertStringIncludes(stderr, `audit     no leak found: ${NO_BIT}`);
    const rows = rowsOf(`${folder}/a`);
    assertEquals(rows.length, 24);
    for (const row of rows) assertEquals([row.leaks, row.largest_earlier_change], [false, 0]);
    // It learns: a model that does not know the text has ln 256 = 5.5452.
    assert(Number(rows[23].val_loss) < 5.4, `${rows[23].val_loss}`);

    const { settings, largestChange, mixerSha256 } = loadModelFile(`${folder}/a/${FINAL}`);
    const { path } = settings.module as { readonly path: string };
    assertEquals([path, largestChange], ["../lib/mine.ts", 0]);
    assertMatch(mixerSha256!, /^[0-9a-f]{64}$/);
    // What decides whether a run goes on is the user's own code, not the harness that it imports.
    const resolved = JSON.parse(Deno.readTextFileSync(`${folder}/a/config.resolved.json`));
    assertEquals(resolved.model.module, { path: "./lib/mine.ts", sha256: mixerSha256 });
    await done("train", run("a"));
    await Deno.writeTextFile(
      config,
      SETTINGS.replace("./lib/mine.ts", `{ path: ./lib/mine.ts, sha256: ${mixerSha256} }`),
    );
    await done("train", [...run("pinned"), "--dry-run"]);

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
    assertStringIncludes(audited.stdout, `length 16: ${NO_BIT}`);

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
    const says = (path: string, key = "model.module"): string =>
      `at ${key}: "${path}": this mixer fails the check "causality to the bit": expected no earlier logit ` +
      "to change with the tokens from";
    const to = ["--corpus", corpus, "--save-dir", `${folder}/a`];
    const byFile = await finished("train", ["--config", config, ...to, "--dry-run"]);
    assertEquals(byFile.code, 2, byFile.stderr);
    assertStringIncludes(byFile.stderr, `${config}: ${says("./lib/mine.ts")}`);
    // A path on the command line counts from the present folder.
    const path = relative(Deno.cwd(), `${folder}/lib/mine.ts`);
    const flags = ["--kind", "module", "--module", path, "--tokenizer", "byte", "--seq-len", "16"];
    const byFlag = await finished("train", [...flags, ...to]);
    assertEquals(byFlag.code, 2, byFlag.stderr);
    assertStringIncludes(byFlag.stderr, `command line: ${says(path, "--module")}`);
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
      /error: Cannot save the model of ".*\/a": a "module" model declares itself causal, but changing the tokens from \d+ of 16 on changes \d+ earlier logits \(\d+ of 15 /,
    );
    assert(!stdout.includes("Final Loss"), stdout);
    // The line of the model that was audited is stamped; it is the last before the stamp.
    assertMatch(
      stdout,
      /\nEpoch 2\/2 \| Validation Loss: \S+ \| Validation PPL: \S+ \[LEAKS\]\nLEAKS: predictions depend .*\n$/,
    );
    assertEquals(stdout.match(/Validation Loss/g)?.length, 2);
    assertMatch(
      stderr,
      /^audit {5}LEAKS: changing tokens at every position after .* changed earlier logits by/m,
    );
    const csv = Deno.readTextFileSync(`${folder}/a/metrics.csv`).trim().split("\n");
    assertMatch(csv[0], /,leaks,largest_earlier_change$/);
    assertEquals(csv.length, 25);
    for (const line of csv.slice(1)) assertMatch(line, /,true,\d[-.e\d]*$/);
    const rows = rowsOf(`${folder}/a`);
    assertEquals(rows.length, 24);
    for (const { leaks, largest_earlier_change: change } of rows) {
      assert(leaks === true && Number(change) > 0, `${leaks}, ${change}`);
    }
    assertEquals(hasFile(`${folder}/a`, FINAL), false);
  });
});

Deno.test("train finishes on Ctrl-C during the audit, says so and exits with 0", async () => {
  // Once the last checkpoint is there, tracing is the audit's: the mixer says so and takes a second.
  const slow = (folder: string): string => `
export const mixer = {
  source: "itself",
  forward: (x) => {
    let isTrained = true;
    try {
      Deno.statSync("${folder}/a/checkpoints/step-000000000024.bin");
    } catch {
      isTrained = false;
    }
    if (isTrained) {
      console.error("TRACING");
      const end = Date.now() + 1000;
      while (Date.now() < end);
    }
    return x;
  },
};
`;
  await around("", async ({ folder, run }) => {
    await Deno.writeTextFile(`${folder}/lib/mine.ts`, slow(folder));
    const child = commandOf("train", run("a")).spawn();
    const printed = new Response(child.stdout).text();
    let said = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      if (!said.includes("TRACING") && (said + text).includes("TRACING")) child.kill("SIGINT");
      said += text;
    }
    const { code } = await child.status;
    assertEquals(code, 0, said);
    assertMatch(
      said,
      /The updates are done and saved: the trained model is audited and saved before this ends;/,
    );
    assert(!said.includes("a checkpoint is saved first"), said);
    assertStringIncludes(await printed, "Training completed");
    assertEquals(hasFile(`${folder}/a`, FINAL), true);
  });
});

Deno.test("train names --module where a flag says it, and what is missing beside it", async () => {
  await around(looksAhead(1), async ({ folder, corpus }) => {
    const to = [
      "--corpus",
      corpus,
      "--tokenizer=byte",
      "--seq-len=16",
      "--save-dir",
      `${folder}/a`,
    ];
    const path = relative(Deno.cwd(), `${folder}/lib/gone.ts`);
    const cases: readonly (readonly [readonly string[], string])[] = [
      [
        ["--kind", "module", "--module", path],
        `command line: at --module: "${path}": expected a file, from the present folder "${folder}/lib/gone.ts", got no such file`,
      ],
      [
        ["--module", path],
        'command line: at --module: belongs to models of kind "module", got kind "resnet-bk"; add --kind module',
      ],
      [
        ["--kind", "module", "--module", "mine.ts"],
        "command line: at --module: expected a relative path of a .ts, .js or .mjs file that starts with ./ or ../",
      ],
    ];
    for (const [args, says] of cases) {
      const { code, stderr } = await finished("train", [...args, ...to]);
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, says);
    }
  });
});
