/** What the kernel self-test runs: fixed inputs and the plan. */
import { argument, exp } from "../graph/expression.ts";
import { f32, i32 } from "../graph/shape.ts";
import { Graph, type Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { bkCore } from "../ops/bk_core.ts";
import { concat } from "../ops/concat.ts";
import { applyExpression } from "../ops/elementwise.ts";
import { matmul } from "../ops/matmul.ts";
import { multiply } from "../ops/multiply.ts";
import { packF16 } from "../ops/pack_f16.ts";
import { reshape } from "../ops/reshape.ts";
import { resolventMixer } from "../ops/resolvent_mixer.ts";
import { sum } from "../ops/sum.ts";
import { streamPosition, threefry } from "../ops/threefry.ts";
import { unpackF16 } from "../ops/unpack_f16.ts";
import { compilePlan } from "../plan/compile_plan.ts";
import type { Plan } from "../plan/plan.ts";
import { stream } from "../random/streams.ts";
import { uniform } from "../random/uniform.ts";

/** Results, in the order in which they are checked; labels of the plan's outputs. */
export const SELF_TEST_CASES = [
  "matmul",
  "tail",
  "exp",
  "scan",
  "halo",
  "carry",
  "mixer",
  "sum",
  "halves",
  "threefry",
] as const;
/** One of them. */
export type SelfTestCase = typeof SELF_TEST_CASES[number];

/** Values of each result. */
export type SelfTestResults = Readonly<Record<SelfTestCase, Float64Array>>;

/** More than one tile of 64 rows and columns, a part of another, and whole blocks of 8 rows. */
export const [ROWS, INNER, COLUMNS] = [72, 68, 68];
const EXPONENTS = 253;
/** More sites than one run of any form of the scan. */
const SITES = 131;
export const [A, ETA, COUPLING] = [-2, Math.fround(0.1), 1];
/** Four chunks, walked early from nothing at the first shift and carried at the second. */
const LONG_SITES = 512;
export const [HALO_ETA, CARRY_ETA] = [Math.fround(0.31), Math.fround(0.05)];
/** Columns of the mixer's one head: one vector of four and a part of another. */
export const WIDTH = 5;
/** Beyond one chunk of a sum, so that it takes two stages. */
const TERMS = 2049;
/** An odd number, so that the last word of packed halves is half full. */
const HALVES = 253;
/** Random words, at a step whose words have both signs as i32. */
export const [WORDS, STEP] = [67, 37];
export const RANDOM = stream(0, "self_test/threefry");

type FloatInput =
  | "a"
  | "b"
  | "row"
  | "residual"
  | "x"
  | "v"
  | "long"
  | "p"
  | "eta"
  | "halo_eta"
  | "carry_eta"
  | "lambda"
  | "mixer_values"
  | "terms"
  | "halves_of";
/** Values of the plan's inputs. */
export type SelfTestInputs =
  & Readonly<Record<FloatInput, Float32Array>>
  & { readonly position: Int32Array };

/** Numbers from fixed streams, uniform on (-reach, reach). */
function draw(name: string, size: number, reach = 1): Float32Array {
  const from = stream(0, `self_test/${name}`);
  return Float32Array.from(
    { length: size },
    (_, index) => reach * (2 * uniform(from, { step: 0, index }) - 1),
  );
}

/** The same numbers on every machine. */
export function selfTestInputs(): SelfTestInputs {
  return {
    a: draw("a", ROWS * INNER),
    b: draw("b", INNER * COLUMNS),
    row: draw("row", COLUMNS),
    residual: draw("residual", ROWS * COLUMNS),
    x: draw("x", EXPONENTS, 20),
    v: draw("v", SITES, 3),
    long: draw("long", LONG_SITES, 3),
    p: Float32Array.of(COUPLING),
    eta: Float32Array.of(ETA),
    halo_eta: Float32Array.of(HALO_ETA),
    carry_eta: Float32Array.of(CARRY_ETA),
    lambda: Float32Array.of(0),
    mixer_values: draw("mixer", SITES * WIDTH),
    terms: draw("terms", TERMS),
    // Halves of all sizes, those without a leading one included, that are finite.
    halves_of: draw("halves", HALVES).map((value, i) => value * 2 ** ((17 * i) % 43 - 27)),
    position: streamPosition(RANDOM, STEP),
  };
}

/** Every kernel of the test in one step. */
export function selfTestPlan(): Plan {
  const graph = new Graph();
  const input = (name: FloatInput, ...shape: number[]): Tensor => graph.input(name, f32(...shape));
  const [a, b] = [input("a", ROWS, INNER), input("b", INNER, COLUMNS)];
  graph.output("matmul", matmul(a, b));
  const scaled = multiply(matmul(a, b), input("row", COLUMNS));
  graph.output("tail", add(scaled, input("residual", ROWS, COLUMNS)));
  const x = input("x", EXPONENTS);
  graph.output("exp", applyExpression("exp", exp(argument(0)), [x]));
  traceScans(graph, input);
  graph.output("sum", sum(input("terms", TERMS), { axis: 0 }));
  graph.output("halves", unpackF16(packF16(input("halves_of", HALVES)), [HALVES]));
  graph.output("threefry", threefry(graph.input("position", i32(3)), [WORDS]));
  return compilePlan(graph);
}

/** bk_core in its three forms, and one head of the mixer in order: each further form costs four to six pipelines. */
function traceScans(
  graph: Graph,
  input: (name: FloatInput, ...shape: number[]) => Tensor,
): void {
  const v = input("v", 1, 1, SITES);
  const [p, eta, lambda] = [input("p", 1), input("eta", 1), input("lambda", 1)];
  graph.output("scan", bkCore({ v, p, eta, lambda }, { a: A, mode: "causal" }));
  const long = input("long", 1, 1, LONG_SITES);
  const shifts = { halo: input("halo_eta", 1), carry: input("carry_eta", 1) };
  for (const [name, etaMin] of [["halo", HALO_ETA], ["carry", CARRY_ETA]] as const) {
    const bounds = { etaMin, pMax: COUPLING };
    graph.output(name, bkCore({ v: long, p, eta: shifts[name], lambda }, { a: A, bounds }));
  }
  const column = reshape(v, [1, SITES, 1]);
  const x = input("mixer_values", 1, SITES, WIDTH);
  // The coupling p of bk_core is the square of a bond, and both are 1.
  const { re, im } = resolventMixer({ x, v: column, t: p, eta, lambda }, { a: A });
  graph.output("mixer", concat([re, im], { axis: 2 }));
}
