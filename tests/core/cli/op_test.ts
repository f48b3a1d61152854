import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { op } from "../../../core/cli/op.ts";
import { parseOpCase, settingsOf } from "../../../core/cli/op_case.ts";
import { OPS } from "../../../core/cli/op_registry.ts";
import { numberText } from "../../../core/cli/op_values.ts";
import { runOp } from "../../../core/cli/run_op.ts";
import { DataError, ManifestError, UsageError } from "../../../core/errors.ts";
import type { Op } from "../../../core/graph/op.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { allOps, trialValues } from "../_trials.ts";

interface ResultJson {
  readonly outputs: Record<string, { shape: number[]; data: (number | string)[] }>;
  readonly gradients: Record<string, { shape: number[]; data: (number | string)[] }>;
  readonly device: string;
  readonly adapter: Record<string, unknown> | null;
}

async function printed(args: readonly string[], input = ""): Promise<string> {
  const lines: string[] = [];
  await op(args, {
    print: (text) => lines.push(text),
    readStandardInput: () => Promise.resolve(input),
  });
  return lines.join("\n");
}

/** Runs a case through standard input. */
async function run(name: string, given: unknown, ...args: string[]): Promise<ResultJson> {
  return JSON.parse(await printed([name, "--in", "-", ...args], JSON.stringify(given)));
}

const t = (shape: number[], data: unknown[]) => ({ shape, data });
const oneSite = (more: Record<string, unknown> = {}) => ({
  inputs: { v: t([1, 1, 1], [2]), p: t([0], []) },
  ...more,
});

Deno.test("op() runs bk_core at one site as its formula says, on both devices", async () => {
  // v = 2, a = -2, z = i: g = 1 / (-i) = i; dg/dv = -g^2 = 1, dg/dlambda = g^2 = -1, dg/deta = i g^2 = -i.
  const given = oneSite({ cotangents: { g: t([1, 1, 1, 2], [3, 5]) } });
  const want = {
    outputs: { g: t([1, 1, 1, 2], [0, 1]) },
    gradients: { v: t([1, 1, 1], [3]), p: t([0], []), eta: t([], [-5]), lambda: t([], [-3]) },
  };
  const reference = await run("bk_core", given, "--device", "reference");
  assertEquals(reference, { ...want, device: "reference", adapter: null });
  const { outputs, gradients, device, adapter } = await run("bk_core", given);
  // Every number on the way is a small integer, so single precision is exact too.
  assertEquals({ outputs, gradients, device }, { ...want, device: "webgpu" });
  assertEquals(typeof adapter?.description, "string");
  assertEquals(typeof adapter?.is_fallback_adapter, "boolean");
});

Deno.test("op() runs bk_core at two sites in both modes and without a gradient unless asked", async () => {
  // d = (-i, -i), p = 3: causal g_2 = 1 / (-i - 3 i) = i/4; bidirectional gives i/4 at both sites.
  const inputs = { v: t([1, 1, 2], [2, 2]), p: t([1], [3]) };
  const causal = await run("bk_core", { inputs }, "--device", "reference");
  assertEquals(causal.outputs.g.data, [0, 1, 0, 0.25]);
  assertEquals(causal.gradients, {});
  const both = await run("bk_core", { inputs, params: { mode: "bidirectional" } });
  assertEquals(both.outputs.g.data, [0, 0.25, 0, 0.25]);
});

Deno.test("op() gives a parameter's gradient the shape it was given in", async () => {
  const shapeOf = async (params: Record<string, unknown>) =>
    (await run(
      "bk_core",
      {
        inputs: { v: t([1, 2, 1], [2, 2]), p: t([0], []) },
        params,
        cotangents: { g: t([1, 2, 1, 2], [0, 1, 0, 1]) },
      },
      "--device",
      "reference",
    )).gradients.eta;
  // dg/deta = -i for each head at eta = 1, see above; 1/4 of that at eta = 2.
  assertEquals(await shapeOf({ eta: 1 }), t([], [-2]));
  assertEquals(await shapeOf({}), t([], [-2]));
  assertEquals(await shapeOf({ eta: [1] }), t([1], [-2]));
  assertEquals(await shapeOf({ eta: [1, 2] }), t([2], [-1, -0.25]));
  assertEquals(await shapeOf({ eta: t([2], [1, 2]) }), t([2], [-1, -0.25]));
});

Deno.test("op() takes and gives NaN and infinities as text and keeps the sign of zero", async () => {
  const data = ["NaN", "Infinity", "-Infinity", 0, 0.1];
  const { outputs } = await run("add", { inputs: { x: t([5], data), y: t([], [0]) } });
  assertEquals(outputs.y, t([5], ["NaN", "Infinity", "-Infinity", 0, Math.fround(0.1)]));
  assertEquals([-0, 0, NaN, -Infinity, 0.1].map(numberText), [
    "-0",
    "0",
    '"NaN"',
    '"-Infinity"',
    "0.1",
  ]);
});

Deno.test("op() takes integers for indices and refuses cotangents of integers", async () => {
  const rows = { inputs: { table: t([2, 2], [1, 2, 3, 4]), ids: t([3], [1, 0, 1]) } };
  const { outputs } = await run("embedding", rows, "--device", "reference");
  assertEquals(Object.values(outputs)[0].data, [3, 4, 1, 2, 3, 4]);
  await refuses("embedding", {
    inputs: { ...rows.inputs, ids: t([1], [0.5]) },
  }, "case.json: at inputs.ids.data[0]: expected an integer");
  const row = { inputs: { x: t([1, 3], [1, 5, 2]) } };
  assertEquals((await run("top_k", row)).outputs.indices.data, [1]);
  await refuses(
    "top_k",
    { ...row, cotangents: { indices: t([1, 1], [1]) } },
    "at cotangents.indices: an output of integers has no cotangent",
  );
});

Deno.test("op() writes the whole result to --out, in a new folder too", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/case.json`, JSON.stringify(oneSite()));
    const out = `${folder}/new/result.json`;
    const args = ["bk_core", `--in=${folder}/case.json`, "--device=reference", `--out=${out}`];
    assertEquals(await printed(args), `Written: ${out}`);
    assertEquals(JSON.parse(Deno.readTextFileSync(out)).outputs.g.data, [0, 1]);
    assertEquals([...Deno.readDirSync(`${folder}/new`)].length, 1);
    await assertRejects(() => printed(["bk_core", `--in=${folder}/no.json`]), DataError, "no.json");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

async function refuses(name: string, given: unknown, text: string): Promise<void> {
  const content = typeof given === "string" ? given : JSON.stringify(given);
  await assertRejects(
    () => Promise.resolve().then(() => parseOpCase(content, { op: OPS[name], file: "case.json" })),
    ManifestError,
    text,
  );
}

Deno.test("parseOpCase() names file, key, wanted and given value of whatever is wrong", async () => {
  const v = t([1, 1, 2], [1, 2]);
  const p = t([1], [1]);
  const cases: [unknown, string][] = [
    ["{inputs", "case.json: expected JSON like"],
    [[], "case.json: at the top: expected an object, got []"],
    [{ input: {} }, 'case.json: at input: unknown key; did you mean "inputs"?'],
    [{}, 'at inputs.v: missing; "v" is required: potential'],
    [{ inputs: { v } }, 'at inputs.p: missing; "p" is required'],
    [{ inputs: { v, p, q: p } }, "at inputs.q: unknown key"],
    [{ inputs: { v, p, mode: "causal" } }, 'at inputs.mode: "mode" belongs under "params"'],
    [{ inputs: { v, p }, params: { p: 1 } }, 'at params.p: "p" belongs under "inputs"'],
    [{ inputs: { v, p: [1] } }, 'at inputs.p: expected {"shape": [...], "data": [...]}, got [1]'],
    [{ inputs: { v: { ...v, dtype: "f32" }, p } }, "at inputs.v.dtype: unknown key"],
    [{ inputs: { v: { shape: [2] }, p } }, "at inputs.v.data: missing"],
    [{ inputs: { v: t([1, -2], [1, 2]), p } }, "at inputs.v.shape: expected a list of sizes"],
    [{ inputs: { v: t([1, 1, 2], [1]), p } }, "at inputs.v.data: expected 2 numbers"],
    [{ inputs: { v: t([1, 1, 2], [[1, 2]]), p } }, "at inputs.v.data[0]: expected a number"],
    [{ inputs: { v: t([1, 1, 2], [1, null]), p } }, "at inputs.v.data[1]: expected a number"],
    [{ inputs: { v: t([1, 1, 2], [1, 1e39]), p } }, "of single precision"],
    [{ inputs: { v, p: t([1], [-0.5]) } }, "at inputs.p.data[0]: expected a number >= 0, got -0.5"],
    [
      { inputs: { v, p: t([1], ["NaN"]) } },
      'at inputs.p.data[0]: expected a number >= 0, got "NaN',
    ],
    [{ inputs: { v, p }, params: { eta: 0 } }, "at params.eta: expected a number > 0, got 0"],
    [
      { inputs: { v, p }, params: { eta: 1e-60 } },
      "at params.eta: expected a number > 0, got 1e-60",
    ],
    [{ inputs: { v, p }, params: { eta: [1, -1] } }, "at params.eta[1]: expected a number > 0"],
    [{ inputs: { v, p, eta: p }, params: { eta: 1 } }, 'under "inputs" and under "params"'],
    [{ inputs: { v, p }, params: { a: "2" } }, "at params.a: expected a finite number"],
    [{ inputs: { v, p }, params: { mode: "casual" } }, 'did you mean "causal"?'],
    [{ inputs: { v, p: t([3], [1, 1, 1]) } }, "case.json: Cannot use p (3) with v (1, 1, 2)"],
    [{ inputs: { v, p }, cotangents: { h: v } }, "at cotangents.h: unknown key"],
    [{ inputs: { v, p }, cotangents: { g: v } }, "expected shape (1, 1, 2, 2), got (1, 1, 2)"],
  ];
  for (const [given, text] of cases) await refuses("bk_core", given, text);
  await refuses("repeat", { inputs: { x: t([1], [1]) } }, 'at params.axis: missing; "axis"');
  await refuses("fill", { params: { value: 1, shape: "2,x" } }, '"fill" cannot use these shapes');
  await refuses("add", { inputs: { x: v, y: v }, params: { expression: "" } }, "unknown key");
  const six = Object.fromEntries(
    OPS.adamw.signature.inputs.map(({ name }) => [name, t(name === "schedule" ? [3] : [1], [1])]),
  );
  six.schedule.data = [1, 1, 1];
  await refuses("adamw", { inputs: six, cotangents: { m: p } }, '"adamw" has no gradient');
});

Deno.test("op() refuses command lines that name no op or no case", async () => {
  await assertRejects(
    () => printed(["bk_cor", "--in", "-"]),
    UsageError,
    'did you mean "bk_core"?',
  );
  await assertRejects(() => printed(["bk_core"]), UsageError, "--in <case.json> is missing");
  await assertRejects(() => printed(["--in", "-"]), UsageError, "the name of an op is missing");
  await assertRejects(() => printed(["add", "--in=-", "--device=gpu"]), UsageError, '"webgpu"');
  assertStringIncludes(await printed(["--help"]), "there is no fallback");
});

Deno.test("op() --list names every op with inputs, params and outputs", async () => {
  const text = await printed(["--list"]);
  const json: { name: string; inputs: { name: string }[] }[] = JSON.parse(
    await printed(["--list", "--json"]),
  );
  assertEquals(json.map(({ name }) => name), Object.keys(OPS));
  for (const { signature, name } of Object.values(OPS)) {
    assertStringIncludes(text, `${name}: ${signature.doc}`);
  }
  const one = await printed(["--list", "bk_core"]);
  for (const row of ["input   eta", "param   mode", "output  g", '"causal" or "bidirectional"']) {
    assertStringIncludes(one, row);
  }
});

Deno.test("OPS holds every op under core/ops by its name", async () => {
  const names = (await allOps()).map(({ name }) => name);
  assertEquals(Object.keys(OPS).toSorted(), names.toSorted());
  for (const [name, { name: own }] of Object.entries(OPS)) assertEquals(own, name);
});

/** The first trial of an op as a case file, with cotangents where it has a gradient. */
function caseOfTrial(op: Op): { readonly text: string; readonly values: readonly Float64Array[] } {
  const [trial] = op.trials;
  const values = trial.inputs.map((input, k) => Float64Array.from(trialValues(input, `x${k}`)));
  const types = op.infer(trial.inputs.map(({ type }) => type), trial.attributes);
  const tensor = (shape: readonly number[], data: Float64Array): string =>
    `{"shape":[${shape}],"data":[${Array.from(data, numberText)}]}`;
  const inputs = op.signature.inputs.map(({ name }, k) =>
    `"${name}":${tensor(trial.inputs[k].type.shape, values[k])}`
  );
  const seeded = op.vjp === undefined ? [] : op.signature.outputs.flatMap(({ name }, k) => {
    const { dtype, shape } = types[k];
    const ones = new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(1);
    return dtype === "f32" ? [`"${name}":${tensor(shape, ones)}`] : [];
  });
  const given = Object.keys(settingsOf(op)).map((name) =>
    `"${name}":${JSON.stringify(trial.attributes[name])}`
  );
  return { text: `{"inputs":{${inputs}},"params":{${given}},"cotangents":{${seeded}}}`, values };
}

Deno.test("every op runs from a case file as its definition says", async () => {
  const backend = referenceBackend({ precision: "f64" });
  for (const op of Object.values(OPS)) {
    const { text, values } = caseOfTrial(op);
    const given = parseOpCase(text, { op, file: op.name });
    const { outputs, gradients } = await runOp(op, { given, backend });
    const { attributes, inputs } = op.trials[0];
    const types = inputs.map(({ type }) => type);
    const want = op.infer(types, attributes).map(({ shape }) => ({
      shape: [...shape],
      data: new Float64Array(shape.reduce((a, b) => a * b, 1)),
    }));
    op.reference({ inputs: types, outputs: op.infer(types, attributes), attributes }, {
      inputs: values,
      outputs: want.map(({ data }) => data),
    });
    const names = op.signature.outputs.map(({ name }) => name);
    assertEquals(outputs, Object.fromEntries(want.map((output, k) => [names[k], output])), op.name);
    const singles = op.signature.inputs.filter((_, k) => types[k].dtype === "f32");
    const wantsGradients = given.cotangents.size > 0;
    assertEquals(
      Object.keys(gradients),
      wantsGradients ? singles.map(({ name }) => name) : [],
      op.name,
    );
    for (const [name, { shape }] of Object.entries(gradients)) {
      const k = op.signature.inputs.findIndex((port) => port.name === name);
      assertEquals(shape, types[k].shape, `${op.name}, ${name}`);
    }
  }
});

Deno.test("deno task op ends with code 3 and one message where there is no adapter", async () => {
  const process = new Deno.Command("deno", {
    args: ["task", "-q", "op", "bk_core", "--in", "-"],
    cwd: new URL("../../../", import.meta.url),
    env: { DENO_WEBGPU_BACKEND: "vulkan", VK_DRIVER_FILES: "/nonexistent", NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(oneSite())));
  await writer.close();
  const { code, stdout, stderr } = await process.output();
  const errors = new TextDecoder().decode(stderr);
  assertEquals([code, stdout.length], [3, 0], errors);
  assertStringIncludes(errors, "error: No WebGPU adapter found");
  assertStringIncludes(errors, 'the device "reference" needs no adapter (--device reference)');
});
