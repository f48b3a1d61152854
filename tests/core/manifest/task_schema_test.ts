import { assertEquals, assertThrows } from "@std/assert";
import { ManifestError } from "../../../core/errors.ts";
import { expand } from "../../../core/experiment/expand.ts";
import { readUnitConfig } from "../../../core/manifest/unit_config.ts";
import { resolvedText } from "../experiment/_resolved.ts";
import { MANIFEST_TEXT } from "./_manifest_text.ts";

const CORPUS = / {2}corpus: .*\n {2}tokenizer: .*\n/;
const TASK = "{kind: recall, lags: [1, 4], values: 3, fillers: 2}";

/** The manifest with other lines under `data`, then with one piece replaced. */
function withData(lines: string, [piece, other]: readonly [string, string] = ["", ""]): string {
  const text = MANIFEST_TEXT.replace(CORPUS, `${lines}\n`);
  if (text === MANIFEST_TEXT || !text.includes(piece)) throw new Error("nothing was replaced");
  return text.replace(piece, other);
}

function refuses(text: string, message: string): void {
  assertThrows(() => expand(resolvedText(text)), ManifestError, message);
}

Deno.test("dataSchema reads a task in place of a corpus, and it is part of the unit", () => {
  const [unit] = expand(resolvedText(withData(`  task: ${TASK}`)));
  const task = { kind: "recall", lags: [1, 4], values: 3, fillers: 2 };
  assertEquals(unit.config.data, { task });
  assertEquals(readUnitConfig(unit.config, { where: "t" }).data, { task });
});

Deno.test("dataSchema refuses a task beside a corpus or a tokenizer, naming the key", () => {
  refuses(
    withData(`  task: ${TASK}\n  tokenizer: {kind: byte}`),
    "t.yaml: at data.tokenizer: a task makes its own tokens: expected either corpus and tokenizer, or task",
  );
});

Deno.test("taskSchema refuses what is unknown, missing, out of order or out of range", () => {
  const faults = [
    ["kind: recall", "kind: recal", 'at data.task.kind: expected one of recall, got "recal"'],
    ["values: 3", "valus: 3", 'at data.task.valus: unknown key; did you mean "values"?'],
    [", fillers: 2", "", "at data.task.fillers: missing; this key is required"],
    ["values: 3", "values: 1", "at data.task.values: expected an integer in 2..255, got 1"],
    ["[1, 4]", "[4, 1]", "at data.task.lags[1]: expected ascending lags, got 1 after 4"],
    ["[1, 4]", "[4, 4]", "at data.task.lags[1]: 4 stands twice"],
    ["[1, 4]", "[0, 4]", "at data.task.lags[0]: expected an integer >= 1, got 0"],
  ] as const;
  for (const [piece, other, message] of faults) {
    refuses(withData(`  task: ${TASK.replace(piece, other)}`), message);
  }
});

Deno.test("expand() refuses lengths that are too short for the longest lag", () => {
  refuses(
    withData(`  task: ${TASK.replace("[1, 4]", "[1, 15]")}`),
    "at grid.seq_len[0]: expected at least 17 tokens for the longest of data.task.lags, got 16",
  );
  assertEquals(expand(resolvedText(withData(`  task: ${TASK.replace("4", "14")}`))).length, 4);
});

Deno.test("expand() refuses gradient_cosine for a model whose gradients are exact", () => {
  const asked = MANIFEST_TEXT.replace("  log_every: 1", "  log_every: 1\n  gradient_cosine: true");
  refuses(
    asked,
    'arm transformer): at train.gradient_cosine: only a resnet-bk model with the mixer "diagonal"',
  );
  refuses(
    asked.replace("{kind: transformer}", "{kind: resnet-bk, mixer: resolvent}")
      .replace("  n_heads: 2\n", ""),
    'got the mixer "resolvent"',
  );
  refuses(
    asked.replace("{kind: transformer}", "{kind: resnet-bk, gumbel: 0.5}").replace(
      "  n_heads: 2\n",
      "",
    ),
    "at train.gradient_cosine: expected model.gumbel 0, got 0.5",
  );
});
