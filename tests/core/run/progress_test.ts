import { assertEquals } from "@std/assert";
import type { PlannedJob } from "../../../core/run/plan_campaign.ts";
import { Progress } from "../../../core/run/progress.ts";
import type { RunRecord } from "../../../core/store/record.ts";

function job(key: string): PlannedJob {
  return { key, unit: { name: `tiny/${key}` } } as unknown as PlannedJob;
}

function record(loss: number, wallSeconds: number): RunRecord {
  const metrics = { val_loss: { value: loss, bits: "" } };
  return { outcome: { kind: "ok" }, metrics, timing: { wallSeconds } } as unknown as RunRecord;
}

/** Progress over units a (predicted 10 s) and b (30 s), with a clock that the test sets. */
function twoUnits() {
  const at = { now: 100 };
  const clock = { seconds: () => at.now, timestamp: () => "" };
  const predicted = new Map([["a", 10], ["b", 30]]);
  return { at, progress: new Progress([job("a"), job("b")], { clock, predicted }) };
}

Deno.test("Progress scales the time left by what finished units really took", () => {
  const { at, progress } = twoUnits();
  at.now = 120; // 20 s for what was predicted as 10: 30 more are 60
  assertEquals(
    progress.sealed("a", record(1.5, 20)),
    "[1/2] tiny/a: val_loss 1.5000 nats, 20.0 s; 1 min 0 s left",
  );
  at.now = 180;
  assertEquals(progress.failed("b", "NumericError"), "[2/2] tiny/b: FAILED with NumericError");
});

Deno.test("Progress reports a running unit after ten silent seconds, its share counted", () => {
  const { at, progress } = twoUnits();
  at.now = 109;
  assertEquals(progress.running("b", { step: 1, steps: 6 }), undefined);
  at.now = 110; // 2/6 of 30 s are 10 of 40, done in 10 s
  assertEquals(
    progress.running("b", { step: 2, steps: 6 }),
    "[0/2] tiny/b: update 2 of 6; 30 s left",
  );
  at.now = 119;
  assertEquals(progress.running("b", { step: 3, steps: 6 }), undefined);
});

Deno.test("Progress counts no set-up of a worker as a unit", () => {
  const { progress } = twoUnits();
  assertEquals(progress.failed("", "DeviceError"), "[0/2] worker set-up: FAILED with DeviceError");
});

Deno.test("Progress names a diverged run as what it is", () => {
  const { progress, at } = twoUnits();
  at.now = 110;
  const diverged = {
    ...record(0, 1),
    metrics: { val_loss: null },
    outcome: { kind: "diverged", step: 7, reason: "loss or gradient is not finite" },
  } as unknown as RunRecord;
  assertEquals(
    progress.sealed("a", diverged),
    "[1/2] tiny/a: DIVERGED at update 7 (loss or gradient is not finite), 1.0 s; 30 s left",
  );
});
