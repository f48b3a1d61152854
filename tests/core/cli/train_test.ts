import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { loadModelFile } from "../../../core/run/model_file.ts";
import { commandOf, done, finished, inPlace, SETTINGS, timelessRows } from "./_train.ts";

const FINAL = "checkpoint_final.safetensors";
const NO_BIT =
  "changing tokens at every position after the first of 16 changed no bit of an earlier logit\n";
const STEP_LINE =
  /^Epoch (\d)\/2 \| Step (\d+) \| Loss: (\d+\.\d{4}) \| PPL: (\d+\.\d{2}) \| LR: (0\.0\d+)$/;

/** Loss and perplexity of a line must agree to the digits that are printed. */
function assertPerplexity(loss: string, perplexity: string): void {
  const error = Math.abs(Math.exp(Number(loss)) / Number(perplexity) - 1);
  if (!(error <= 1e-4)) throw new Error(`exp(${loss}) is not ${perplexity}`); // 4 digits of the loss
}

Deno.test("train prints the published lines with PPL = exp(loss) and writes all of its files", async () => {
  await inPlace(async ({ folder, run }) => {
    const { stdout, stderr } = await done("train", run("a"));
    const lines = stdout.trim().split("\n");
    const steps = lines.flatMap((line) => STEP_LINE.exec(line) ?? []).length / 6;
    assertEquals(steps, 6, stdout);
    for (const line of lines) {
      const numbers = /Loss: (\d+\.\d+) \| (?:\w+ )?PPL: (\d+\.\d+)/.exec(line);
      if (numbers) assertPerplexity(numbers[1], numbers[2]);
    }
    assertMatch(
      lines[lines.length - 2],
      /^Epoch 2\/2 \| Final Loss: \d+\.\d{4} \| Final PPL: \d+\.\d{2}$/,
    );
    assertMatch(lines[lines.length - 1], /^Training completed in \d+(\.\d)? minutes!$/);
    assertStringIncludes(stderr, "V = 256");
    assertStringIncludes(stderr, `audit     no leak found: ${NO_BIT}`);
    // One row per update; the final loss is the mean over the last epoch's.
    const rows = JSON.parse(await Deno.readTextFile(`${folder}/a/metrics.json`));
    assertEquals(rows.map(({ step }: { step: number }) => step), [
      ...Array.from({ length: 24 }, (_, i) => i + 1),
    ]);
    const last = rows.slice(12).map(({ loss }: { loss: number }) => loss);
    const mean = last.reduce((sum: number, loss: number) => sum + loss, 0) / 12;
    assertStringIncludes(stdout, `Final Loss: ${mean.toFixed(4)}`);
    assert(rows[0].v_std > 0 && rows[0].expert_usage.length === 2 && rows[23].val_loss > 0);
    // It learns: a model that does not know the text has ln 256 = 5.5452.
    assert(
      Math.abs(rows[0].loss - 5.5452) < 0.1 && rows[23].val_loss < 5.2,
      `${rows[23].val_loss}`,
    );
    const model = loadModelFile(`${folder}/a/${FINAL}`);
    assertEquals([model.step, model.seqLen, model.seed, model.leaks], [24, 16, 42, false]);
    assertEquals([model.largestChange, rows[0].leaks, rows[0].largest_earlier_change], [
      ...[0, false, 0],
    ]);
    assertEquals(model.valLoss, rows[23].val_loss);
    const resolved = JSON.parse(await Deno.readTextFile(`${folder}/a/config.resolved.json`));
    assertEquals([resolved.train.steps, resolved.seed, resolved.num_epochs], [24, 42, 2]);
    assertEquals(resolved.model, model.settings);
  });
});

Deno.test("train goes on after --max-steps, Ctrl-C and a kill to the bits of a run in one go", async () => {
  await inPlace(async ({ folder, run }) => {
    await done("train", run("whole"));
    const args = [...run("parts"), "--save-interval", "0"];
    const first = await done("train", [...args, "--max-steps", "7"]);
    assertStringIncludes(first.stdout, "Step 7 |");
    assertStringIncludes(first.stderr, "stopped at step 7 of 24");
    await stopped(
      [...args, "--log-interval=1"].filter((word) => !/^(--log-interval|4)$/.test(word)),
    );
    const last = await done("train", args);
    assertStringIncludes(last.stderr, "going on after step");
    assertStringIncludes(last.stdout, "Training completed");
    for (const file of [FINAL, "config.resolved.json"]) {
      const bytes = await Deno.readFile(`${folder}/whole/${file}`);
      assertEquals(await Deno.readFile(`${folder}/parts/${file}`), bytes, file);
    }
    assertEquals(
      timelessRows(`${folder}/parts/metrics.csv`).filter((row) => row[0] !== "7"),
      timelessRows(`${folder}/whole/metrics.csv`).filter((row) => row[0] !== "7"),
    );
    const again = await done("train", args);
    assertEquals(again.stdout.trim(), "Nothing is left to do after step 24 of 24");

    // A checkpoint that was damaged is named, and the one before it serves.
    const newest = `${folder}/parts/checkpoints/step-000000000024.bin`;
    await Deno.writeFile(newest, (await Deno.readFile(newest)).subarray(1));
    const { stderr } = await done("train", args);
    assertStringIncludes(stderr, `unusable  ${newest}: expected SHA-256`);
    assertStringIncludes(stderr, `kept as "${newest}.damaged"`);
    assertEquals(
      await Deno.readFile(`${folder}/parts/${FINAL}`),
      await Deno.readFile(`${folder}/whole/${FINAL}`),
    );
  });
});

/** Starts a run, stops it at its first line, and looks at how it ends. */
async function stopped(args: readonly string[]): Promise<void> {
  const child = commandOf("train", args).spawn();
  const errors = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  const seen = await reader.read();
  assert(!seen.done, "the run said nothing");
  child.kill("SIGINT");
  while (!(await reader.read()).done);
  const { code } = await child.status;
  const text = await errors;
  // A run that is faster than the signal ends well.
  assert(code === 130 || code === 0, text);
  if (code === 130) {
    assertMatch(text, /Stopped after step \d+\. To go on: deno task train --config /);
  }
}

Deno.test("train refuses a folder with other settings until it is told to start anew", async () => {
  await inPlace(async ({ folder, run, config }) => {
    await done("train", [...run("a"), "--max-steps", "2"]);
    const args = [...run("a"), "--lr", "0.5"];
    const { code, stderr } = await finished("train", args);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "train.learning_rate: 0.003 there, 0.5 here");
    assert(!/\n {4}at /.test(stderr), stderr);
    {
      using lock = await Deno.open(`${folder}/a/lock`, { read: true, write: true });
      await lock.lock(true);
      const second = await finished("train", [...args, "--restart"]);
      assertEquals(second.code, 3);
      assertStringIncludes(second.stderr, "another process does; wait for it");
    }
    await done("train", [...args, "--restart", "--max-steps", "1"]);
    assertEquals(timelessRows(`${folder}/a/metrics.csv`).length, 1);
    // Without a sound checkpoint the log stays as it is.
    const log = await Deno.readTextFile(`${folder}/a/metrics.csv`);
    await Deno.writeTextFile(`${folder}/a/checkpoints/step-000000000001.bin`, "torn");
    const damaged = await finished("train", args);
    assertEquals(damaged.code, 3, damaged.stderr);
    assertMatch(damaged.stderr, /no checkpoint is sound \(.*expected SHA-256.*--restart/);
    assertEquals(await Deno.readTextFile(`${folder}/a/metrics.csv`), log);
    await Deno.writeTextFile(config, SETTINGS.replace("n_layers", "n_layer"));
    const wrong = await finished("train", [...run("b"), "--json"]);
    assertEquals(wrong.code, 2);
    assertStringIncludes(JSON.parse(wrong.stdout).error.message, 'did you mean "n_layers"?');
  });
});

for (
  // 1e10 leaves finite losses: values overflow inside of the model, and its predictions become uniform.
  const [rate, what] of [
    ["1e+30", "(Loss is (NaN|Infinity)|A gradient is not finite)"],
    [
      "1e+10",
      "Loss is 5\\.545\\d*, but all final features are exactly 0[a-z ,:]+",
    ],
  ] as const
) {
  Deno.test(`train stops where a run diverges, repairs nothing and says what to try, at ${rate}`, async () => {
    await inPlace(async ({ folder, run }) => {
      const { code, stderr, stdout } = await finished("train", [...run("a"), "--lr", rate]);
      assertEquals(code, 3, stdout);
      assertMatch(stderr, new RegExp(`error: ${what} at step \\d+;`));
      assertStringIncludes(stderr, `what to do: a lower learning_rate (now ${Number(rate)})`);
      const rows = timelessRows(`${folder}/a/metrics.csv`);
      assertMatch(stderr, new RegExp(`at step ${rows.length};`));
      assert(!stdout.includes("Training completed"));
      assert(![...Deno.readDirSync(`${folder}/a`)].some(({ name }) => name === FINAL));
    });
  });
}

Deno.test("train --dry-run predicts hours and writes nothing; --help lists every flag", async () => {
  await inPlace(async ({ folder, run }) => {
    const args = [...run("a"), "--dry-run"];
    const plan = JSON.parse((await done("train", [...args, "--json"])).stdout);
    assertEquals([plan.steps, plan.steps_per_epoch, plan.tokens_per_step], [24, 12, 32]);
    assertEquals([plan.training_tokens, plan.vocabulary_size, plan.leaks], [420, 256, false]);
    assert(plan.predicted_hours > 0 && plan.parameters > 2048 && plan.bytes > 12 * plan.parameters);
    assert(![...Deno.readDirSync(folder)].some(({ name }) => name === "a"));
    const { stdout } = await done("train", ["--help"]);
    for (const flag of ["--config-preset", "--use-koopman", "--d-model", "--epochs", "--seq-len"]) {
      assertStringIncludes(stdout, flag);
    }
  });
});

Deno.test("train replaces no file of a folder that is no run's, unless it is told to", async () => {
  await inPlace(async ({ folder, run }) => {
    await Deno.mkdir(`${folder}/a`);
    for (const name of ["metrics.csv", "metrics.json", FINAL]) {
      const path = `${folder}/a/${name}`;
      await Deno.writeTextFile(path, "mine");
      const { code, stderr } = await finished("train", [...run("a"), "--max-steps", "1"]);
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, `it holds "${name}"`);
      assertMatch(stderr, /another --save-dir, or replace it with --restart/);
      assertEquals(await Deno.readTextFile(path), "mine");
      await Deno.remove(path);
    }
    await Deno.writeTextFile(`${folder}/a/metrics.csv`, "mine");
    await done("train", [...run("a"), "--max-steps", "1", "--restart"]);
    assertEquals(timelessRows(`${folder}/a/metrics.csv`).length, 1);
  });
});

Deno.test("train refuses a settings file and an evaluation that cannot be, before it claims its folder", async () => {
  await inPlace(async ({ folder, run, corpus }) => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [[...run("a"), "--eval-tokens", "10"], "command line: at --eval-tokens: expected at least"],
      [[...run("a"), "--eval-tokens", "100000"], "Cannot cut 6250 evaluation windows"],
      [["--config", folder, "--save-dir", `${folder}/a`], `${folder}: cannot be read`],
      [
        ["--corpus", corpus, "--save-dir", `${folder}/a`, "--num-experts=16", "--top-k=10"],
        "command line: at --top-k: a gate chooses at most 8 experts",
      ],
    ];
    for (const [args, says] of cases) {
      const { code, stderr } = await finished("train", args);
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, says);
      assert(!Array.from(Deno.readDirSync(folder), ({ name }) => name).includes("a"));
    }
  });
});
