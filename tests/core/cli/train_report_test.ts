/** What is said of an audit: no more than was measured. */
import { assertEquals } from "@std/assert";
import { auditLine, stopLine } from "../../../core/cli/train_report.ts";
import type { ModelAudit } from "../../../core/run/audit_unit.ts";

/** An audit of two positions of 512 that found this. */
function auditOf(leak: ModelAudit["leak"]): ModelAudit {
  const changed = leak.largestChange > 0 ? 3 : 0;
  const probes = [1, 511].map((position) => ({
    ...{ position, changed },
    largestChange: leak.largestChange,
  }));
  return {
    leak,
    causality: {
      ...{ seqLen: 512, probes, changed: 2 * changed, largestChange: leak.largestChange },
      compared: { classes: 1024, of: 30_000 },
    },
  };
}

Deno.test("auditLine() counts positions and logits, and never calls a model causal", () => {
  const counted = "(1,024 of 30,000 logits compared)";
  assertEquals(
    auditLine(auditOf({ leaks: false, largestChange: 0, gainNats: null })),
    `audit     no leak found: changing tokens at 2 of 512 positions changed no bit of an earlier logit ${counted}`,
  );
  assertEquals(
    auditLine(auditOf({ leaks: true, largestChange: 0.25, gainNats: 0.125 })),
    `audit     LEAKS: changing tokens at 2 of 512 positions changed earlier logits by up to 0.25 ${counted}; later ` +
      "tokens are worth 0.1250 nats per token",
  );
  assertEquals(
    auditLine(auditOf({ leaks: true, largestChange: 0, gainNats: 0 })).slice(0, 60),
    "audit     LEAKS, as the model declares: changing tokens at 2",
  );
});

Deno.test("stopLine() promises a checkpoint while there is something to go on with, and no longer", () => {
  assertEquals(
    stopLine({ isTrained: false }),
    "Stopping: a checkpoint is saved first; press Ctrl-C again to stop at once",
  );
  assertEquals(stopLine({ isTrained: true }).includes("checkpoint"), false);
});
