/** Ops whose tensors are larger than what one launch may bind: cut launches give the bits of whole ones. */
import { assert, assertEquals } from "@std/assert";
import { input, type Op, output, type Trial, type TrialInput } from "../../../core/graph/op.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { op as bkCoreOp } from "../../../core/ops/bk_core.ts";
import { op as depthwiseConvOp } from "../../../core/ops/depthwise_conv.ts";
import { layerNormalise } from "../../../core/ops/layer_norm.ts";
import { launchByRows, perRow, rowRanges } from "../../../core/ops/row_shards.ts";
import { softmax } from "../../../core/ops/softmax.ts";
import { sum } from "../../../core/ops/sum.ts";
import { op as swapAxesOp } from "../../../core/ops/swap_axes.ts";
import { allOps } from "../_trials.ts";
import { assertSameBits, assertShardsAgree, SMALL, tailed } from "./_shards.ts";

/** Ops of which trials are larger than a shard. */
const CUT = [
  "angle",
  "angle_vjp",
  "batched_matmul",
  "concat",
  "fill",
  "layer_norm",
  "layer_norm_vjp",
  "matmul",
  "pad",
  "repeat",
  "rms_norm",
  "rms_norm_vjp",
  "slice",
  "softmax",
  "softmax_vjp",
];

for (const op of (await allOps()).filter(({ name }) => CUT.includes(name))) {
  Deno.test(`${op.name}() gives the same bits in small shards, both presets`, async () => {
    let cut = 0;
    for (const trial of op.trials) {
      if (await assertShardsAgree(op, { ...trial, gradientTolerance: false })) cut += 1;
    }
    assert(cut >= 1, "no trial is cut");
  });
}

/** The trial with so many sequences instead of those along the first axis of its input 0. */
function withBatch(trial: Trial, at: { readonly batch: number; readonly shared: number[] }): Trial {
  return {
    ...trial,
    inputs: trial.inputs.map((given, k) => {
      const [, ...rest] = given.type.shape;
      const type = { ...given.type, shape: [at.batch, ...rest] };
      return at.shared.includes(k) ? given : { ...given, type };
    }),
  };
}

for (
  const [name, batch, shared, trials] of [
    ["causal_attention", 70, [], ["primes", "a workgroup and one position more"]],
    ["linear_scan", 70, [], ["a prime length", "chunks and a position more"]],
    ["selective_scan", 70, [2], ["a prime length, zoh", "sixteen states, euler"]],
  ] as const
) {
  Deno.test(`${name}() and its gradient give the same bits in shards of sequences`, async () => {
    const op = (await allOps()).find((candidate) => candidate.name === name)!;
    for (const trial of op.trials.filter((candidate) => trials.some((t) => t === candidate.name))) {
      assert(await assertShardsAgree(op, withBatch(trial, { batch, shared: [...shared] })));
    }
  });
}

for (
  const [name, trials] of [
    ["bk_core_stream", ["no coupling"]],
    ["resolvent_mixer", ["several launches", "a position over", "warm up"]],
    ["resolvent_mixer_stream", ["several launches", "chunks, carry"]],
  ] as const
) {
  Deno.test(`${name}() and its gradient give the same bits in shards of sequences, every form`, async () => {
    const op = (await allOps()).find((candidate) => candidate.name === name)!;
    const chosen = op.trials.filter((trial) => trials.some((part) => trial.name.includes(part)));
    assertEquals(chosen.length, trials.length);
    for (const trial of chosen) {
      const shared = trial.inputs.flatMap(({ type }, k) => type.shape.length === 3 ? [] : [k]);
      assert(await assertShardsAgree(op, withBatch(trial, { batch: 70, shared })), trial.name);
    }
  });
}

/** The same chains in 19 sequences of 4 heads and 37 sites: shards of 16 sequences and of 3. */
function inSequences({ inputs: [v, p, eta, lambda], ...trial }: Trial): Trial {
  const sized = (given: TrialInput, ...shape: number[]): TrialInput => ({
    ...given,
    type: f32(...shape),
  });
  return {
    ...trial,
    inputs: [
      sized(v, 19, 4, 37),
      sized(p, p.type.shape[0] === 1 ? 1 : 36),
      sized(eta, eta.type.shape[0] === 1 ? 1 : 4),
      sized(lambda, lambda.type.shape[0] === 1 ? 1 : 4),
    ],
  };
}

for (const mode of ["causal", "bidirectional"]) {
  Deno.test(`bkCore() and its gradient give the same bits in shards of sequences, ${mode}, every form`, async () => {
    const names = ["longer than a run", "one coupling", "several launches", "prime length in"];
    const trials = bkCoreOp.trials.filter(({ name, attributes }) =>
      attributes.mode === mode && names.some((part) => name.includes(part))
    );
    assertEquals(
      new Set(trials.map(({ attributes }) => attributes.form)),
      new Set(["sequential", "carry", "halo"]),
    );
    for (const trial of trials) {
      assert(await assertShardsAgree(bkCoreOp as unknown as Op, inSequences(trial)), trial.name);
    }
  });
}

for (
  const [op, shape] of [
    [depthwiseConvOp, [70, 5, 3]], // shards of 64 sequences and of 6
    [depthwiseConvOp, [9, 31, 8]], // of 8 and of 1
    [swapAxesOp as unknown as Op, [70, 5, 3]],
    [swapAxesOp as unknown as Op, [9, 4, 8]],
  ] as const
) {
  const [x, ...others] = op === depthwiseConvOp
    ? [{ type: f32(...shape), law: "awkward" }, { type: f32(shape[2], 4), law: "normal" }] as const
    : [{ type: f32(...shape), law: "awkward" }] as const;
  Deno.test(`${op.name}() and its gradient give the same bits in shards, ${shape}`, async () => {
    const trial: Trial = {
      name: "shards",
      inputs: [x, ...others],
      attributes: op === depthwiseConvOp ? {} : { axis: 1 },
      tolerance: 0,
      gradientTolerance: 0,
    };
    assert(await assertShardsAgree(op, trial));
  });
}

for (
  const [name, reduce] of [
    ["softmax", softmax],
    ["layerNormalise", (x: Tensor) => layerNormalise(x, { epsilon: 1e-5 })],
  ] as const
) {
  Deno.test(`${name}() with a tail gives the same bits in shards`, async () => {
    for (const [shape, launches] of [[[130, 67], 3], [[40, 12], 3], [[9, 64], 9]] as const) {
      const graph = new Graph();
      graph.output("y", tailed(reduce(graph.input("x", f32(...shape)))));
      // A norm's factors of rows are 4 bytes each, so that only every 64th row can be where a shard starts.
      await assertSameBits(graph, name === "softmax" ? launches : Math.ceil(shape[0] / 64));
    }
  });
}

for (
  const [what, shape, axis, launches] of [
    // Partial sums are of 512 terms; each of 64 numbers can be where a shard starts.
    ["a long first axis", [1100, 64], 0, 4],
    ["long last axes", [130, 700], 1, 6],
    ["long middle axes", [3, 600, 64], 1, 6],
  ] as const
) {
  Deno.test(`sum() gives the same bits in shards, ${what}`, async () => {
    const graph = new Graph();
    graph.output("y", sum(graph.input("x", f32(...shape)), { axis }));
    await assertSameBits(graph, launches);
  });
}

Deno.test("adamw() and gradientNorm() give the same bits in shards of an arena", async () => {
  const size = 4096 * 32 + 4099; // partial sums of 4096 numbers, 32 of which can be where a shard starts
  const ops = await allOps();
  for (const [name, decayed] of [["adamw", 70], ["adamw", size], ["gradient_norm", 0]] as const) {
    const op = ops.find((candidate) => candidate.name === name)!;
    const [trial] = op.trials;
    const short = name === "adamw" ? 1000 : size;
    const inputs = trial.inputs.map((given, k): TrialInput =>
      k < 4 ? { ...given, type: f32(short), law: k === 2 ? "positive" : "normal" } : given
    );
    const attributes = name === "adamw" ? { ...trial.attributes, decayed } : trial.attributes;
    assert(await assertShardsAgree(op, { ...trial, inputs, attributes }), name);
  }
});

Deno.test("rowRanges() covers all rows with offsets that can be bound, at awkward sizes", () => {
  for (const rows of [1, 2, 63, 64, 65, 1009]) {
    for (const bytes of [[4], [12, 4], [148], [256, 4], [1024], [4096, 260]]) {
      const tensors = bytes.map((size, index) => perRow(input(index), size));
      for (const maxBindingBytes of [256, 1024, 2 ** 16]) {
        const ranges = rowRanges({ rows, perRow: tensors, maxBindingBytes });
        let next = 0;
        for (const range of ranges) {
          assertEquals(range.first, next);
          assert(range.rows >= 1);
          next += range.rows;
          for (const size of bytes) assertEquals(range.first * size % 256, 0);
        }
        assertEquals(next, rows);
        const widest = Math.max(...bytes);
        // 64 rows of any whole numbers of 4 bytes end at a multiple of 256.
        const fewest = Math.min(rows, 64) * widest;
        assert(ranges[0].rows * widest <= Math.max(maxBindingBytes, fewest));
      }
    }
  }
});

Deno.test("launchByRows() cuts what it is given by rows and binds the rest whole", () => {
  const bindings = [input(0), input(1), output(0)];
  const base = { source: "", shader: "", entryPoint: "", overrides: {}, workgroups: 1 };
  const shards = { rows: 100, perRow: [perRow(input(0), 4), perRow(output(0), 8)], ...SMALL };
  const launches = launchByRows(shards, ({ rows }) => [{ ...base, bindings, workgroups: rows }]);
  assertEquals(launches.map(({ workgroups }) => workgroups), [64, 36]);
  assertEquals(launches[1].bindings, [
    { role: "input", index: 0, byteOffset: 256, byteLength: 144 },
    { role: "input", index: 1 },
    { role: "output", index: 0, byteOffset: 512, byteLength: 288 },
  ]);
  const empty = launchByRows({ ...shards, perRow: [...shards.perRow, perRow(input(1), 0)] }, () => [
    { ...base, bindings },
  ]);
  assertEquals(empty[1].bindings[1], input(1));
  const [whole] = launchByRows({ ...shards, rows: 32 }, () => [{ ...base, bindings }]);
  assertEquals(whole.bindings, bindings);
});
