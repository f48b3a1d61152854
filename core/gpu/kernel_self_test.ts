/**
 * Runs products, exp, scans in each form, a long sum, halves and random bits through the real ops, with both sets of
 * tiles, and compares them with the host and with each other.
 */
import { DeviceError } from "../errors.ts";
import type { Preset } from "../graph/op.ts";
import type { Program } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import {
  SELF_TEST_CASES,
  type SelfTestCase,
  type SelfTestInputs,
  selfTestInputs,
  selfTestPlan,
  type SelfTestResults,
  WORDS,
} from "./kernel_self_test_cases.ts";
import { type SelfTestBand, selfTestBands, selfTestResults } from "./kernel_self_test_results.ts";

/** Largest errors found; they go into every record, so they hold nothing that differs between runs. */
export interface KernelResult {
  readonly [key: string]: number | boolean;
  /** Relative to the largest element of the product. */
  readonly matmulGpuError: number;
  readonly matmulSoftwareAdapterError: number;
  /** Relative to the largest element; a product with elementwise ops in its kernel, both sets of tiles. */
  readonly tailError: number;
  /** Units in the last place of the exact value. */
  readonly expUlp: number;
  /** Relative to the largest element; both sets of tiles. */
  readonly scanError: number;
  /** The same for a long scan in chunks that start early, and in chunks that are carried. */
  readonly haloError: number;
  readonly carryError: number;
  /** The same for values mixed by pivots, in order. */
  readonly mixerError: number;
  /** Relative to the sum of magnitudes; both sets of tiles. */
  readonly sumError: number;
  /** Numbers that came back from half precision as on the host, and random words that had exactly its bits. */
  readonly exactHalves: number;
  readonly threefryWords: number;
  /**
   * Whether both sets of tiles give the same bits. They add in the same order, but a compiler that contracts a * b + c
   * may do so in one kernel and not in another; hence only values further apart than their band fail the test.
   */
  readonly presetsAgree: boolean;
}

/** What the test needs of a backend. */
export interface KernelTestOptions {
  compile(plan: Plan, preset: Preset): Promise<Program>;
  /** Name of the adapter, for messages. */
  readonly description: string;
}

type Bands = Readonly<Record<SelfTestCase, SelfTestBand>>;

/** @throws {DeviceError} If a result is outside its band, or two presets' are that far apart: what, got, expected */
export async function testKernels(options: KernelTestOptions): Promise<KernelResult> {
  const values = selfTestInputs();
  const want = selfTestResults(values);
  const bands = selfTestBands(values, want);
  const plan = selfTestPlan();
  const check = async (preset: Preset) => {
    const got = await run(values, { ...options, plan, preset });
    return { got, errors: errorsOf(got, { ...options, want, bands, preset }) };
  };
  const gpu = await check("gpu");
  const software = await check("software-adapter");
  refuseApart({ gpu: gpu.got, software: software.got }, { ...options, bands });
  const worst = (name: SelfTestCase): number => Math.max(gpu.errors[name], software.errors[name]);
  return {
    matmulGpuError: gpu.errors.matmul,
    matmulSoftwareAdapterError: software.errors.matmul,
    tailError: worst("tail"),
    expUlp: worst("exp"),
    scanError: worst("scan"),
    haloError: worst("halo"),
    carryError: worst("carry"),
    mixerError: worst("mixer"),
    sumError: worst("sum"),
    exactHalves: want.halves.length,
    threefryWords: WORDS,
    presetsAgree: SELF_TEST_CASES.every((name) =>
      gpu.got[name].every((x, i) => Object.is(x, software.got[name][i]))
    ),
  };
}

function caseByCase<T>(of: (name: SelfTestCase) => T): Readonly<Record<SelfTestCase, T>> {
  return Object.fromEntries(SELF_TEST_CASES.map((name) => [name, of(name)])) as Record<
    SelfTestCase,
    T
  >;
}

async function run(
  values: SelfTestInputs,
  { plan, preset, compile }: KernelTestOptions & {
    readonly plan: Plan;
    readonly preset: Preset;
  },
): Promise<SelfTestResults> {
  const program = await compile(plan, preset);
  try {
    await program.step(values);
    const found = await Promise.all(SELF_TEST_CASES.map((name) => program.read(name)));
    return caseByCase((name) => found[SELF_TEST_CASES.indexOf(name)]);
  } finally {
    program.destroy();
  }
}

interface Comparison {
  readonly want: SelfTestResults;
  readonly bands: Bands;
  readonly preset: Preset;
  readonly description: string;
}

/** Largest |got - want| of each case in the unit of each element. @throws {DeviceError} If one is outside its band */
function errorsOf(
  got: SelfTestResults,
  { want, bands, preset, description }: Comparison,
): Readonly<Record<SelfTestCase, number>> {
  return caseByCase((name) => {
    const { worst, outside } = compare(got[name], { with: want[name], ...bands[name] });
    if (outside) {
      throw new DeviceError(
        `The device "${description}" failed its self-test: element ${outside.index} of ${name} with the tiles of ` +
          `"${preset}" is ${got[name][outside.index]}, expected ${
            want[name][outside.index]
          }: off by ` +
          `${outside.error}, at most ${outside.allowed} is allowed; the driver miscompiles this kernel, try another ` +
          "driver or version",
      );
    }
    return worst;
  });
}

/** @throws {DeviceError} If results of the presets are further apart than either may be from the exact one */
function refuseApart(
  { gpu, software }: { readonly gpu: SelfTestResults; readonly software: SelfTestResults },
  { bands, description }: { readonly bands: Bands; readonly description: string },
): void {
  for (const name of SELF_TEST_CASES) {
    const { outside } = compare(gpu[name], { with: software[name], ...bands[name] });
    if (!outside) continue;
    throw new DeviceError(
      `The device "${description}" failed its self-test: element ${outside.index} of ${name} is ` +
        `${gpu[name][outside.index]} with the tiles of "gpu" and ${
          software[name][outside.index]
        } with those of ` +
        `"software-adapter": apart by ${outside.error}, at most ${outside.allowed} is allowed, as both add in one ` +
        "order; the driver miscompiles one of them, try another driver or version",
    );
  }
}

interface Compared {
  readonly worst: number;
  /** The first element that is outside its band. */
  readonly outside?: { readonly index: number; readonly error: number; readonly allowed: number };
}

function compare(
  got: Float64Array,
  { with: other, unit, band }: SelfTestBand & { readonly with: Float64Array },
): Compared {
  let worst = 0;
  for (let index = 0; index < other.length; index++) {
    const error = Math.abs(got[index] - other[index]) / unit(index);
    const allowed = band(index);
    if (!(error <= allowed)) return { worst: error, outside: { index, error, allowed } };
    worst = Math.max(worst, error);
  }
  return { worst };
}
