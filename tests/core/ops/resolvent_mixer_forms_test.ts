/** The three forms and the stream of the resolvent mixer on the adapter against the recurrences in f64. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { warmUpLength } from "../../../core/ops/bk_forms.ts";
import {
  chooseResolventForm,
  expectResolventForm,
  IN_ORDER,
  reachLength,
  type ResolventFormAttributes,
} from "../../../core/ops/resolvent_forms.ts";
import { op as streamOp } from "../../../core/ops/resolvent_mixer_stream.ts";
import { runOp } from "./_run_op.ts";
import {
  type Case,
  flatCase,
  inDouble,
  onBackend,
  randomCase,
  relativeL2,
  relativeToLargest,
  type Result,
} from "./_resolvent_recurrence.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const carry: ResolventFormAttributes = { form: "carry", chunk: 64, warm_up: 16, reach: 0 };
const halo = (eta: number): ResolventFormAttributes => ({
  form: "halo",
  chunk: 64,
  warm_up: warmUpLength(eta),
  reach: reachLength(eta),
});

/** Relative L2 errors of random cases, measured 1e-7 and 2e-7 at every eta: pivots are carried in pairs of f32. */
const VALUE_BOUND = 5e-7;
const GRADIENT_BOUND = 1e-6;
const BETWEEN_FORMS = 2e-6;

function check(what: string, { got, want }: { readonly got: Result; readonly want: Result }) {
  const y = relativeL2(got, want, ["re", "im"]);
  assert(y <= VALUE_BOUND, `${what}: y is off by ${y}`);
  for (const name of ["dx", "dv", "dt"] as const) {
    const error = relativeL2(got, want, [name]);
    assert(error <= GRADIENT_BOUND, `${what}: ${name} is off by ${error}`);
  }
  // Sums over positions may cancel, so they are measured against the norm of their terms.
  const terms = Math.sqrt(want.dv.reduce((sum, term) => sum + term * term, 0));
  for (const name of ["deta", "dlambda"] as const) {
    const error = Math.abs(got[name][0] - want[name][0]) /
      Math.max(terms, Math.abs(want[name][0]));
    assert(error <= GRADIENT_BOUND, `${what}: ${name} is off by ${error}`);
  }
}

Deno.test("resolvent_mixer in every form follows the recurrence of f64 at awkward lengths", async () => {
  for (const n of [1, 64, 193]) {
    for (const eta of [0.1, 1e-3]) {
      const given = randomCase({ batch: 2, n, eta, columns: 3 });
      const want = inDouble(given);
      for (const form of [IN_ORDER, carry, ...(eta >= 0.1 ? [halo(eta)] : [])]) {
        const got = await onBackend(backend, given, { form, withGradients: true });
        check(`${form.form}, N ${n}, eta ${eta}`, { got, want });
      }
    }
  }
});

Deno.test("resolvent_mixer stays within the band of f64 at N = 131072 in every form", async () => {
  for (const eta of [0.1, 1e-3]) {
    const given = randomCase({ n: 131072, eta, columns: 2, bonds: "one" });
    const want = inDouble(given);
    const chosen = chooseResolventForm({ length: given.n, heads: 1 }, { etaMin: eta, tMax: 1 });
    assertEquals(chosen.form, eta >= 0.1 ? "halo" : "carry");
    for (const form of eta >= 0.1 ? [chosen] : [IN_ORDER, chosen]) {
      const got = await onBackend(backend, given, { form, withGradients: true });
      check(`${form.form}, eta ${eta}`, { got, want });
    }
  }
});

Deno.test("resolvent_mixer in chunks agrees with the sequential form for eta >= 0.1", async () => {
  for (const eta of [1, 0.3, 0.1]) {
    for (const given of [randomCase({ n: 1031, eta }), flatCase(1031, eta)]) {
      const want = await onBackend(backend, given, { withGradients: true });
      for (const form of [carry, halo(eta)]) {
        const got = await onBackend(backend, given, { form, withGradients: true });
        const errors = [
          relativeToLargest(got, want),
          ...(["dx", "dv", "dt"] as const).map((name) => relativeL2(got, want, [name])),
        ];
        assert(
          errors.every((error) => error <= BETWEEN_FORMS),
          `${form.form}, eta ${eta}, lambda ${given.lambda}: off by ${errors}`,
        );
      }
    }
  }
});

Deno.test("resolvent_mixer in a halo as short as the pivots' fails at a flat potential", async () => {
  // The gate contracts once where pivots contract twice: 2^-12 is left instead of 2^-24.
  for (const eta of [1, 0.1]) {
    const given = flatCase(600, eta);
    const form = { ...halo(eta), reach: warmUpLength(eta) };
    const error = relativeToLargest(await onBackend(backend, given, { form }), inDouble(given));
    assert(error > 4 * BETWEEN_FORMS, `only ${error} off: the rule for the reach is loose`);
  }
});

/** y in pieces of `size` positions, each from the state that the one before left. */
async function inPieces(given: Case, options: {
  readonly size: number;
  readonly form: ResolventFormAttributes;
}): Promise<{ readonly re: Float64Array; readonly im: Float64Array }> {
  const { n, columns } = given;
  const found = { re: [] as number[], im: [] as number[] };
  let state: readonly (readonly number[])[] = [
    [0, 0, 0, 0],
    new Array<number>(2 * columns).fill(0),
  ];
  for (let first = 0; first < n; first += options.size) {
    const last = Math.min(n, first + options.size);
    const cells = (values: Float32Array, width: number) => ({
      type: f32(1, last - first, width),
      values: [...values.subarray(first * width, last * width)],
    });
    const outputs = await runOp(backend, streamOp, {
      inputs: [
        cells(given.x, columns),
        ...[cells(given.v, 1), cells(given.t, 1)],
        { type: f32(1), values: [given.eta] },
        { type: f32(1), values: [given.lambda] },
        { type: f32(1, 1, 4), values: state[0] },
        { type: f32(1, columns, 2), values: state[1] },
      ],
      attributes: { a: -2, ...options.form },
    });
    for (const value of outputs[0]) found.re.push(value);
    for (const value of outputs[1]) found.im.push(value);
    state = outputs.slice(4);
  }
  return { re: Float64Array.from(found.re), im: Float64Array.from(found.im) };
}

Deno.test("resolvent_mixer_stream gives the bits of one pass in pieces, and a halo's values", async () => {
  for (const eta of [0.5, 0.01]) {
    const given = randomCase({ n: 431, eta });
    const once = await onBackend(backend, given);
    const pieces = await inPieces(given, { size: 100, form: IN_ORDER });
    assertEquals(pieces, { re: once.re, im: once.im });
    assertEquals(await inPieces(given, { size: 216, form: { ...IN_ORDER, chunk: 50 } }), pieces);
    for (const form of [carry, ...(eta >= 0.1 ? [halo(eta)] : [])]) {
      const chunked = { ...once, ...await inPieces(given, { size: 200, form }) };
      const error = relativeToLargest(chunked, once);
      assert(error <= BETWEEN_FORMS, `${form.form}, eta ${eta}: off by ${error}`);
    }
  }
});

Deno.test("chooseResolventForm() reads lengths and bounds, and starts from nothing only within bounds", () => {
  const long = { length: 131072, heads: 1 };
  assertEquals(chooseResolventForm(long).form, "carry");
  assertEquals(chooseResolventForm({ length: 128, heads: 4 }), IN_ORDER);
  assertEquals(chooseResolventForm({ length: 4096, heads: 512 }), IN_ORDER);
  assertEquals(chooseResolventForm(long, { etaMin: 1e-3, tMax: 1 }).form, "carry");
  assertEquals(chooseResolventForm(long, { etaMin: 1, tMax: Infinity }).form, "carry");
  const near = chooseResolventForm(long, { etaMin: 0.1, tMax: 1 });
  assertEquals([near.form, near.warm_up, near.reach], ["halo", 183, 363]);
  // Bonds of 2 are bonds of 1 at half the eta.
  assertEquals(
    chooseResolventForm(long, { etaMin: 2, tMax: 2 }),
    chooseResolventForm(long, { etaMin: 1, tMax: 1 }),
  );
  assertThrows(() => chooseResolventForm(long, { etaMin: 0, tMax: 1 }), ShapeError, "eta_min > 0");
  const refused = (form: ResolventFormAttributes) =>
    assertThrows(() => expectResolventForm(form), ShapeError, "expected integers");
  refused({ ...carry, warm_up: 64 });
  refused({ ...carry, reach: 1 });
  refused({ ...carry, chunk: 0 });
  refused({ ...carry, form: "sequential" });
  refused({ ...carry, form: "halo", chunk: 16000, reach: 500 });
});

Deno.test("reachLength() lets values forget a free start to 2^-24 at the centre of the band", () => {
  // 18 / arsinh(eta / 2), rounded up, and 2.
  assertEquals([1, 0.3, 0.1, 0.01].map(reachLength), [40, 123, 363, 3603]);
});
