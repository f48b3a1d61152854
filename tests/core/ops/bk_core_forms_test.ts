/** The three forms of BK-Core on the adapter against the recurrences in f64, at short, awkward and long chains. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import {
  type BkFormAttributes,
  chooseBkForm,
  expectForm,
  SEQUENTIAL,
  warmUpLength,
} from "../../../core/ops/bk_forms.ts";
import {
  type Case,
  flatCase,
  inDouble,
  largestRelative,
  type Mode,
  onDevice,
  randomCase,
  relativeL2,
  type Result,
} from "./_bk_recurrence.ts";

const MODES: readonly Mode[] = ["causal", "bidirectional"];
const CHUNK = 32;
const carry: BkFormAttributes = { form: "carry", chunk: CHUNK, warm_up: 16 };
const halo = (eta: number): BkFormAttributes => ({
  form: "halo",
  chunk: CHUNK,
  warm_up: warmUpLength(eta),
});

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

/** Rounding of single f32, amplified by at most 1/eta where d and p g cancel. */
const forwardBound = (eta: number): number => 4e-6 * Math.max(1, 0.1 / eta);
const gradientBound = (eta: number): number => 1e-5 * Math.max(1, 0.01 / eta);
/** What two forms may differ by for eta >= 0.1. */
const BETWEEN_FORMS = 2e-6;

/** Sums over sites may cancel, so they are measured against the norm of their terms. */
function sumError(got: Float64Array, want: Float64Array, terms: Float64Array): number {
  const size = Math.sqrt(terms.reduce((sum, term) => sum + term * term, 0));
  return Math.abs(got[0] - want[0]) / Math.max(size, Math.abs(want[0]));
}

function check(what: string, given: Case, found: { readonly got: Result; readonly want: Result }) {
  const { got, want } = found;
  const forward = largestRelative(got.g, want.g);
  assert(forward <= forwardBound(given.eta), `${what}: g is off by ${forward}`);
  const errors = {
    dv: relativeL2(got.dv, want.dv),
    dp: given.p.length === given.n - 1
      ? relativeL2(got.dp, want.dp)
      : sumError(got.dp, want.dp, want.dv),
    deta: sumError(got.deta, want.deta, want.dv),
    dlambda: sumError(got.dlambda, want.dlambda, want.dv),
  };
  for (const [name, error] of Object.entries(errors)) {
    assert(error <= gradientBound(given.eta), `${what}: ${name} is off by ${error}`);
  }
}

for (const mode of MODES) {
  Deno.test(`bk_core ${mode} in every form gives the recurrence of f64 at awkward lengths`, async () => {
    for (const n of [1, CHUNK - 1, CHUNK, CHUNK + 1, 97]) {
      for (const eta of [0.1, 1e-3]) {
        const given = randomCase({ batch: 3, n, mode, eta });
        const want = inDouble(given);
        for (const form of [SEQUENTIAL, carry, ...(eta >= 0.1 ? [halo(eta)] : [])]) {
          const got = await onDevice(backend, given, form);
          check(`${form.form}, N ${n}, eta ${eta}`, given, { got, want });
        }
      }
    }
  });

  Deno.test(`bk_core ${mode} in chunks agrees with the sequential form for eta >= 0.1`, async () => {
    for (const eta of [1, 0.1]) {
      for (const make of [randomCase, flatCase]) {
        const given = make === flatCase
          ? flatCase(1031, { mode, eta })
          : randomCase({ batch: 2, n: 1031, mode, eta });
        const want = await onDevice(backend, given);
        for (const form of [carry, halo(eta)]) {
          const got = await onDevice(backend, given, form);
          const errors = [largestRelative(got.g, want.g), relativeL2(got.dv, want.dv)];
          assert(
            errors.every((error) => error <= BETWEEN_FORMS),
            `${form.form}, eta ${eta}, ${make.name}: off by ${errors}`,
          );
        }
      }
    }
  });

  Deno.test(`bk_core ${mode} stays within the band of f64 at N = 131072 in every form`, async () => {
    for (const eta of [0.1, 1e-3]) {
      const given = randomCase({ batch: 1, n: 131072, mode, eta });
      const want = inDouble(given);
      const forms = [
        SEQUENTIAL,
        chooseBkForm({ length: given.n, heads: 1 }, { etaMin: eta, pMax: 1 }),
      ];
      assertEquals(forms[1].form, eta >= 0.1 ? "halo" : "carry");
      for (const form of forms) {
        const got = await onDevice(backend, given, form);
        check(`${form.form}, eta ${eta}`, given, { got, want });
      }
    }
  });

  Deno.test(`bk_core ${mode} in a halo that is too short fails at a flat potential`, async () => {
    // Half the sites leave the square root of the error that all of them do, 2^-12 instead of 2^-24.
    for (const eta of [1, 0.1]) {
      const given = flatCase(300, { mode, eta });
      const short = { ...halo(eta), warm_up: Math.floor(warmUpLength(eta) / 2) };
      const got = await onDevice(backend, given, short);
      const error = largestRelative(got.g, inDouble(given).g);
      assert(error > 5 * forwardBound(eta), `only ${error} off: the rule for the halo is loose`);
    }
  });
}

Deno.test("bk_core in chunks changes no bit before a changed site, and the bits of other chains never", async () => {
  const given = randomCase({ batch: 2, n: 200, mode: "causal", eta: 0.3 });
  for (const form of [carry, halo(0.3)]) {
    const before = await onDevice(backend, given, form);
    for (const site of [0, CHUNK - 1, CHUNK, CHUNK + 15, 101, 199]) {
      const v = given.v.slice();
      v[given.n + site] += 1;
      const after = await onDevice(backend, { ...given, v }, form);
      const first = 2 * (given.n + site);
      assertEquals(
        after.g.subarray(0, first),
        before.g.subarray(0, first),
        `${form.form}, ${site}`,
      );
      assert(after.g.subarray(first).some((x, i) => x !== before.g[first + i]));
    }
  }
});

Deno.test("bk_core sequential gives the same bits in one launch and in several", async () => {
  for (const mode of MODES) {
    const given = randomCase({ batch: 2, n: 101, mode, eta: 0.01 });
    const once = await onDevice(backend, given);
    const often = await onDevice(backend, given, { ...SEQUENTIAL, chunk: 23 });
    assertEquals(often.g, once.g);
    assertEquals(often.dv, once.dv);
  }
});

Deno.test("bk_core in chunks gives the resolvent of the free chain by Chebyshev polynomials", async () => {
  // v = 0, a = -2, p = 1: G_ii = -U_{i-1}(x) U_{N-i}(x) / U_N(x), x = (2 + z) / 2; causal: U_{i-1} / U_i up to
  // the same sign. With x = cosh t, U_k = sinh((k + 1) t) / sinh t, and e^{-t} = q is the root within the circle.
  const [n, eta] = [131, 0.3];
  for (const mode of MODES) {
    const given = { ...flatCase(n, { mode, eta }), lambda: Math.fround(-0.7) };
    const q = decayingRoot(2 + given.lambda, given.eta);
    const want = new Float64Array(2 * n);
    for (let i = 1; i <= n; i++) {
      const last = mode === "causal" ? i : n;
      // -q (1 - q^{2i}) (1 - q^{2(last - i + 1)}) / ((1 - q^2) (1 - q^{2(last + 1)}))
      const top = times(lessPower(q, 2 * i), lessPower(q, 2 * (last - i + 1)));
      const bottom = times(lessPower(q, 2), lessPower(q, 2 * (last + 1)));
      const value = over(times(q, top), bottom);
      want.set([-value[0], -value[1]], 2 * (i - 1));
    }
    assert(largestRelative(inDouble(given).g, want) <= 1e-12, "the recurrence of f64 itself");
    for (const form of [SEQUENTIAL, carry, halo(eta)]) {
      const error = largestRelative((await onDevice(backend, given, form)).g, want);
      assert(error <= forwardBound(eta), `${form.form}, ${mode}: off by ${error}`);
    }
  }
});

Deno.test("bk_core in chunks keeps Im G > 0 and |G| <= 1/eta, and obeys the sum rules", async () => {
  for (const mode of MODES) {
    for (const eta of [1, 0.1, 1e-3]) {
      const n = 1021;
      const random = randomCase({ batch: 1, n, mode, eta });
      const given = { ...random, dg: new Float32Array(2 * n).map((_, i) => i % 2 === 0 ? 1 : 0) };
      for (const form of [carry, ...(eta >= 0.1 ? [halo(eta)] : [])]) {
        const { g, dv, dlambda } = await onDevice(backend, given, form);
        for (let i = 0; i < 2 * n; i += 2) {
          assert(g[i + 1] > 0, `Im G = ${g[i + 1]}`);
          assert(Math.hypot(g[i], g[i + 1]) <= (1 + 1e-5) / eta, `|G| > 1/eta at ${i / 2}`);
        }
        // A shift of all v is a shift of -lambda: d Re tr G / d lambda = -sum_j d Re tr G / d v_j.
        const total = dv.reduce((sum, x) => sum + x, 0);
        assert(sumError(dlambda, Float64Array.of(-total), dv) <= gradientBound(eta));
      }
    }
  }
});

Deno.test("chooseBkForm() reads lengths and bounds, and takes chunks only where bounds are given", () => {
  const long = { length: 131072, heads: 1 };
  assertEquals(chooseBkForm(long), SEQUENTIAL);
  assertEquals(chooseBkForm({ length: 128, heads: 1 }, { etaMin: 1, pMax: 1 }), SEQUENTIAL);
  assertEquals(chooseBkForm({ length: 4096, heads: 512 }, { etaMin: 1, pMax: 1 }), SEQUENTIAL);
  assertEquals(chooseBkForm(long, { etaMin: 1e-3, pMax: 1 }).form, "carry");
  assertEquals(chooseBkForm(long, { etaMin: 0.1, pMax: 1 }).form, "halo");
  // Couplings of 4 are couplings of 1 at half the eta.
  const scaled = chooseBkForm(long, { etaMin: 2, pMax: 4 });
  assertEquals(scaled, chooseBkForm(long, { etaMin: 1, pMax: 1 }));
  assertThrows(() => chooseBkForm(long, { etaMin: 0, pMax: 1 }), ShapeError, "eta_min > 0");
  assertThrows(() => expectForm({ form: "carry", chunk: 8, warm_up: 8 }), ShapeError, "warm_up <");
  assertThrows(() => expectForm({ form: "halo", chunk: 0, warm_up: 8 }), ShapeError, "chunk 0");
  assertThrows(() => expectForm({ form: "sequential", chunk: 8, warm_up: 1 }), ShapeError);
});

Deno.test("warmUpLength() forgets a free start to 2^-24 at the centre of the band", () => {
  // The worst case: an influence shrinks by exp(-2 arsinh(eta/2)) a site, and starts at most (1 + 1/eta^2) large.
  assertEquals([1, 0.3, 0.1, 0.01].map(warmUpLength), [21, 63, 183, 1803]);
});

type Complex = readonly [number, number];

function times([a, b]: Complex, [c, d]: Complex): Complex {
  return [a * c - b * d, a * d + b * c];
}

function over([a, b]: Complex, [c, d]: Complex): Complex {
  const size = c * c + d * d;
  return [(a * c + b * d) / size, (b * c - a * d) / size];
}

/** 1 - q^k. */
function lessPower(q: Complex, k: number): Complex {
  let power: Complex = [1, 0];
  for (let i = 0; i < k; i++) power = times(power, q);
  return [1 - power[0], -power[1]];
}

/** The root of q + 1/q = re + i im inside the unit circle. */
function decayingRoot(re: number, im: number): Complex {
  const [x, y] = [re * re - im * im - 4, 2 * re * im]; // discriminant
  const size = Math.hypot(x, y);
  const root: Complex = [
    Math.sqrt((size + x) / 2),
    Math.sign(y) * Math.sqrt((size - x) / 2),
  ];
  const candidates: readonly Complex[] = [
    [(re + root[0]) / 2, (im + root[1]) / 2],
    [(re - root[0]) / 2, (im - root[1]) / 2],
  ];
  return candidates.find((q) => Math.hypot(...q) < 1)!;
}
