import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { NumericError, StoreError } from "../../../core/errors.ts";
import { type Attempt } from "../../../core/store/attempt.ts";
import { parseMetricLines } from "../../../core/store/metric_lines.ts";
import type { MetricLine } from "../../../core/store/record.ts";
import type { Store } from "../../../core/store/store.ts";
import { keyOf, nameOf, preimageOf, withStore } from "./_record.ts";

function begin(store: Store): Attempt {
  return store.beginAttempt(keyOf(1), { name: nameOf(1), preimage: preimageOf(1) });
}

function lineOf(step: number, name = "loss"): MetricLine {
  return { step, tokens: 16 * step, name, value: 1 / (step + 3) };
}

Deno.test("Attempt.appendMetric() leaves every line on disk before it returns", () => {
  withStore((store) => {
    using attempt = begin(store);
    const path = `${attempt.folder}/metrics.jsonl`;
    for (let step = 0; step < 3; step++) {
      attempt.appendMetric(lineOf(step));
      const { lines, torn } = parseMetricLines(Deno.readTextFileSync(path), { path });
      assertEquals([lines.length, torn], [step + 1, false]);
      assertEquals(lines.at(-1), lineOf(step));
    }
    assertThrows(() => attempt.appendMetric({ ...lineOf(3), value: NaN }), NumericError);
    attempt.appendMetric({ ...lineOf(3), value: "NaN" });
    assertEquals(attempt.metricsBytes(), Deno.readFileSync(path));
  });
});

Deno.test("parseMetricLines() leaves out a torn last line at every place of the cut", () => {
  const whole = '{"name":"loss","step":1,"tokens":16,"value":2}\n';
  for (let cut = 0; cut <= whole.length; cut++) {
    const { lines, torn } = parseMetricLines(whole + whole.slice(0, cut), { path: "m" });
    assertEquals(lines.length, cut === whole.length ? 2 : 1);
    assertEquals(torn, cut !== 0 && cut !== whole.length);
  }
  assertEquals(parseMetricLines("", { path: "m" }), { lines: [], torn: false });
});

Deno.test("parseMetricLines() refuses damage before the last line, naming the line", () => {
  const good = '{"name":"loss","step":1,"tokens":16,"value":2}\n';
  for (const bad of ["{}\n", "x\n", "\n", '{"name":"loss","step":1}\n']) {
    const error = assertThrows(
      () => parseMetricLines(good + bad + good, { path: "m.jsonl" }),
      StoreError,
    );
    assertStringIncludes(error.message, "m.jsonl:2");
  }
});

Deno.test("Attempt.resumeFrom() gives the lines of an undisturbed run, without torn or later ones", () => {
  withStore((store) => {
    const steps = [0, 1, 2, 3, 4, 5];
    using undisturbed = begin(store);
    steps.forEach((step) => undisturbed.appendMetric(lineOf(step)));

    const killed = begin(store);
    for (const step of [0, 1, 2, 3, 4]) {
      killed.appendMetric(lineOf(step));
      if (step === 2) killed.saveCheckpoint({ step, bytes: new Uint8Array([step]) });
    }
    killed.close();
    Deno.writeTextFileSync(`${killed.folder}/metrics.jsonl`, '{"name":"lo', { append: true });

    const { point, rejected } = store.findResumePoint(keyOf(1));
    assertEquals([point?.step, rejected], [2, []]);
    using resumed = begin(store);
    resumed.resumeFrom(point!);
    for (const step of [3, 4, 5]) resumed.appendMetric(lineOf(step));
    assertEquals(resumed.metricsBytes(), undisturbed.metricsBytes());
    const again = assertThrows(() => resumed.resumeFrom(point!), StoreError);
    assertStringIncludes(again.message, "it has lines already");
  });
});

Deno.test("Attempt.writeStatus() replaces status.json", () => {
  withStore((store) => {
    using attempt = begin(store);
    const status = { at: "2026-01-01T00:00:00Z", host: "h", pid: 1, reason: null };
    attempt.writeStatus({ ...status, state: "running" });
    attempt.writeStatus({ ...status, state: "failed", reason: "no adapter" });
    const text = Deno.readTextFileSync(`${attempt.folder}/status.json`);
    assertEquals(JSON.parse(text), { ...status, state: "failed", reason: "no adapter" });
    assertEquals(Array.from(Deno.readDirSync(attempt.folder), (entry) => entry.name).sort(), [
      "metrics.jsonl",
      "status.json",
    ]);
  });
});
