/** Every kernel of the product, not only those the table chooses, on sizes that no tile divides. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { HarnessError } from "../../../core/errors.ts";
import { openDevice } from "../../../core/gpu/device.ts";
import { PipelineCache } from "../../../core/gpu/pipeline.ts";
import { timeDispatches } from "../../../core/gpu/time_dispatches.ts";
import { type Binding, input, output } from "../../../core/graph/op.ts";
import { dispatchMatmul } from "../../../core/ops/matmul.ts";
import {
  MATMUL_KERNELS,
  matmulGrid,
  type MatmulSizes,
  matmulTile,
} from "../../../core/ops/matmul_tiles.ts";
import { takesVectors } from "../../../core/ops/tile_table.ts";

const BINDINGS: readonly [Binding, Binding, Binding] = [input(0), input(1), output(0)];
/** Only results matter here. */
const ONCE = { seconds: () => performance.now() / 1000, blockSeconds: 0.1, rounds: 0 };

/** Small integers times powers of two: products and sums are exact, so a wrong index cannot hide in rounding. */
function exactValues(size: number, factor: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size }, (_, i) => ((i * factor) % 31 - 15) * 2 ** (i % 3));
}

function byDefinition(sizes: MatmulSizes, a: Float32Array, b: Float32Array): Float32Array {
  const { rows, inner, columns, transposeA, transposeB, products = 1 } = sizes;
  return Float32Array.from({ length: products * rows * columns }, (_, index) => {
    const product = Math.floor(index / (rows * columns));
    const [i, j] = [Math.floor(index / columns) % rows, index % columns];
    const [firstA, firstB] = [product * rows * inner, product * inner * columns];
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      sum += a[firstA + (transposeA ? k * rows + i : i * inner + k)] *
        b[firstB + (transposeB ? j * inner + k : k * columns + j)];
    }
    return sum;
  });
}

/** Vectors fit, tiles do not; those of 128 columns have whole groups of lanes in each block of rows. */
const EVEN: readonly MatmulSizes[] = [
  { rows: 17, inner: 20, columns: 68, transposeA: false, transposeB: false },
  { rows: 20, inner: 12, columns: 68, transposeA: true, transposeB: false },
  { rows: 65, inner: 12, columns: 20, transposeA: false, transposeB: true },
  { rows: 36, inner: 4, columns: 12, transposeA: true, transposeB: true },
  { rows: 15, inner: 8, columns: 128, transposeA: false, transposeB: false },
  { rows: 15, inner: 8, columns: 128, transposeA: false, transposeB: false, products: 3 },
  { rows: 20, inner: 12, columns: 68, transposeA: true, transposeB: false, products: 2 },
  { rows: 65, inner: 12, columns: 20, transposeA: false, transposeB: true, products: 3 },
  { rows: 4, inner: 4, columns: 4, transposeA: true, transposeB: true, products: 37 },
];
const UNEVEN: readonly MatmulSizes[] = [
  { rows: 13, inner: 7, columns: 67, transposeA: false, transposeB: false },
  { rows: 66, inner: 5, columns: 9, transposeA: true, transposeB: false },
  { rows: 9, inner: 17, columns: 65, transposeA: false, transposeB: true },
  { rows: 1, inner: 1, columns: 1, transposeA: true, transposeB: true },
  { rows: 13, inner: 7, columns: 67, transposeA: true, transposeB: true, products: 3 },
  { rows: 3, inner: 5, columns: 2, transposeA: false, transposeB: false, products: 41 },
];

for (const sizes of [...EVEN, ...UNEVEN]) {
  const { rows, inner, columns, transposeA, transposeB, products = 1 } = sizes;
  const layout = `${transposeA ? "t" : "n"}${transposeB ? "t" : "n"}`;
  const name = `${rows} x ${inner} x ${columns} ${layout}, ${products} of them`;
  Deno.test(`matmul kernels give the exact product of ${name}`, async () => {
    const open = await openDevice();
    try {
      const kernels = Object.entries(MATMUL_KERNELS)
        .filter(([, { vectors }]) => !vectors || EVEN.includes(sizes));
      const dispatches = kernels.map(([entryPoint, { owner }]) =>
        dispatchMatmul(sizes, {
          preset: "gpu",
          bindings: BINDINGS,
          tile: { entryPoint, workgroup: owner === "workgroup" ? 256 : 8 },
        })
      );
      const a = exactValues(products * rows * inner, 7);
      const b = exactValues(products * inner * columns, 11);
      const found = await timeDispatches(open, {
        dispatches,
        contents: [a, b, new Float32Array(products * rows * columns)],
        pipelines: new PipelineCache(open.device),
        timing: ONCE,
      });
      const want = byDefinition(sizes, a, b);
      found.forEach(({ result }, k) =>
        assertEquals(new Float32Array(result.buffer), want, kernels[k][0])
      );
    } finally {
      open.device.destroy();
    }
  });
}

Deno.test("matmul kernels that accumulate add to what is there", async () => {
  const open = await openDevice();
  try {
    const sizes = { rows: 17, inner: 4, columns: 20, transposeA: false, transposeB: true };
    const [a, b] = [exactValues(17 * 4, 7), exactValues(4 * 20, 11)];
    const c = exactValues(17 * 20, 13);
    for (const [entryPoint, { owner }] of Object.entries(MATMUL_KERNELS)) {
      const tile = { entryPoint, workgroup: owner === "workgroup" ? 256 : 8 };
      const [{ result }] = await timeDispatches(open, {
        dispatches: [
          dispatchMatmul({ ...sizes, accumulate: true }, {
            preset: "gpu",
            bindings: BINDINGS,
            tile,
          }),
        ],
        contents: [a, b, c],
        pipelines: new PipelineCache(open.device),
        timing: ONCE,
      });
      const product = byDefinition(sizes, a, b);
      const want = c.map((value, i) => value + product[i]);
      assertEquals(new Float32Array(result.buffer), want, entryPoint);
    }
  } finally {
    open.device.destroy();
  }
});

Deno.test("matmul kernels add to the last product once where a folded grid has workgroups to spare", async () => {
  const open = await openDevice();
  try {
    const sizes = {
      rows: 5,
      inner: 4,
      columns: 4,
      transposeA: false,
      transposeB: true,
      products: 3,
    };
    const [a, b] = [exactValues(3 * 5 * 4, 7), exactValues(3 * 4 * 4, 11)];
    const c = exactValues(3 * 5 * 4, 13);
    const dispatches = Object.entries(MATMUL_KERNELS).map(([entryPoint, { owner }]) => {
      const tile = { entryPoint, workgroup: owner === "workgroup" ? 256 : 8 };
      const dispatch = dispatchMatmul({ ...sizes, accumulate: true }, {
        preset: "gpu",
        bindings: BINDINGS,
        tile,
      });
      return { ...dispatch, workgroups: dispatch.workgroups + 9 };
    });
    const found = await timeDispatches(open, {
      dispatches,
      contents: [a, b, c],
      pipelines: new PipelineCache(open.device),
      timing: ONCE,
    });
    const product = byDefinition(sizes, a, b);
    const want = c.map((value, i) => value + product[i]);
    found.forEach(({ result }, k) =>
      assertEquals(new Float32Array(result.buffer), want, dispatches[k].entryPoint)
    );
  } finally {
    open.device.destroy();
  }
});

Deno.test("matmulTile() gives kernels that take their shapes, for both presets", () => {
  for (const sizes of [...EVEN, ...UNEVEN]) {
    for (const scale of [1, 256]) {
      const scaled = { ...sizes, rows: sizes.rows * scale };
      for (const preset of ["gpu", "software-adapter"] as const) {
        const tile = matmulTile(scaled, preset);
        const { workgroups } = matmulGrid(scaled, tile);
        const { owner, rows, columns } = MATMUL_KERNELS[tile.entryPoint];
        const owners = workgroups * (owner === "workgroup" ? 1 : tile.workgroup);
        assert(owners * rows * columns >= scaled.rows * scaled.columns);
      }
    }
  }
});

Deno.test("matmulGrid() refuses a kernel of vectors for rows that are none, and unknown kernels", () => {
  const tile = { entryPoint: "rows_16x4", workgroup: 8 };
  assert(!takesVectors("uneven"));
  assertThrows(() => matmulGrid(UNEVEN[0], tile), HarnessError, "multiples of 4");
  const unknown = { entryPoint: "rows_9x9", workgroup: 8 };
  assertThrows(() => matmulGrid(EVEN[0], unknown), HarnessError, "none of that name");
});
