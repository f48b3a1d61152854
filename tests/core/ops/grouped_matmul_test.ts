/** Every kernel of the grouped product and of its weight gradient, on counts that no tile divides. */
import { assertEquals, assertThrows } from "@std/assert";
import { HarnessError } from "../../../core/errors.ts";
import { openDevice } from "../../../core/gpu/device.ts";
import { PipelineCache } from "../../../core/gpu/pipeline.ts";
import { timeDispatches } from "../../../core/gpu/time_dispatches.ts";
import { dispatchGroupedMatmul } from "../../../core/ops/grouped_matmul.ts";
import { GROUPED_KERNELS, groupedWorkgroups } from "../../../core/ops/grouped_matmul_tiles.ts";
import { dispatchGroupedMatmulVjpW } from "../../../core/ops/grouped_matmul_vjp_w.ts";

const ONCE = { seconds: () => performance.now() / 1000, blockSeconds: 0.1, rounds: 0 };
/** Around tiles of 8 and 16 rows, with experts that have none. */
const START = Int32Array.of(0, 0, 17, 24, 39, 39, 40);
const SIZES = { slots: 40, inner: 20, columns: 36, experts: 6 };

/** Small integers times powers of two: products and sums are exact. */
function exactValues(size: number, factor: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size }, (_, i) => ((i * factor) % 31 - 15) * 2 ** (i % 3));
}

function expertOf(slot: number): number {
  return START.findIndex((_, e) => START[e] <= slot && slot < START[e + 1]);
}

for (const transposeW of [false, true]) {
  Deno.test(`grouped_matmul kernels give the exact product, transpose ${transposeW}`, async () => {
    const { slots, inner, columns, experts } = SIZES;
    const x = exactValues(slots * inner, 7);
    const w = exactValues(experts * inner * columns, 11);
    const want = Float32Array.from({ length: slots * columns }, (_, index) => {
      const [s, m] = [Math.floor(index / columns), index % columns];
      const base = expertOf(s) * inner * columns;
      let sum = 0;
      for (let k = 0; k < inner; k++) {
        sum += x[s * inner + k] * w[base + (transposeW ? m * inner + k : k * columns + m)];
      }
      return sum;
    });
    const names = Object.keys(GROUPED_KERNELS.grouped_matmul);
    const dispatches = names.map((entryPoint) =>
      dispatchGroupedMatmul(SIZES, {
        preset: "gpu",
        transposeW,
        tile: { entryPoint, workgroup: 8 },
      })
    );
    await expectResults({ names, dispatches, contents: [x, w, START], want });
  });
}

Deno.test("grouped_matmul_vjp_w kernels give the exact gradient, zeros for experts without rows", async () => {
  const { slots, inner, columns, experts } = SIZES;
  const a = exactValues(slots * inner, 7);
  const b = exactValues(slots * columns, 11);
  const want = Float32Array.from({ length: experts * inner * columns }, (_, index) => {
    const [e, p] = [Math.floor(index / (inner * columns)), Math.floor(index / columns) % inner];
    let sum = 0;
    for (let s = START[e]; s < START[e + 1]; s++) {
      sum += a[s * inner + p] * b[s * columns + index % columns];
    }
    return sum;
  });
  const names = Object.keys(GROUPED_KERNELS.grouped_matmul_vjp_w);
  const dispatches = names.map((entryPoint) =>
    dispatchGroupedMatmulVjpW(SIZES, { preset: "gpu", tile: { entryPoint, workgroup: 8 } })
  );
  await expectResults({ names, dispatches, contents: [a, b, START], want });
});

async function expectResults({ names, dispatches, contents, want }: {
  readonly names: readonly string[];
  readonly dispatches: Parameters<typeof timeDispatches>[1]["dispatches"];
  readonly contents: Parameters<typeof timeDispatches>[1]["contents"];
  readonly want: Float32Array;
}): Promise<void> {
  const open = await openDevice();
  try {
    // NaN where nothing is stored.
    const output = new Float32Array(want.length).fill(NaN);
    const found = await timeDispatches(open, {
      dispatches,
      contents: [...contents, output],
      pipelines: new PipelineCache(open.device),
      timing: ONCE,
    });
    found.forEach(({ result }, k) => assertEquals(new Float32Array(result.buffer), want, names[k]));
  } finally {
    open.device.destroy();
  }
}

Deno.test("groupedWorkgroups() refuses a kernel of vectors for rows that are none, and unknown kernels", () => {
  const sizes = { ...SIZES, inner: 21 };
  const at = (entryPoint: string) => () =>
    groupedWorkgroups("grouped_matmul", { sizes, tile: { entryPoint, workgroup: 8 } });
  assertThrows(at("rows_8x2"), HarnessError, "multiples of 4");
  assertThrows(at("rows_9x9"), HarnessError, "expected one of scalar");
});
