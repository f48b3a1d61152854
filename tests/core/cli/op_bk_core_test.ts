/** `deno task op bk_core` on the adapter against the definition, at the lengths and widths that are promised. */
import { assert } from "@std/assert";
import { parseOpCase } from "../../../core/cli/op_case.ts";
import { OPS } from "../../../core/cli/op_registry.ts";
import { type OpResult, runOp } from "../../../core/cli/run_op.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { normal } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";
import {
  type OracleChain,
  type OracleResult,
  resolventByContinuants,
  resolventByInversion,
} from "./_resolvent_oracle.ts";

const HEADS = 2;
const LENGTHS = [1, 2, 3, 64, 200, 1025];
const ETAS = [1, 0.1, 0.01];
const MODES = ["causal", "bidirectional"] as const;
/** Up to here the dense inverse is affordable. */
const LONGEST_DENSE = 64;

interface Setting {
  readonly n: number;
  readonly eta: number;
  readonly mode: "causal" | "bidirectional";
}

function singles(name: string, length: number, law: (u: number, z: number) => number): number[] {
  const from = stream(5, name);
  return Array.from({ length }, (_, index) => {
    const at = { step: 0, index };
    return Math.fround(law(uniform(from, at), normal(from, at)));
  });
}

/** The chains of a case: HEADS potentials and cotangents over the same couplings. */
function chainsOf({ n, eta, mode }: Setting): readonly OracleChain[] {
  const p = singles(`p${n}`, n - 1, (u) => 0.2 + 1.8 * u);
  return Array.from({ length: HEADS }, (_, head) => ({
    v: singles(`v${n}/${head}`, n, (u) => 6 * u - 3),
    p,
    a: -2,
    eta: Math.fround(eta),
    lambda: Math.fround(0.3 - 0.5 * head),
    mode,
    dg: singles(`dg${n}/${head}`, 2 * n, (_, z) => z),
  }));
}

function caseText(chains: readonly OracleChain[]): string {
  const [{ v: { length: n }, p, mode }] = chains;
  return JSON.stringify({
    inputs: {
      v: { shape: [1, HEADS, n], data: chains.flatMap(({ v }) => v) },
      p: { shape: [n - 1], data: p },
    },
    params: { eta: chains.map(({ eta }) => eta), lambda: chains.map((c) => c.lambda), mode },
    cotangents: { g: { shape: [1, HEADS, n, 2], data: chains.flatMap(({ dg }) => dg) } },
  });
}

/** Largest |got - want| / |want| over complex numbers. */
function largestRelative(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let error = 0;
  for (let i = 0; i < want.length; i += 2) {
    const distance = Math.hypot(got[i] - want[i], got[i + 1] - want[i + 1]);
    error = Math.max(error, distance / Math.hypot(want[i], want[i + 1]));
  }
  return error;
}

function relativeL2(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let [error, size] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    error += (got[i] - want[i]) ** 2;
    size += want[i] ** 2;
  }
  return want.length === 0 ? 0 : Math.sqrt(error / size);
}

function gradientErrors(
  { gradients }: OpResult,
  want: readonly OracleResult[],
): Readonly<Record<string, number>> {
  const dp = want[0].dp.map((_, k) => want.reduce((sum, chain) => sum + chain.dp[k], 0));
  return {
    v: relativeL2(gradients.v.data, want.flatMap(({ dv }) => [...dv])),
    p: relativeL2(gradients.p.data, dp),
    eta: relativeL2(gradients.eta.data, want.map(({ deta }) => deta)),
    lambda: relativeL2(gradients.lambda.data, want.map(({ dlambda }) => dlambda)),
  };
}

const settings = LENGTHS.flatMap((n) =>
  ETAS.flatMap((eta) => MODES.map((mode): Setting => ({ n, eta, mode })))
);

Deno.test("the oracle for long chains agrees with the dense inverse where that is affordable", () => {
  for (const setting of settings.filter(({ n }) => n <= LONGEST_DENSE)) {
    for (const chain of chainsOf(setting)) {
      const [got, want] = [resolventByContinuants(chain), resolventByInversion(chain)];
      const errors = [
        largestRelative(got.g, want.g),
        relativeL2(got.dv, want.dv),
        relativeL2(got.dp, want.dp),
        relativeL2([got.deta, got.dlambda], [want.deta, want.dlambda]),
      ];
      // Both in f64: rounding 1e-16, times 1/eta, times tens of sites.
      const text = `${JSON.stringify(setting)}: ${errors}`;
      assert(errors.every((error) => error <= 1e-11), text);
    }
  }
});

Deno.test("bk_core agrees with its definition on the adapter, forward and backward", async () => {
  const backend = await webGpuBackend();
  const failures: string[] = [];
  try {
    for (const setting of settings) {
      const chains = chainsOf(setting);
      const given = parseOpCase(caseText(chains), { op: OPS.bk_core, file: "case" });
      const result = await runOp(OPS.bk_core, { given, backend });
      const want = chains.map(
        setting.n <= LONGEST_DENSE ? resolventByInversion : resolventByContinuants,
      );
      const error = largestRelative(result.outputs.g.data, want.flatMap(({ g }) => [...g]));
      const errors = Object.entries({ g: error, ...gradientErrors(result, want) });
      for (const [name, value] of errors) {
        const bound = name === "g"
          ? 4e-6 * Math.max(1, 0.1 / setting.eta)
          : 1e-5 * Math.max(1, 0.01 / setting.eta);
        if (!(value <= bound)) failures.push(`${JSON.stringify(setting)} ${name}: ${value}`);
      }
    }
  } finally {
    backend.destroy();
  }
  assert(failures.length === 0, `beyond the bound:\n${failures.join("\n")}`);
});
