import { assertEquals, assertThrows } from "@std/assert";
import { StoreError } from "../../../core/errors.ts";
import { openMetricsLog } from "../../../core/run/metrics_log.ts";
import { trainingMetrics } from "../../../core/run/training_metrics.ts";

// The columns that the write-ups publish, in their order.
const HEADER = "step,epoch,loss,perplexity,learning_rate,step_time,forward_time,backward_time," +
  "optimizer_time,gpu_memory_allocated,gpu_memory_reserved,grad_norm,grad_max,bk_scale,v_mean,v_std," +
  "G_ii_mean_real,G_ii_mean_imag,expert_usage,routing_entropy,num_nan_grads,num_inf_grads,val_loss," +
  "val_perplexity";
/** Ends with what is known of leaks. */
const STAMPED = `${HEADER},leaks,largest_earlier_change`;

function rowOf(step: number, loss = 2) {
  return trainingMetrics({
    step,
    loss,
    featureNorm: 4,
    gradNorm: 0.5,
    learningRate: 1e-3,
    finite: Number.isFinite(loss),
    diagnostics: {
      "v_mean/block0": [1],
      "v_mean/block1": [3],
      "v_square_mean/block0": [2],
      "v_square_mean/block1": [10],
      "g_mean/block0": [1, 10, 3, 30],
      "g_mean/block1": [5, 50, 7, 70],
      "expert_usage/block0": [0.25, 0.75],
      "expert_usage/block1": [0.75, 0.25],
      "routing_entropy/block0": [0.2],
      "routing_entropy/block1": [0.4],
    },
  }, {
    epoch: 1,
    stepSeconds: 0.5,
    phases: null,
    bytes: 3 * 2 ** 20,
  });
}

function inFolder(use: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** A closed log of rows 1 to `count`. */
function written(folder: string, count: number): string {
  const log = openMetricsLog(folder, { step: 0, leaks: true });
  log.append(Array.from({ length: count }, (_, i) => rowOf(i + 1)));
  log.writeJson();
  log.close();
  return `${folder}/metrics.csv`;
}

Deno.test("trainingMetrics() averages over blocks, v_std is that of all values together", () => {
  const row = rowOf(2);
  // mean of 1 and 3; sqrt(mean of 2 and 10 - 2^2)
  assertEquals([row.v_mean, row.v_std], [2, Math.sqrt(2)]);
  // Channels stand as real, imaginary, real, imaginary.
  assertEquals([row.G_ii_mean_real, row.G_ii_mean_imag], [4, 40]);
  assertEquals(row.expert_usage, [0.5, 0.5]);
  if (!(Math.abs(Number(row.routing_entropy) - 0.3) < 1e-15)) throw new Error("entropy");
  // exp(2) = 7.38905609893065, by python3 math.exp
  if (!(Math.abs(Number(row.perplexity) - 7.38905609893065) <= 1e-6)) throw new Error("perplexity");
  assertEquals([row.gpu_memory_allocated, row.gpu_memory_reserved], [3, null]);
  assertEquals([row.num_nan_grads, row.val_loss, row.val_perplexity], [0, null, null]);
  const bad = rowOf(3, NaN);
  assertEquals([bad.loss, bad.perplexity, bad.num_nan_grads], ["NaN", "NaN", null]);
});

Deno.test("openMetricsLog() writes the published columns, the same rows in CSV and JSON", () => {
  inFolder((folder) => {
    const [header, first, second] = Deno.readTextFileSync(written(folder, 2)).split("\n");
    assertEquals(header, STAMPED);
    assertEquals(first.split(",").slice(0, 6), [
      "1",
      "1",
      "2",
      String(Math.exp(2)),
      "0.001",
      "0.5",
    ]);
    assertEquals(second.split(",").length, 26);
    // The settings declare a leak; how large it is was not measured yet.
    assertEquals(second.split(",").slice(-2), ["true", ""]);
    assertEquals(second.split(",")[18], "0.5;0.5");
    const rows = JSON.parse(Deno.readTextFileSync(`${folder}/metrics.json`));
    assertEquals(Object.keys(rows[0]).join(","), `${HEADER},leaks`);
    assertEquals(rows, [{ ...rowOf(1), leaks: true }, { ...rowOf(2), leaks: true }]);
  });
});

Deno.test("openMetricsLog() goes on without a step twice, dropping later rows and a torn line", () => {
  inFolder((folder) => {
    const path = written(folder, 3);
    Deno.writeTextFileSync(path, `${Deno.readTextFileSync(path)}4,1,2.`);
    const log = openMetricsLog(folder, { step: 2, leaks: true });
    assertEquals(log.rows, [rowOf(1), rowOf(2)]);
    log.append([rowOf(3, NaN)]);
    log.close();
    const again = openMetricsLog(folder, { step: 3, leaks: true });
    assertEquals(again.rows, [rowOf(1), rowOf(2), rowOf(3, NaN)]);
    again.close();
    assertThrows(
      () => openMetricsLog(folder, { step: 4, leaks: true }),
      StoreError,
      "4 rows, got 3 rows",
    );
    Deno.writeTextFileSync(path, "step,loss\n1,2\n");
    assertThrows(() => openMetricsLog(folder, { step: 1, leaks: true }), StoreError, "--restart");
    openMetricsLog(folder, { step: 0, leaks: true }).close();
    assertEquals(Deno.readTextFileSync(path), `${STAMPED}\n`);
  });
});

Deno.test("openMetricsLog() goes on with a log without the columns of leaks, and adds them", () => {
  inFolder((folder) => {
    const path = written(folder, 2);
    const text = Deno.readTextFileSync(path);
    Deno.writeTextFileSync(path, text.replaceAll(/,(leaks,largest_earlier_change|true,)$/gm, ""));
    const log = openMetricsLog(folder, { step: 2, leaks: true });
    log.close();
    assertEquals(log.rows, [rowOf(1), rowOf(2)]);
    assertEquals(Deno.readTextFileSync(path), text);
  });
});

Deno.test("MetricsLog.setValLoss() gives the last row its loss, rows before and after as they were", () => {
  inFolder((folder) => {
    const log = openMetricsLog(folder, { step: 0, leaks: false });
    log.append([rowOf(1), rowOf(2)]);
    log.setValLoss(2);
    log.append([rowOf(3)]);
    log.close();
    const again = openMetricsLog(folder, { step: 3, leaks: false });
    again.close();
    assertEquals(again.rows.map((row) => row.val_loss), [null, 2, null]);
    // exp(2) = 7.38905609893065, by python3 math.exp
    const perplexity = Number(again.rows[1].val_perplexity);
    if (!(Math.abs(perplexity - 7.38905609893065) <= 1e-6)) throw new Error("val_perplexity");
  });
});
