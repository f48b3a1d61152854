import { assertEquals, assertThrows } from "@std/assert";
import { StoreError } from "../../../core/errors.ts";
import { stampMetrics } from "../../../core/run/stamp_metrics.ts";

// The published columns, then those of the audit.
const HEADER = "step,epoch,loss,perplexity,learning_rate,step_time,forward_time,backward_time," +
  "optimizer_time,gpu_memory_allocated,gpu_memory_reserved,grad_norm,grad_max,bk_scale,v_mean,v_std," +
  "G_ii_mean_real,G_ii_mean_imag,expert_usage,routing_entropy,num_nan_grads,num_inf_grads,val_loss," +
  "val_perplexity,leaks,largest_earlier_change";

Deno.test("stampMetrics() puts what was measured into every row, and refuses a folder without a log", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/metrics.json`;
    assertThrows(() => stampMetrics(folder, FOUND), StoreError, "got no such file");
    Deno.writeTextFileSync(path, '[{"step":1,"loss":"NaN","leaks":false},{"step":2,"loss":3}]\n');
    assertThrows(() => stampMetrics(folder, FOUND), StoreError, "metrics.csv");
    Deno.writeTextFileSync(`${folder}/metrics.csv`, "step,loss\n1,2\n");
    assertThrows(() => stampMetrics(folder, FOUND), StoreError, "got step,loss");
    const csv = (first: string, second: string) =>
      `${HEADER}\n1,1,NaN,${",".repeat(20)}${first}\n2,1,3,${",".repeat(20)}${second}\n`;
    Deno.writeTextFileSync(`${folder}/metrics.csv`, csv("false,", "false,0"));
    stampMetrics(folder, FOUND);
    assertEquals(Deno.readTextFileSync(`${folder}/metrics.csv`), csv("true,0.25", "true,0.25"));
    assertEquals(JSON.parse(Deno.readTextFileSync(path)), [
      { step: 1, loss: "NaN", leaks: true, largest_earlier_change: 0.25 },
      { step: 2, loss: 3, leaks: true, largest_earlier_change: 0.25 },
    ]);
    Deno.writeTextFileSync(path, '{"rows":1}');
    assertThrows(() => stampMetrics(folder, FOUND), StoreError, "expected the rows");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

const FOUND = { leaks: true, largestChange: 0.25 } as const;
