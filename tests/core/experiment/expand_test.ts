import { assertEquals, assertObjectMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { ManifestError } from "../../../core/errors.ts";
import { expand } from "../../../core/experiment/expand.ts";
import { withPreset } from "../../../core/manifest/model_presets.ts";
import { readUnitConfig } from "../../../core/manifest/unit_config.ts";
import { MANIFEST_TEXT, manifestWith } from "../manifest/_manifest_text.ts";
import { resolvedText } from "./_resolved.ts";

const AT = { file: "test", path: "model", patch: false };

function refusalOf(piece: string, replacement: string): string {
  const resolved = resolvedText(manifestWith(piece, replacement));
  return assertThrows(() => expand(resolved), ManifestError).message;
}

Deno.test("expand() gives every arm at every length with every seed, in order of their values", () => {
  const shuffled = manifestWith("[42, 43]", "[43, 42]").replace("[16, 32]", "[32, 16]");
  const names = expand(resolvedText(shuffled, "longer")).map((unit) => unit.name);
  const expected = ["resnet-bk", "transformer"].flatMap((arm) =>
    [16, 32].flatMap((length) =>
      [42, 43].map((seed) => `tiny/longer/${arm}/seq_len=${length}/seed=${seed}`)
    )
  );
  assertEquals(names, expected);
});

Deno.test("expand() gives each unit the settings of its arm, length and seed, and no others", () => {
  const unit = expand(resolvedText(MANIFEST_TEXT))[3];
  assertEquals([unit.experiment, unit.profile, unit.arm], ["tiny", "smoke", "transformer"]);
  assertEquals([unit.cell, unit.seed], [{ seq_len: 16 }, 43]);
  assertEquals(unit.config.model, {
    kind: "transformer",
    d_model: 8,
    n_layers: 1,
    tie_head: true,
    n_heads: 2,
  });
  const config = readUnitConfig(unit.config, { where: unit.name });
  assertEquals([config.seqLen, config.seed, config.train.tokensPerStep], [16, 43, 32]);
  assertEquals(config.model.kind === "transformer" && config.model.nHeads, 2);
  if (!("corpus" in config.data)) throw new Error("a text was expected");
  assertEquals(config.data.corpus.split, "interleave");
});

Deno.test("expand() lays an arm's patch over the shared sections", () => {
  const text = manifestWith(
    "{kind: resnet-bk}}",
    "{kind: resnet-bk, d_model: 16}, train: {steps: 3}}",
  );
  const [patched, , other] = expand(resolvedText(text))
    .map((unit) => readUnitConfig(unit.config, { where: unit.name }));
  assertEquals([patched.model.dModel, patched.train.steps], [16, 3]);
  assertEquals([other.model.dModel, other.train.steps], [8, 4]);
});

Deno.test("expand() refuses windows that do not divide the step or the evaluation", () => {
  assertStringIncludes(
    refusalOf("tokens_per_step: 32", "tokens_per_step: 40"),
    "at train.tokens_per_step: expected a multiple of every grid.seq_len, got 40, which is not a " +
      "multiple of 16",
  );
  assertStringIncludes(
    refusalOf("eval_tokens: 64", "eval_tokens: 8"),
    "at train.eval_tokens: expected a multiple of every grid.seq_len, got 8",
  );
});

Deno.test("expand() refuses an evaluation shorter than a window, wherever the two come from", () => {
  const tells = (text: string, { profile, want }: {
    readonly profile: string;
    readonly want: string;
  }): void => {
    const resolved = resolvedText(text, profile);
    const { message } = assertThrows(() => expand(resolved), ManifestError);
    assertStringIncludes(message, want);
  };
  const expected = "at train.eval_tokens: expected a multiple of every grid.seq_len, got";
  // In the shared section, for each profile that leaves it alone.
  const shared = manifestWith("eval_tokens: 64", "eval_tokens: 15");
  for (const profile of ["smoke", "longer"]) {
    const want = `t.yaml (profile ${profile}, arm resnet-bk): ${expected} 15, which is not a ` +
      "multiple of 16";
    tells(shared, { profile, want });
  }
  // In a profile's settings, with a length of its grid that the shared section does not have.
  const own = manifestWith("train: {steps: 8}", "train: {steps: 8, eval_tokens: 16}");
  tells(own, {
    profile: "longer",
    want: `t.yaml (profile longer, arm resnet-bk): ${expected} 16, which is not a multiple of 32`,
  });
  assertEquals(expand(resolvedText(own)).length, 4);
  // By the grid of a profile alone.
  tells(
    manifestWith("seq_len: [16, 32]", "seq_len: [128]").replace("per_step: 32", "per_step: 128"),
    {
      profile: "longer",
      want: `(profile longer, arm resnet-bk): ${expected} 64, which is not a multiple of 128`,
    },
  );
  // In one arm's patch.
  tells(manifestWith("{kind: transformer}", "{kind: transformer}, train: {eval_tokens: 1}"), {
    profile: "smoke",
    want: `(profile smoke, arm transformer): ${expected} 1, which is not a multiple of 16`,
  });
});

Deno.test("expand() refuses schedules that end after the last step", () => {
  for (const key of ["warmup_steps: 1", "eval_every: 2", "log_every: 1"]) {
    const name = key.split(":")[0];
    assertStringIncludes(
      refusalOf(key, `${name}: 5`),
      `t.yaml (profile smoke, arm resnet-bk): at train.${name}: expected at most train.steps = 4, got 5`,
    );
  }
});

Deno.test("expand() refuses schedules of the model that do not come to their end", () => {
  const eta = "epsilon_schedule: cosine";
  assertStringIncludes(
    refusalOf("  eta_min: 0.001\n", `  eta_min: 0.001\n  ${eta}\n  epsilon_steps: 5\n`),
    "t.yaml (profile smoke, arm resnet-bk): at model.epsilon_steps: expected at most train.steps = 4, so that " +
      "the schedule comes to its end, got 5",
  );
  const noise = "  gumbel: 1\n  gumbel_schedule: linear\n";
  assertStringIncludes(
    refusalOf("  eta_min: 0.001\n", `  eta_min: 0.001\n${noise}`),
    "at model.gumbel_steps: expected at most train.steps = 4, so that the schedule comes to its end, got 10000",
  );
  const fits = manifestWith(
    "  eta_min: 0.001\n",
    `  eta_min: 0.001\n  ${eta}\n  epsilon_steps: 4\n${noise}  gumbel_steps: 4\n`,
  );
  expand(resolvedText(fits));
});

Deno.test("expand() refuses comparisons of arms that do not exist or are one arm", () => {
  assertStringIncludes(
    refusalOf("b: transformer", "b: transfromer"),
    'at analysis.comparisons.h1.b: no arm "transfromer"; did you mean "transformer"?',
  );
  assertStringIncludes(refusalOf("b: transformer", "b: resnet-bk"), "expected another arm");
});

Deno.test("expand() refuses two arms with the same settings", () => {
  assertStringIncludes(
    refusalOf("  transformer:", "  copy: {model: {kind: transformer}}\n  transformer:"),
    'at arms.transformer: same settings as arm "copy"',
  );
});

/** The manifest with more shared settings of the model, and the model of its second arm. */
function scheduledArms(shared: string, arm: string): string {
  return manifestWith("  eta_min: 0.001\n", `  eta_min: 0.001\n${shared}`)
    .replace("transformer: {model: {kind: transformer}}", `other: {model: {kind: resnet-bk${arm}}}`)
    .replace("  n_heads: 2\n", "")
    .replace("b: transformer", "b: other");
}

Deno.test("expand() refuses what is said about a schedule that is none", () => {
  const cases = [
    [scheduledArms("", ", epsilon_end: 0.3"), "arm other): at model.epsilon_end: has no effect"],
    [scheduledArms("", ", epsilon_start: 1"), "at model.epsilon_start: has no effect"],
    [scheduledArms("", ", gumbel: 1, gumbel_steps: 4"), "at model.gumbel_steps: has no effect"],
    [
      scheduledArms("  epsilon_steps: 4\n", ", v_max: 2"),
      "at model.epsilon_steps: no arm reads this key",
    ],
  ];
  for (const [text, says] of cases) {
    assertThrows(() => expand(resolvedText(text)), ManifestError, says);
  }
});

Deno.test("expand() leaves a shared schedule out of an arm that has none", () => {
  const shared = "  epsilon_schedule: cosine\n  epsilon_end: 0.3\n  epsilon_steps: 4\n";
  const text = scheduledArms(shared, ", epsilon_schedule: none");
  const [other, , scheduled] = expand(resolvedText(text)).map(({ config }) => config.model);
  assertObjectMatch(scheduled as Record<string, unknown>, {
    epsilon_schedule: "cosine",
    epsilon_end: 0.3,
    epsilon_steps: 4,
  });
  assertObjectMatch(other as Record<string, unknown>, {
    epsilon_schedule: "none",
    epsilon_end: 0.5,
    epsilon_steps: 10_000,
  });
});

Deno.test("expand() takes no schedule that is none for a difference between arms without a preset", () => {
  const shape = { d_model: 8, n_layers: 1, tie_head: true };
  const complete = withPreset({ kind: "resnet-bk", preset: "baseline", ...shape }, AT);
  const armsWith = (end: number, schedule: string) =>
    scheduledArms("", "")
      .replace(/\nmodel:\n( {2}.*\n)+/, "\nmodel: {}\n")
      .replace(
        /arms:\n( {2}.*\n)+/,
        `arms:\n${
          [0.5, end].map((epsilon_end, k) =>
            `  ${["resnet-bk", "other"][k]}: {model: ${
              JSON.stringify({
                ...complete,
                epsilon_schedule: schedule,
                epsilon_steps: 4,
                epsilon_end,
              })
            }}\n`
          ).join("")
        }`,
      );
  assertThrows(
    () => expand(resolvedText(armsWith(0.3, "none"))),
    ManifestError,
    'at arms.resnet-bk: same settings as arm "other"',
  );
  assertEquals(expand(resolvedText(armsWith(0.3, "linear"))).length, 4);
});

Deno.test("expand() refuses settings that an arm's kind of model lacks, or that no arm reads", () => {
  assertStringIncludes(
    refusalOf("{kind: transformer}", "{kind: transformer, v_max: 2.0}"),
    "(profile smoke, arm transformer): at model.v_max: unknown key",
  );
  const alone = manifestWith(
    "  transformer: {model: {kind: transformer}}",
    "  wide: {model: {kind: resnet-bk, d_model: 16}}",
  )
    .replace("b: transformer", "b: wide");
  assertStringIncludes(
    assertThrows(() => expand(resolvedText(alone)), ManifestError).message,
    "at model.n_heads: no arm reads this key",
  );
});

Deno.test("expand() refuses models that contradict themselves", () => {
  assertStringIncludes(
    refusalOf("top_k: 1", "top_k: 3"),
    "at model.top_k: expected at most num_experts = 2, got 3",
  );
  assertStringIncludes(
    refusalOf("eta_min: 0.001", "eta_min: 1.0"),
    "at model.eta_init: expected more than eta_min = 1, got 1",
  );
  assertStringIncludes(
    refusalOf("n_heads: 2", "n_heads: 3"),
    "at model.n_heads: expected a divisor of d_model = 8, got 3",
  );
  assertStringIncludes(refusalOf("  n_heads: 2\n", ""), "at model.n_heads: missing");
  assertStringIncludes(refusalOf("{kind: transformer}", "{d_model: 8}"), "at model.kind: missing");
});
