/**
 * How the time of the Birman-Schwinger core grows with N, with all of its monitoring: the slope of ln seconds
 * over ln N for N = 2^10 to 2^17. An O(N) method has 1; caches and the allocator add a little.
 */
import { linearRegression } from "simple-statistics";
import { parseArguments } from "../../core/cli/args.ts";
import { runMain } from "../../core/cli/main.ts";
import type { CommandSpec, OptionSpecs } from "../../core/cli/option_spec.ts";
import { stream } from "../../core/random/streams.ts";
import { uniform } from "../../core/random/uniform.ts";
import { birmanSchwingerCore } from "../../core/spectral/birman_schwinger_core.ts";
import { handOver, OUTPUT_OPTIONS, textTable } from "./bench_output.ts";
import { machineFacts, machineLine } from "./machine_facts.ts";

const COMMAND = {
  name: "spectral-scaling",
  summary: "Growth of the Birman-Schwinger core's time with the number of sites, monitoring on",
  options: {
    full: { kind: "boolean", description: "seven repetitions instead of three" },
    ...OUTPUT_OPTIONS,
  },
} as const satisfies CommandSpec<OptionSpecs>;

const POWERS = [10, 11, 12, 13, 14, 15, 16, 17];
const Z = { lambda: 0, eta: 0.1 };

interface Timing {
  readonly n: number;
  /** Fastest repetition: the others were disturbed. */
  readonly evaluateSeconds: number;
  readonly diagnosticsSeconds: number;
}

async function spectralScaling(args: readonly string[]): Promise<void> {
  const parsed = parseArguments(args, COMMAND);
  if (parsed.kind === "help") return console.log(parsed.text);
  const { full, json, out } = parsed.options;
  timing(1024, 20); // compiled before the first clock starts
  const timings = POWERS.map((power) => timing(2 ** power, full ? 7 : 3));
  const exponents = {
    evaluate: exponentOf(timings.map(({ n, evaluateSeconds }) => [n, evaluateSeconds])),
    diagnostics: exponentOf(timings.map(({ n, diagnosticsSeconds }) => [n, diagnosticsSeconds])),
  };
  const machine = machineFacts();
  const rows = [
    ["N", "evaluate ms", "diagnostics ms"],
    ...timings.map(({ n, evaluateSeconds, diagnosticsSeconds }) => [
      String(n),
      (1e3 * evaluateSeconds).toFixed(2),
      (1e3 * diagnosticsSeconds).toFixed(1),
    ]),
    ["exponent", exponents.evaluate.toFixed(3), exponents.diagnostics.toFixed(3)],
  ];
  const text = `${machineLine(machine)}\n${textTable(rows)}`;
  await handOver({ machine, timings, exponents }, { json, out, text });
}

function timing(n: number, repetitions: number): Timing {
  const values = stream(1, "bench/potential");
  const v = Float64Array.from(
    { length: n },
    (_, index) => 6 * uniform(values, { step: 0, index }) - 3,
  );
  const core = birmanSchwingerCore({ nSeq: n, epsilon: 1, useMourre: true, useLap: true });
  const fastest = (call: () => void): number => {
    let best = Infinity;
    for (let k = 0; k < repetitions; k++) {
      const start = performance.now();
      call();
      best = Math.min(best, (performance.now() - start) / 1e3);
    }
    return best;
  };
  return {
    n,
    evaluateSeconds: fastest(() => core.evaluate(v, Z)),
    diagnosticsSeconds: fastest(() => core.diagnostics(v, Z)),
  };
}

/** Least-squares slope of ln seconds over ln N. */
function exponentOf(points: readonly (readonly [number, number])[]): number {
  return linearRegression(points.map(([n, seconds]) => [Math.log(n), Math.log(seconds)])).m;
}

if (import.meta.main) await runMain(() => spectralScaling(Deno.args));
