import { assert, assertEquals, assertThrows } from "@std/assert";
import { countHits, evaluateHits } from "../../../core/evaluate/accuracy.ts";
import { logitsPlan } from "../../../core/evaluate/evaluation_plan.ts";
import { recallTask } from "../../../core/data/recall.ts";
import { DataError } from "../../../core/errors.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { initialParameters } from "../../../core/train/initial_parameters.ts";

const NONE = -100;

Deno.test("countHits() counts labelled rows alone, by place in the sequence", () => {
  const targets = Int32Array.of(NONE, 3, NONE, 5, NONE, NONE, 2, 2);
  const windows = { windows: 2, tokens: new Int32Array(8), targets };
  // Row 1 hits, row 3 misses; rows 6 and 7 hit; what is predicted at unlabelled rows does not count.
  const predictions = [NONE, 3, 9, 4, 0, 0, 2, 2];
  assertEquals(countHits(predictions, { windows, seqLen: 4, groups: 2 }), {
    hits: [2, 1],
    targets: [2, 2],
  });
  assertThrows(
    () => countHits(predictions, { windows, seqLen: 4, groups: 3 }),
    DataError,
    "expected 3 labelled targets in sequence 0, got 2",
  );
});

Deno.test("evaluateHits() counts arg-max hits, also in a last batch that is not full", async () => {
  const task = recallTask({ lags: [1, 3], values: 2, fillers: 2 });
  const { vocabularySize } = task;
  const model = { kind: "transformer", dModel: 4, nLayers: 1, nHeads: 1, tieHead: false } as const;
  const seqLen = 6;
  const made = task.evaluationWindows({ seqLen, evalTokens: 23 * seqLen });
  // Targets over the whole vocabulary, so that about one in six hits.
  const targets = made.targets.map((target, i) =>
    target === NONE ? NONE : (i + (i / seqLen | 0)) % vocabularySize
  );
  const windows = { ...made, targets };
  const backend = referenceBackend({ precision: "f64" });
  // All sequences at once, the largest logit found by hand.
  const whole = { model, shape: { batch: 23, seqLen }, vocabularySize };
  const plan = logitsPlan(whole);
  const program = await backend.compile(plan);
  // Any parameters do that make one sequence's answer unlike another's.
  const parameters = Float32Array.from(initialParameters(plan, 5), (_, i) => Math.sin(i * i));
  program.write("param", parameters);
  program.step({ tokens: windows.tokens });
  const logits = await program.read("logits");
  const hits = [0, 0];
  for (let row = 0, group = 0; row < 23 * seqLen; row++) {
    const target = windows.targets[row];
    if (target === NONE) continue;
    const own = logits.subarray(row * vocabularySize, (row + 1) * vocabularySize);
    if (own.every((value, id) => id === target || value < own[target])) hits[group % 2] += 1;
    group += 1;
  }
  assert(hits.every((n) => n > 0 && n < 23), `${hits} of 23 hits would show little`);
  const options = { model, shape: { batch: 4, seqLen }, vocabularySize };
  const found = await evaluateHits(backend, {
    ...{ ...options, parametersOf: program, windows, groups: 2 },
  });
  assertEquals(found, { hits, targets: [23, 23] });
  backend.destroy();
});
