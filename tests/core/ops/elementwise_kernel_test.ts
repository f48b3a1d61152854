/** Launches of an elementwise kernel whose operands are larger than what one launch may bind. */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { add, argument, constant, type Expression, mul } from "../../../core/graph/expression.ts";
import type { Op } from "../../../core/graph/op.ts";
import { f32, type Shape, sizeOf } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { apply } from "../../../core/graph/trace.ts";
import { fusedElementwiseOp, indexingsOf } from "../../../core/ops/elementwise.ts";
import {
  dispatchElementwise,
  type ElementwiseKernel,
} from "../../../core/ops/elementwise_kernel.ts";
import { relu } from "../../../core/ops/relu.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { NO_FUSION } from "../../../core/plan/fuse.ts";
import { normalQuantile } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const SUM = add(argument(0), argument(1));

Deno.test("dispatchElementwise() cuts 128 MiB into two launches of 64 MiB, row operands stay whole", () => {
  const size = 2 ** 25;
  const indexings = [{ inner: 1, size }, { inner: 1, size: 512 }];
  const launches = dispatchElementwise({ expression: SUM, indexings, size });
  const half = 64 * 2 ** 20;
  assertEquals(
    launches.map(({ bindings }) => bindings),
    [0, half].map((byteOffset) => [
      { role: "input", index: 0, byteOffset, byteLength: half },
      { role: "input", index: 1 },
      { role: "output", index: 0, byteOffset, byteLength: half },
    ]),
  );
  assertEquals(launches.map(({ workgroups }) => workgroups), [2 ** 16, 2 ** 16]); // 64 vec4 each
});

Deno.test("dispatchElementwise() takes one launch up to 64 MiB", () => {
  const size = 2 ** 24;
  const indexings = [{ inner: 1, size }, { inner: 1, size: 1 }];
  const [launch, ...more] = dispatchElementwise({ expression: SUM, indexings, size });
  assertEquals(more.length, 0);
  assertEquals(launch.bindings[0], { role: "input", index: 0 });
});

/** Largest part of an operand in these tests: 64 numbers. */
const PART = { maxBindingBytes: 256 };

/** The expression over tensors of these shapes in one launch, or in parts of 64 numbers. */
async function evaluate(expression: Expression, options: {
  readonly shapes: readonly Shape[];
  readonly inParts: boolean;
  /** Whether the output takes the memory of operand 0. */
  readonly inPlace?: boolean;
}): Promise<Float64Array> {
  const { shapes, inParts, inPlace = false } = options;
  const graph = new Graph();
  const given = shapes.map((shape, k) => graph.input(`x${k}`, f32(...shape)));
  // A value of the step, whose memory may be taken.
  const inputs: readonly Tensor[] = inPlace ? [relu(given[0]), ...given.slice(1)] : given;
  const output = f32(...shapes[0]);
  const indexings = indexingsOf({ inputs: inputs.map(({ type }) => type), outputs: [output] });
  const place = inPlace ? { inPlace: 0 } : {};
  const op = fusedElementwiseOp({ name: "parts", expression, indexings, output, ...place });
  const kernel: ElementwiseKernel = {
    expression,
    indexings,
    size: sizeOf(output.shape),
    ...place,
  };
  const launches = dispatchElementwise(kernel, inParts ? PART : {});
  assertEquals(launches.length, inParts ? Math.ceil(kernel.size / 64) : 1);
  const cut: Op<{ expression: string }> = { ...op, lower: { webgpu: () => launches } };
  graph.output("y", apply(cut, inputs, { expression: "" }));
  const program = await backend.compile(compilePlan(graph, { fusion: NO_FUSION }));
  try {
    const from = stream(3, "elementwise_kernel");
    program.step(Object.fromEntries(shapes.map((shape, k) => [
      `x${k}`,
      Float32Array.from(
        { length: sizeOf(shape) },
        (_, index) => normalQuantile(uniform(from, { step: k, index })),
      ),
    ])));
    return await program.read("y");
  } finally {
    program.destroy();
  }
}

const WHOLE_AND_SCALAR = add(mul(argument(0), argument(1)), constant(0.25));
const FOUR = add(mul(argument(0), argument(1)), mul(argument(2), argument(3)));

for (
  const [what, expression, shapes] of [
    ["whole operands, vectors", mul(argument(0), argument(1)), [[9, 32], [9, 32]]],
    ["whole operands, a prime size", mul(argument(0), argument(1)), [[331], [331]]],
    ["a scalar", WHOLE_AND_SCALAR, [[8, 20], [1]]],
    ["a row that parts do not divide", mul(argument(0), argument(1)), [[17, 12], [12]]],
    ["a row of odd length", mul(argument(0), argument(1)), [[23, 7], [7]]],
    ["a column", mul(argument(0), argument(1)), [[40, 12], [40, 1]]],
    ["a column of odd groups", mul(argument(0), argument(1)), [[29, 5], [29, 1]]],
    ["a middle axis", mul(argument(0), argument(1)), [[5, 6, 12], [6, 1]]],
    ["all at once", FOUR, [[6, 6, 8], [8], [6, 6, 8], [6, 1]]],
  ] as const
) {
  Deno.test(`dispatchElementwise() gives the same bits in parts, ${what}`, async () => {
    const whole = await evaluate(expression, { shapes, inParts: false });
    assert(new Set(whole).size > whole.length / 2, "values that cannot be told apart");
    assertEquals(await evaluate(expression, { shapes, inParts: true }), whole);
  });
}

Deno.test("dispatchElementwise() gives the same bits in parts, in the memory of an operand", async () => {
  const options = { shapes: [[9, 32], [32]], inPlace: true };
  const expression = add(argument(0), argument(1));
  const whole = await evaluate(expression, { ...options, inParts: false });
  assertEquals(await evaluate(expression, { ...options, inParts: true }), whole);
});
