import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  abs,
  add,
  argument,
  argumentsOf,
  constant,
  differentiateExpression,
  div,
  evaluate,
  exp,
  type Expression,
  less,
  log,
  log1p,
  max,
  min,
  mul,
  nan,
  neg,
  operands,
  printExpression,
  sqrt,
  sub,
  substitute,
  tanh,
} from "../../../core/graph/expression.ts";
import { bits, stream } from "../../../core/random/streams.ts";

const [x, y, z] = [argument(0), argument(1), argument(2)];

/** Every node kind with operands in its domain and away from its kink at POINT. */
const KINDS: Readonly<Record<Expression["kind"], Expression>> = {
  argument: y,
  constant: constant(0.75),
  neg: neg(mul(x, y)),
  exp: exp(mul(x, y)),
  log: log(mul(z, z)),
  log1p: log1p(mul(z, z)),
  sqrt: sqrt(mul(z, z)),
  abs: abs(mul(x, y)),
  tanh: tanh(mul(x, y)),
  nan: add(x, nan(mul(x, y))),
  add: add(mul(x, x), y),
  sub: sub(mul(x, x), mul(y, z)),
  mul: mul(add(x, y), add(x, z)),
  div: div(add(x, constant(2)), mul(y, y)),
  max: max(mul(x, y), mul(y, z)),
  min: min(mul(x, y), mul(y, z)),
  less: less(mul(x, y), z, { then: mul(x, z), otherwise: mul(mul(y, y), z) }),
};

const POINTS: readonly (readonly number[])[] = [
  [0.7, -1.3, 0.4],
  [-0.6, 0.9, 1.7],
  [1.1, 0.8, -0.3],
  [-1.2, -0.5, -2.1],
];

/** What a WGSL reader makes of the printed statements, on f64 numbers. */
function run(e: Expression, at: readonly number[]): number {
  const { statements, result } = printExpression(e);
  const text = [...statements, `return ${result};`].join("\n").replaceAll("let ", "const ")
    .replaceAll(/T\((-?[\d.]+(?:e[+-]?\d+)?)f\)/g, "($1)");
  const names = [
    "x0",
    "x1",
    "x2",
    "select",
    "own_log1p",
    "own_tanh",
    "own_nan",
    "exp",
    "log",
    "sqrt",
    "abs",
    "max",
    "min",
  ];
  const select = (no: number, yes: number, condition: boolean): number => condition ? yes : no;
  const functions = [
    select,
    Math.log1p,
    Math.tanh,
    (value: number): number => Number.isNaN(value) ? value : 0,
    Math.exp,
    Math.log,
    Math.sqrt,
    Math.abs,
    Math.max,
    Math.min,
  ];
  return new Function(...names, text)(...at, ...functions);
}

/** A random tree whose parts are used more than once. */
function randomTree(seed: number, size: number): Expression {
  const from = stream(seed, "tree");
  const made: Expression[] = [x, y, z, constant(-1.5), constant(0.25)];
  for (let step = 0; step < size; step++) {
    const pick = (index: number): Expression => made[bits(from, { step, index }) % made.length];
    const [a, b, c, d] = [pick(1), pick(2), pick(3), pick(4)];
    const makers = [
      () => neg(a),
      () => exp(min(a, constant(2))),
      () => log(add(constant(1), abs(a))),
      () => log1p(abs(a)),
      () => sqrt(abs(a)),
      () => abs(a),
      () => tanh(a),
      () => nan(a),
      () => add(a, b),
      () => sub(a, b),
      () => mul(a, b),
      () => div(a, add(constant(1), abs(b))),
      () => max(a, b),
      () => min(a, b),
      () => less(a, b, { then: c, otherwise: d }),
    ];
    made.push(makers[bits(from, { step, index: 0 }) % makers.length]());
  }
  return made[made.length - 1];
}

Deno.test("printExpression() means what evaluate() computes, every kind and 300 random trees", () => {
  const trees = Array.from({ length: 300 }, (_, seed) => randomTree(seed, 25));
  for (const e of [...Object.values(KINDS), ...trees]) {
    for (const at of POINTS) {
      assertEquals(run(e, at), evaluate(e, at), printExpression(e).statements.join());
    }
  }
});

Deno.test("printExpression() keeps signs, orders and tricky constants", () => {
  const cases: readonly (readonly [Expression, number])[] = [
    [sub(x, sub(y, z)), 3 - (5 - 11)],
    [div(x, div(y, z)), 3 / (5 / 11)],
    [neg(neg(x)), 3],
    [sub(x, constant(-2)), 5],
    [neg(constant(2)), -2],
    [mul(constant(1e30), constant(1e-30)), Math.fround(1e30) * Math.fround(1e-30)],
    [div(constant(1), constant(3e-39)), 1 / Math.fround(3e-39)],
    [div(x, neg(constant(0))), Infinity], // there is no constant -0
    [max(constant(-0), neg(constant(0))), 0],
  ];
  for (const [e, want] of cases) {
    assertEquals(evaluate(e, [3, 5, 11]), want);
    assertEquals(run(e, [3, 5, 11]), want);
  }
});

Deno.test("printExpression() computes a shared part once, also one shared thirty times over", () => {
  let e = x;
  for (let level = 0; level < 30; level++) e = add(mul(e, constant(0.5)), mul(e, y));
  const { statements, operations } = printExpression(e);
  assertEquals(statements.length, 90);
  assertEquals(operations, 90);
  assertEquals(printExpression(constant(0.1)).result, "T(0.10000000149011612f)");
  assertEquals(printExpression(x), { statements: [], result: "x0", operations: 0 });
});

Deno.test("evaluate() takes the other branch of less where an operand is NaN, and keeps NaN in max and min", () => {
  const e = less(x, y, { then: constant(1), otherwise: constant(2) });
  assertEquals([[0, 1], [1, 0], [1, 1], [NaN, 1], [1, NaN]].map((at) => evaluate(e, at)), [
    1,
    2,
    2,
    2,
    2,
  ]);
  assertEquals(evaluate(max(x, y), [NaN, 1]), NaN);
  assertEquals(evaluate(min(x, y), [1, NaN]), NaN);
});

Deno.test("constant() is an f32 number and refuses what f32 cannot hold", () => {
  assertEquals(constant(0.1), { kind: "constant", value: 0.10000000149011612 });
  for (const value of [NaN, Infinity, -Infinity, 1e39]) {
    assertThrows(() => constant(value), RangeError, `got ${value}`);
  }
});

/** (8 (f(+h) - f(-h)) - (f(+2h) - f(-2h))) / 12 h: error of order h^4. */
function centralDifference(e: Expression, at: readonly number[], index: number): number {
  const h = 1e-3;
  const f = (t: number): number =>
    evaluate(e, at.map((value, k) => k === index ? value + t * h : value));
  return (8 * (f(1) - f(-1)) - (f(2) - f(-2))) / (12 * h);
}

for (const [kind, e] of Object.entries(KINDS)) {
  Deno.test(`differentiateExpression() agrees with central differences, ${kind}`, () => {
    for (const at of POINTS) {
      for (const index of [0, 1, 2]) {
        const got = evaluate(differentiateExpression(e, index), at);
        const want = centralDifference(e, at, index);
        assert(
          Math.abs(got - want) <= 1e-8 * (1 + Math.abs(want)),
          `${at}: d${index} is ${got}, not ${want}`,
        );
      }
    }
  });
}

Deno.test("differentiateExpression() at a kink counts one branch alone", () => {
  const slope = (e: Expression): number => evaluate(differentiateExpression(e, 0), [0, 0, 0]);
  assertEquals(slope(max(x, constant(0))), 1);
  assertEquals(slope(max(constant(0), x)), 0);
  assertEquals(slope(min(x, constant(0))), 0);
  assertEquals(slope(abs(x)), 1);
  assertEquals(
    slope(less(x, constant(0), { then: mul(constant(3), x), otherwise: mul(constant(5), x) })),
    5,
  );
});

Deno.test("differentiateExpression() of deeply shared formulas stays small", () => {
  let e: Expression = x;
  for (let level = 0; level < 40; level++) e = sub(mul(e, e), constant(0.5));
  const { operations } = printExpression(differentiateExpression(e, 0));
  assert(operations <= 40 * 6, `${operations} operations`);
  // x -> x^2 - 1/2 has derivative prod 2 x_k.
  let [value, want] = [0.3, 1];
  for (let level = 0; level < 12; level++) [value, want] = [value * value - 0.5, want * 2 * value];
  let shallow: Expression = x;
  for (let level = 0; level < 12; level++) shallow = sub(mul(shallow, shallow), constant(0.5));
  const got = evaluate(differentiateExpression(shallow, 0), [0.3]);
  assert(Math.abs(got - want) <= 1e-12 * Math.abs(want), `${got}, not ${want}`);
});

function distinctNodes(e: Expression): number {
  const seen = new Set<Expression>();
  const visit = (node: Expression): void => {
    if (seen.has(node)) return;
    seen.add(node);
    operands(node).forEach(visit);
  };
  visit(e);
  return seen.size;
}

Deno.test("substitute() replaces every argument, keeps values and keeps shared parts shared", () => {
  for (let seed = 0; seed < 100; seed++) {
    const e = randomTree(seed, 25);
    const swapped = substitute(e, (index) => [y, z, x][index]);
    for (const [a, b, c] of POINTS) {
      assertEquals(evaluate(swapped, [a, b, c]), evaluate(e, [b, c, a]));
    }
    assert(distinctNodes(swapped) <= distinctNodes(e));
  }
});

Deno.test("argumentsOf() lists each argument that occurs once, in order", () => {
  assertEquals(argumentsOf(add(mul(z, x), exp(z))), [0, 2]);
  assertEquals(argumentsOf(constant(1)), []);
  assertEquals(argumentsOf(KINDS.less), [0, 1, 2]);
});

Deno.test("nan() is NaN where its operand is, 0 elsewhere, infinities included", () => {
  assertEquals([NaN, 0, -3, Infinity].map((value) => evaluate(nan(x), [value])), [NaN, 0, 0, 0]);
});
