/** Runs a product, exp, scans in each form, a long sum and random bits through the real ops and compares with the host. */
import { DeviceError } from "../errors.ts";
import { argument, exp } from "../graph/expression.ts";
import type { Preset } from "../graph/op.ts";
import { f32, i32 } from "../graph/shape.ts";
import { Graph } from "../graph/tensor.ts";
import { bkCore } from "../ops/bk_core.ts";
import { applyExpression } from "../ops/elementwise.ts";
import { matmul } from "../ops/matmul.ts";
import { sum } from "../ops/sum.ts";
import { streamPosition, threefry } from "../ops/threefry.ts";
import type { Program } from "../plan/backend.ts";
import { compilePlan } from "../plan/compile_plan.ts";
import type { Plan } from "../plan/plan.ts";
import { bits, stream } from "../random/streams.ts";
import { uniform } from "../random/uniform.ts";

/** Largest errors found; they go into every record, so they hold nothing that differs between runs. */
export interface KernelResult {
  readonly [key: string]: number | boolean;
  /** Relative to the largest element of the product. */
  readonly matmulGpuError: number;
  readonly matmulSoftwareAdapterError: number;
  /** Units in the last place of the exact value. */
  readonly expUlp: number;
  /** Relative to the largest element; both sets of tiles. */
  readonly scanError: number;
  /** The same for a long scan in chunks that start early, and in chunks that are carried. */
  readonly haloError: number;
  readonly carryError: number;
  /** Relative to the sum of magnitudes; both sets of tiles. */
  readonly sumError: number;
  /** Random words that had exactly the host's bits (all of them, or the test fails). */
  readonly threefryWords: number;
  /** Whether both sets of tiles give the same bits. */
  readonly presetsAgree: boolean;
}

/** What the test needs of a backend. */
export interface KernelTestOptions {
  compile(plan: Plan, preset: Preset): Promise<Program>;
  /** Name of the adapter, for messages. */
  readonly description: string;
}

/** More than one tile of 64 rows and columns, a part of another, and whole blocks of 8 rows. */
const [ROWS, INNER, COLUMNS] = [72, 68, 68];
const EXPONENTS = 253;
/** More sites than one run of any form of the scan. */
const SITES = 131;
const [A, ETA, COUPLING] = [-2, Math.fround(0.1), 1];
/** Four chunks, walked early from nothing at the first shift and carried at the second. */
const LONG_SITES = 512;
const [HALO_ETA, CARRY_ETA] = [Math.fround(0.31), Math.fround(0.05)];
/** Beyond one chunk of a sum, so that it takes two stages. */
const TERMS = 2049;
/** Random words, at a step whose words have both signs as i32. */
const [WORDS, STEP] = [67, 37];
const RANDOM = stream(0, "self_test/threefry");

/** Bands, each as for the op's own trials: chains of that many roundings; WGSL allows exp 3 + 2 |x| ulp. */
const MATMUL_BAND = 1e-6 * Math.sqrt(INNER) + 1e-6;
const SCAN_BAND = 4e-6;
/** An early start is forgotten to 2^-24 where the warm-up is long enough. */
const HALO_BAND = 2e-6;
const SUM_BAND = 1e-6;

/** @throws {DeviceError} If a result is outside its band: what, got and expected */
export async function testKernels(options: KernelTestOptions): Promise<KernelResult> {
  const values = inputs();
  const want = expectedOf(values);
  const measured = new Map<Preset, Measured>();
  for (const preset of ["gpu", "software-adapter"] as const) {
    const got = await run(values, { ...options, preset });
    measured.set(preset, { got, errors: errorsOf({ values, want, got, preset, ...options }) });
  }
  const [gpu, software] = [measured.get("gpu")!, measured.get("software-adapter")!];
  const worst = (name: Case): number => Math.max(gpu.errors[name], software.errors[name]);
  return {
    matmulGpuError: gpu.errors.matmul,
    matmulSoftwareAdapterError: software.errors.matmul,
    expUlp: worst("exp"),
    scanError: worst("scan"),
    haloError: worst("halo"),
    carryError: worst("carry"),
    sumError: worst("sum"),
    threefryWords: WORDS,
    presetsAgree: CASES.every((name) =>
      gpu.got[name].every((x, i) => Object.is(x, software.got[name][i]))
    ),
  };
}

const CASES = ["matmul", "exp", "scan", "halo", "carry", "sum", "threefry"] as const;
type Case = typeof CASES[number];
type Results = Readonly<Record<Case, Float64Array>>;

interface Measured {
  readonly got: Results;
  readonly errors: Readonly<Record<Case, number>>;
}

type Inputs =
  & Readonly<
    Record<
      "a" | "b" | "x" | "v" | "long" | "p" | "eta" | "halo_eta" | "carry_eta" | "lambda" | "terms",
      Float32Array
    >
  >
  & { readonly position: Int32Array };

/** Numbers from fixed streams, uniform on (-reach, reach). */
function draw(name: string, size: number, reach = 1): Float32Array {
  const from = stream(0, `self_test/${name}`);
  return Float32Array.from(
    { length: size },
    (_, index) => reach * (2 * uniform(from, { step: 0, index }) - 1),
  );
}

function inputs(): Inputs {
  return {
    a: draw("a", ROWS * INNER),
    b: draw("b", INNER * COLUMNS),
    x: draw("x", EXPONENTS, 20),
    v: draw("v", SITES, 3),
    long: draw("long", LONG_SITES, 3),
    p: Float32Array.of(COUPLING),
    eta: Float32Array.of(ETA),
    halo_eta: Float32Array.of(HALO_ETA),
    carry_eta: Float32Array.of(CARRY_ETA),
    lambda: Float32Array.of(0),
    terms: draw("terms", TERMS),
    position: streamPosition(RANDOM, STEP),
  };
}

async function run(
  values: Inputs,
  options: KernelTestOptions & { readonly preset: Preset },
): Promise<Results> {
  const program = await options.compile(testPlan(), options.preset);
  try {
    program.step(values);
    const found = await Promise.all(CASES.map((name) => program.read(name)));
    return Object.fromEntries(CASES.map((name, k) => [name, found[k]])) as Record<
      Case,
      Float64Array
    >;
  } finally {
    program.destroy();
  }
}

function testPlan(): Plan {
  const graph = new Graph();
  const a = graph.input("a", f32(ROWS, INNER));
  const b = graph.input("b", f32(INNER, COLUMNS));
  graph.output("matmul", matmul(a, b));
  const x = graph.input("x", f32(EXPONENTS));
  graph.output("exp", applyExpression("exp", exp(argument(0)), [x]));
  const v = graph.input("v", f32(1, 1, SITES));
  const [p, eta, lambda] = ["p", "eta", "lambda"].map((name) => graph.input(name, f32(1)));
  graph.output("scan", bkCore({ v, p, eta, lambda }, { a: A, mode: "causal" }));
  const long = graph.input("long", f32(1, 1, LONG_SITES));
  for (const [name, etaMin] of [["halo", HALO_ETA], ["carry", CARRY_ETA]] as const) {
    const shift = graph.input(`${name}_eta`, f32(1));
    const bounds = { etaMin, pMax: COUPLING };
    graph.output(name, bkCore({ v: long, p, eta: shift, lambda }, { a: A, bounds }));
  }
  graph.output("sum", sum(graph.input("terms", f32(TERMS)), { axis: 0 }));
  graph.output("threefry", threefry(graph.input("position", i32(3)), [WORDS]));
  return compilePlan(graph);
}

function expectedOf({ a, b, x, v, long, terms }: Inputs): Results {
  const product = new Float64Array(ROWS * COLUMNS);
  product.forEach((_, at) => {
    const [row, column] = [Math.floor(at / COLUMNS), at % COLUMNS];
    for (let k = 0; k < INNER; k++) product[at] += a[row * INNER + k] * b[k * COLUMNS + column];
  });
  return {
    matmul: product,
    exp: Float64Array.from(x, (value) => Math.exp(value)),
    scan: pivotsOf(v, ETA),
    halo: pivotsOf(long, HALO_ETA),
    carry: pivotsOf(long, CARRY_ETA),
    sum: Float64Array.of(terms.reduce((total, value) => total + value, 0)),
    // The device gives the same 32 bits as a signed number.
    threefry: Float64Array.from(
      { length: WORDS },
      (_, index) => bits(RANDOM, { step: STEP, index }) | 0,
    ),
  };
}

/** g_i = 1 / (a + v_i - i eta - p g_{i-1}) in f64, real and imaginary parts. docs/mathematics.md §4. */
function pivotsOf(v: Float32Array, eta: number): Float64Array {
  const g = new Float64Array(2 * v.length);
  let [real, imaginary] = [0, 0];
  v.forEach((value, i) => {
    const re = A + value - COUPLING * real;
    const im = -eta - COUPLING * imaginary;
    const square = re * re + im * im;
    [real, imaginary] = [re / square, -im / square];
    g.set([real, imaginary], 2 * i);
  });
  return g;
}

interface Comparison {
  readonly values: Inputs;
  readonly want: Results;
  readonly got: Results;
  readonly preset: Preset;
  readonly description: string;
}

function errorsOf(comparison: Comparison): Readonly<Record<Case, number>> {
  const { want, values: { x, terms } } = comparison;
  const top = (list: Float64Array): number => list.reduce((m, y) => Math.max(m, Math.abs(y)), 0);
  const magnitude = terms.reduce((total, value) => total + Math.abs(value), 0);
  const ulp = (i: number): number => 2 ** (Math.floor(Math.log2(want.exp[i])) - 23);
  const scale = { matmul: top(want.matmul), sum: magnitude };
  const scan = (name: "scan" | "halo" | "carry", band: number): number => {
    const unit = top(want[name]);
    return largest(name, { ...comparison, unit: () => unit, band: () => band });
  };
  return {
    matmul: largest("matmul", { ...comparison, unit: () => scale.matmul, band: () => MATMUL_BAND }),
    exp: largest("exp", { ...comparison, unit: ulp, band: (i) => 3 + 2 * Math.abs(x[i]) }),
    scan: scan("scan", SCAN_BAND),
    halo: scan("halo", HALO_BAND),
    carry: scan("carry", SCAN_BAND),
    sum: largest("sum", { ...comparison, unit: () => scale.sum, band: () => SUM_BAND }),
    threefry: largest("threefry", { ...comparison, unit: () => 1, band: () => 0 }),
  };
}

/** Largest |got - want| in the unit of each element. @throws {DeviceError} If one is outside its band */
function largest(
  name: Case,
  { want, got, preset, description, unit, band }: Comparison & {
    readonly unit: (index: number) => number;
    readonly band: (index: number) => number;
  },
): number {
  let worst = 0;
  want[name].forEach((exact, i) => {
    const error = Math.abs(got[name][i] - exact) / unit(i);
    if (!(error <= band(i))) {
      throw new DeviceError(
        `The device "${description}" failed its self-test: element ${i} of ${name} with the tiles of ` +
          `"${preset}" is ${got[name][i]}, expected ${exact}: off by ${error}, at most ${
            band(i)
          } ` +
          "is allowed; the driver miscompiles this kernel, try another driver or version",
      );
    }
    worst = Math.max(worst, error);
  });
  return worst;
}
