/** Programs that share parameters and states find them at the same places. */
import { assertRejects } from "@std/assert";
import { HarnessError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { add } from "../../../core/ops/add.ts";
import { evaluationPlan } from "../../../core/evaluate/evaluation_plan.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import { requireSameLayout } from "../../../core/plan/require_same_layout.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { trainingPlan } from "../../../core/train/training_graph.ts";
import { CONFIGS, settingsOf } from "../models/_conformance.ts";

const gpu = await webGpuBackend();
globalThis.addEventListener("unload", () => gpu.destroy());
const backends = [gpu, referenceBackend({ precision: "f64" })];

interface Declared {
  readonly states?: readonly string[];
  readonly parameters?: readonly string[];
  readonly width?: number;
}

function planOf({ states = [], parameters = [], width = 3 }: Declared): Plan {
  const graph = new Graph();
  const type = f32(width);
  const all = [
    graph.input("x", type),
    ...states.map((name) => graph.state(name, { type, initial: 0 })),
    ...parameters.map((name) =>
      graph.parameter(name, { type, initial: { kind: "constant", value: 1 }, decay: true })
    ),
  ];
  graph.output("y", all.reduce((sum, tensor) => add(sum, tensor)));
  return compilePlan(graph);
}

const CASES: readonly (readonly [string, Declared, Declared, string])[] = [
  [
    "the second state alone",
    { states: ["a", "b"] },
    { states: ["b"] },
    'number 0 of their states, which is "a" (3) f32 at byte 0 in the owner and "b" (3) f32 at byte 0',
  ],
  [
    "one state too few",
    { states: ["a", "b"] },
    { states: ["a"] },
    'which is "b" (3) f32 at byte 256 in the owner and absent in the borrower',
  ],
  [
    "another order of parameters",
    { parameters: ["a", "b", "c"] },
    { parameters: ["a", "c", "b"] },
    "number 1 of their parameters",
  ],
  [
    "another shape",
    { parameters: ["a"] },
    { parameters: ["a"], width: 4 },
    '"a" (3) f32 at byte 0 in the owner and "a" (4) f32 at byte 0 in the borrower',
  ],
];

for (const [name, owner, borrower, message] of CASES) {
  Deno.test(`compile() with parametersOf refuses a plan that lays them out otherwise, ${name}`, async () => {
    for (const backend of backends) {
      const program = await backend.compile(planOf(owner));
      const borrow = async () => await backend.compile(planOf(borrower), { parametersOf: program });
      await assertRejects(borrow, HarnessError, message);
      program.destroy();
    }
  });
}

CONFIGS.forEach((model, index) => {
  Deno.test(`requireSameLayout() accepts a model's evaluations behind its training, ${index} ${model.kind}`, () => {
    const settings = settingsOf(model, { shape: { batch: 2, seqLen: 16 }, steps: 1 });
    for (const accumulation of [1, 2]) {
      const owner = trainingPlan({ ...settings, accumulation });
      requireSameLayout(owner, evaluationPlan({ ...settings, shape: { batch: 3, seqLen: 16 } }));
    }
  });
});
