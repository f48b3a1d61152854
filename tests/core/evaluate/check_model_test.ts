/** Every property holds for the worked example, and for each there is a mixer that lacks it alone. */
import { assertEquals, assertRejects } from "@std/assert";
import { NumericError, ShapeError, UsageError } from "../../../core/errors.ts";
import {
  expectAgreement,
  expectCausality,
  expectFiniteGradients,
  expectSameBits,
  expectStream,
  MODEL_PROPERTIES,
  type ModelUnderCheck,
} from "../../../core/evaluate/check_model.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import { MODELS } from "../../../core/models/registry.ts";
import type { SequenceMixer } from "../../../core/models/sequence_mixer.ts";
import { add } from "../../../core/ops/add.ts";
import { concat } from "../../../core/ops/concat.ts";
import { divide } from "../../../core/ops/divide.ts";
import { fill } from "../../../core/ops/fill.ts";
import { linearScan } from "../../../core/ops/linear_scan.ts";
import { multiply } from "../../../core/ops/multiply.ts";
import { reshape } from "../../../core/ops/reshape.ts";
import { scale } from "../../../core/ops/scale.ts";
import { slice } from "../../../core/ops/slice.ts";
import { EXAMPLE, modelAround } from "../models/_mixers.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

function checked(source: string, forward: SequenceMixer["forward"]) {
  return { backend, model: modelAround({ source, forward }) };
}

/** Position i gets what position i + 1 has; the last one what the first has. */
function readAhead(x: Tensor): Tensor {
  const n = x.type.shape[1];
  const later = slice(x, { axis: 1, from: 1, to: n });
  return concat([later, slice(x, { axis: 1, from: 0, to: 1 })], { axis: 1 });
}

/** The sum over all positions up to i, of one sequence after the other as if they were one. */
function sumOverBatch(x: Tensor): Tensor {
  const { graph, type: { shape: [batch, n, width] } } = x;
  const ones = fill(graph, { shape: [1, batch * n, width], value: 1 });
  return reshape(linearScan(ones, reshape(x, [1, batch * n, width])), [batch, n, width]);
}

for (const { name, isClaimed, expect } of MODEL_PROPERTIES) {
  Deno.test(`the worked example shows ${name}`, async () => {
    assertEquals(isClaimed?.(EXAMPLE) ?? true, true);
    await expect({ model: EXAMPLE, backend });
  });
}

async function fails(
  property: (at: ModelUnderCheck) => Promise<void>,
  at: { readonly under: ModelUnderCheck; readonly says: string },
): Promise<void> {
  await assertRejects(() => property(at.under), NumericError, at.says);
}

Deno.test("expectCausality() names the token and counts the earlier logits, mixer that reads ahead", async () => {
  const under = checked("ahead", readAhead);
  await fails(expectCausality, {
    under,
    says: "expected no earlier logit to change with the tokens from",
  });
  await expectAgreement(under);
  await expectFiniteGradients(under);
  await expectSameBits(under);
});

Deno.test("expectCausality() refuses a mixer in which one position alone reads the token after it", async () => {
  // Away from the ends and the middle of 23.
  for (const spot of [5, 16]) {
    const under = checked("spot", (x) => {
      const { type: { shape: [, n] } } = x;
      const cut = (from: number, to: number): Tensor => slice(x, { axis: 1, from, to });
      const rest = concat([cut(spot + 1, spot + 2), cut(spot + 1, n)], { axis: 1 });
      return add(x, concat([cut(0, spot), rest], { axis: 1 }));
    });
    await fails((at) => expectCausality(at, { lengths: [23] }), {
      under,
      says: `with the tokens from ${spot + 1} of 23 on, got `,
    });
  }
});

Deno.test("expectCausality() refuses sequences of a batch that see each other", async () => {
  const under = checked("across", sumOverBatch);
  await fails(expectCausality, { under, says: "expected no earlier logit to change" });
});

Deno.test("expectAgreement() refuses values that f32 cannot carry", async () => {
  const big = (x: Tensor): Tensor => fill(x.graph, { shape: [], value: 1e7 });
  const under = checked("cancel", (x) => add(add(x, big(x)), scale(big(x), -1)));
  await fails(expectAgreement, { under, says: "of the largest" });
});

Deno.test("expectAgreement() refuses logits that are not finite", async () => {
  const zero = (x: Tensor): Tensor => fill(x.graph, { shape: [], value: 0 });
  const under = checked("nan", (x) => divide(multiply(x, zero(x)), zero(x)));
  await fails(expectAgreement, { under, says: "expected finite logits, got NaN" });
});

Deno.test("expectFiniteGradients() names the parameter whose gradient overflows", async () => {
  const under = checked("steep", (x) => {
    const tiny = x.graph.parameter("tiny", {
      type: f32(1),
      initial: { kind: "constant", value: 1e-20 },
      decay: false,
    });
    const one = fill(x.graph, { shape: [], value: 1 });
    return multiply(scale(x, 1e-20), divide(one, tiny)); // d/dw of 1/w is 1e40
  });
  await expectAgreement(under);
  await fails(expectFiniteGradients, {
    under,
    says: 'expected a finite gradient of "block0/mixer/tiny"',
  });
});

Deno.test("expectSameBits() refuses a mixer that changes from trace to trace", async () => {
  let traces = 0;
  const under = checked("moods", (x) => scale(x, 1 + traces++));
  await fails(expectSameBits, { under, says: "expected the same parameters after 3 updates" });
});

Deno.test("expectStream() refuses a mixer that says it streams and keeps no state", async () => {
  const forgetful: SequenceMixer["forward"] = (x) => {
    const ones = fill(x.graph, { shape: [...x.type.shape], value: 1 });
    return linearScan(ones, x);
  };
  const model = modelAround({ source: "forgetful", forward: forgetful, streams: true });
  const under = { backend, model };
  await expectCausality(under);
  await fails(expectStream, { under, says: "of a stream in chunks of 5 and 1" });
});

Deno.test("module model does not stream unless its mixer says so", () => {
  const { model } = checked("still", (x) => x);
  assertEquals(
    MODELS.module.noStream(model),
    'the mixer of "./mixer.ts" does not say "streams"',
  );
  assertEquals(MODELS.module.noStream(EXAMPLE), undefined);
});

Deno.test("module model refuses a mixer of another shape, and one that was not loaded", async () => {
  const narrow = checked("narrow", (x) => slice(x, { axis: 2, from: 0, to: 6 }));
  await assertRejects(
    () => expectAgreement(narrow),
    ShapeError,
    "expected f32 (2, 13, 12) as its input, got f32 (2, 13, 6)",
  );
  const nothing = checked("nothing", () => undefined as unknown as Tensor);
  await assertRejects(() => expectAgreement(nothing), ShapeError, "got no tensor of the trace");
  const model = { ...EXAMPLE, module: { path: "./other.ts", sha256: null } };
  await assertRejects(
    () => expectAgreement({ model, backend }),
    UsageError,
    'mixer of "./other.ts": its module is not loaded',
  );
});
