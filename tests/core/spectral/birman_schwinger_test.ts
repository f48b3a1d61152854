import { assert, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import {
  birmanSchwingerLogDeterminant,
  freeResolvent,
  hilbertSchmidtBound,
  hilbertSchmidtNorm,
  traceNormBound,
} from "../../../core/spectral/birman_schwinger.ts";
import { resolventDiagonal } from "../../../core/spectral/resolvent.ts";
import { latticeHamiltonian } from "../../../core/spectral/tridiagonal.ts";
import golden from "../../golden/spectral_numpy.json" with { type: "json" };
import { assertClose } from "../stats/_assert_close.ts";

Deno.test("birmanSchwingerLogDeterminant() agrees with slogdet(I + K) of the dense K, N up to 200", () => {
  for (const { v, lambda, eta, sign, log_modulus } of golden.determinants) {
    const { logModulus, phase } = birmanSchwingerLogDeterminant(v, { lambda, eta });
    const name = `N = ${v.length}, eta = ${eta}`;
    // A relative error of 1e-10 in the determinant is an absolute one in its logarithm.
    assertClose([name, logModulus], log_modulus, { relative: 0, absolute: 1e-10 });
    assertClose([`${name} cos`, Math.cos(phase)], sign[0], { relative: 0, absolute: 1e-10 });
    assertClose([`${name} sin`, Math.sin(phase)], sign[1], { relative: 0, absolute: 1e-10 });
  }
});

Deno.test("birmanSchwingerLogDeterminant() stays finite, N = 100000", () => {
  const v = Float64Array.from({ length: 100000 }, (_, n) => 3 * Math.sin(n * n));
  const { logModulus, phase } = birmanSchwingerLogDeterminant(v, { lambda: 0, eta: 1 });
  assert(Math.abs(logModulus) > 710 && Number.isFinite(logModulus), `got ${logModulus}`);
  assert(Math.abs(phase) < 100000 * Math.PI);
});

Deno.test("hilbertSchmidtNorm() agrees with the singular values of the dense K", () => {
  for (const { v, lambda, eta, hilbert_schmidt } of [...golden.determinants, ...golden.bounds]) {
    const norm = hilbertSchmidtNorm(v, { lambda, eta });
    assertClose([`N = ${v.length}, eta = ${eta}`, norm], hilbert_schmidt, { relative: 1e-10 });
    assert(norm > 0);
  }
});

Deno.test("hilbertSchmidtBound() and traceNormBound() hold and are not idle, 100 random V and z", () => {
  let [closest1, closest2] = [0, 0];
  for (const { v, lambda, eta, hilbert_schmidt, trace_norm } of golden.bounds) {
    const z = { lambda, eta };
    closest2 = Math.max(closest2, hilbert_schmidt / hilbertSchmidtBound(v, z));
    closest1 = Math.max(closest1, trace_norm / traceNormBound(v, z));
  }
  assert(closest2 <= 1 && closest1 <= 1, `bounds exceeded: ${closest1}, ${closest2}`);
  assert(closest2 > 0.2 && closest1 > 0.2, `bounds of no use: ${closest1}, ${closest2}`);
});

Deno.test("freeResolvent() agrees with the roots of zeta + 1/zeta = 2 + z", () => {
  for (const { lambda, eta, zeta, amplitude } of [...golden.determinants, ...golden.bounds]) {
    const actual = freeResolvent({ lambda, eta });
    const pairs = [
      [actual.decay.re, zeta[0]],
      [actual.decay.im, zeta[1]],
      [actual.amplitude.re, amplitude[0]],
      [actual.amplitude.im, amplitude[1]],
    ];
    const scale = Math.hypot(...amplitude);
    for (const [got, want] of pairs) {
      assertClose([`z = ${lambda} + i ${eta}`, got], want, {
        relative: 0,
        absolute: 1e-11 * scale,
      });
    }
  }
});

Deno.test("freeResolvent() is the middle of a long chain, in and outside the band", () => {
  for (const lambda of [-6, -4, -3, -2, -0.5, 0, 2]) {
    const z = { lambda, eta: 0.05 };
    const h = latticeHamiltonian(new Float64Array(2001));
    const { re, im } = resolventDiagonal(h, { z });
    const { amplitude, decay } = freeResolvent(z);
    // Reflections from the ends have gone 2000 sites at a rate of at least exp(-0.025).
    assertClose([`re at ${lambda}`, re[1000]], amplitude.re, { relative: 0, absolute: 1e-12 });
    assertClose([`im at ${lambda}`, im[1000]], amplitude.im, { relative: 0, absolute: 1e-12 });
    assert(Math.hypot(decay.re, decay.im) < 1);
  }
});

Deno.test("freeResolvent() is still inside the disc, eta = 1e-14 at the band centre", () => {
  const { decay, amplitude } = freeResolvent({ lambda: -2, eta: 1e-14 });
  assertClose(["amplitude", amplitude.im], 0.5, { relative: 1e-12 });
  assert(Math.hypot(decay.re, decay.im) <= 1);
});

Deno.test("hilbertSchmidtNorm() throws, z on the real axis", () => {
  assertThrows(() => hilbertSchmidtNorm([1], { lambda: 0, eta: 0 }), UsageError, "eta > 0");
  assertThrows(() => traceNormBound([1], { lambda: 0, eta: 0 }), UsageError, "eta > 0");
});
