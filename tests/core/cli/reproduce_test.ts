import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { sha256Hex } from "../../../core/random/sha256.ts";
import {
  changedManifest,
  exists,
  inFolder,
  recordsOf,
  recordTimes,
  refused,
  reproduce,
  reproduceWell,
  TINY,
} from "../run/_tiny.ts";

const SHORT = [TINY, "--profile", "short"];
const MOBY_DICK = "fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240";

/** Beginning of Moby-Dick (public domain), often enough for a validation part. */
const OWN_TEXT = "Call me Ishmael. Some years ago, never mind how long precisely,\n".repeat(200);

Deno.test("reproduce --json prints an error as its one document too", async () => {
  const { code, stdout } = await reproduce([...SHORT, "--seeds", "x", "--json"]);
  assertEquals(code, 2);
  assertEquals(JSON.parse(stdout).error.kind, "UsageError");
});

Deno.test("reproduce --dry-run prints the plan with predictions and writes nothing", async () => {
  await inFolder(async (folder) => {
    const out = `${folder}/out`;
    const args = [...SHORT, "--seeds", "1,2", "--out", out, "--dry-run"];
    const { stdout } = await reproduceWell(args);
    const lines = stdout.trim().split("\n");
    assertEquals(lines.length, 4);
    assertMatch(
      lines[0],
      /^run {2}[0-9a-f]{12} tiny\/short\/resnet-bk\/seq_len=16\/seed=1, \d+ s$/,
    );
    const plan = JSON.parse((await reproduceWell([...args, "--json"])).stdout);
    assertEquals([plan.experiment, plan.profile, plan.backend], ["tiny", "short", "webgpu"]);
    assertEquals(plan.units.length, 4);
    for (const { key, state, predicted_seconds: seconds } of plan.units) {
      assertMatch(key, /^[0-9a-f]{64}$/);
      assertEquals(state, "run");
      assert(seconds > 0, `predicted ${seconds} s`);
    }
    assert(!exists(out), "a dry run wrote something");
  });
});

Deno.test("reproduce --json prints one document, a dry run afterwards plans nothing", async () => {
  await inFolder(async (out) => {
    const { stdout, stderr } = await reproduceWell([...SHORT, "--out", out, "--json"]);
    const result = JSON.parse(stdout);
    assertEquals([result.sealed, result.failures, result.missing], [2, [], []]);
    assert(result.files.includes(`${out}/figures/curves.svg`));
    for (const path of result.files) assert(exists(path), path);
    assertEquals(stderr, "");
    const plan = JSON.parse(
      (await reproduceWell([...SHORT, "--out", out, "--dry-run", "--json"])).stdout,
    );
    assertEquals(plan.units.map(({ state }: { state: string }) => state), ["done", "done"]);
  });
});

Deno.test("reproduce names profile, backend, corpus, floors and prediction before it starts", async () => {
  await inFolder(async (out) => {
    const { stderr, stdout } = await reproduceWell([
      ...SHORT,
      "--device",
      "reference",
      "--out",
      out,
    ]);
    for (
      const text of [
        "  profile   short: asked for with --profile",
        "  backend   reference\n",
        `  corpus    moby-dick, sha256 ${MOBY_DICK}`,
        // python3 tests/golden/corpora.py: bigram floor of the validation part 2.43137309
        "bigram 2.4314 nats per token",
        "  units     2 planned, 0 of them done already; executor inline",
        "out of reach",
        "  predicted ",
        "[2/2] tiny/short/transformer/seq_len=16/seed=42: val_loss ",
      ]
    ) assertStringIncludes(stderr, text);
    assertStringIncludes(stdout, "Comparisons of final validation loss");
    for (const record of recordsOf(out).values()) {
      assertEquals([record.engine.backend, record.engine.adapter], ["reference", null]);
    }
  });
});

Deno.test("reproduce --corpus pins the text's digest; an edited text is a new set of units", async () => {
  await inFolder(async (folder) => {
    const [path, out] = [`${folder}/own text.txt`, `${folder}/out`];
    Deno.writeTextFileSync(path, OWN_TEXT);
    const args = [...SHORT, "--device", "reference", "--corpus", path, "--out", out];
    await reproduceWell(args);
    const digest = sha256Hex(new TextEncoder().encode(OWN_TEXT));
    for (const { config, data } of recordsOf(out).values()) {
      assertStringIncludes(JSON.stringify(config), `"id":"user","sha256":"${digest}"`);
      assertStringIncludes(JSON.stringify(data), digest);
    }
    const times = recordTimes(out);
    Deno.writeTextFileSync(path, OWN_TEXT.replace("Ishmael", "Ahab"));
    const { stderr } = await reproduceWell(args);
    assertStringIncludes(stderr, "2 planned, 0 of them done already");
    assertMatch(stderr, / {2}changed {3}since the last run: .*config\.data\.corpus\.sha256/);
    assertEquals(recordTimes(out).size, 4);
    for (const [key, time] of times) assertEquals(recordTimes(out).get(key), time);

    // A manifest that names the user's corpus has pinned it: another text is refused.
    const pinned = changedManifest(folder, [
      `id: moby-dick\n    sha256: ${MOBY_DICK}`,
      `id: user\n    sha256: ${digest}`,
    ]);
    await refused([pinned, ...args.slice(1)], { code: 2, says: [path, digest] });
  });
});
