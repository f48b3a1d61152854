/**
 * Typed trees of scalar arithmetic: the one description of an elementwise operation, from which its
 * f64 value, its derivative and its WGSL all come. Length: one table per node kind reads better whole.
 */

/** Kinds with one operand. `log1p` needs an operand >= 0; `nan` is its operand where that is NaN, else 0. */
export type Unary = "neg" | "exp" | "log" | "log1p" | "sqrt" | "abs" | "tanh" | "nan";
/** Kinds with two operands. */
export type Binary = "add" | "sub" | "mul" | "div" | "max" | "min";

/** A scalar expression in the arguments x0, x1, … of an elementwise operation. */
export type Expression =
  | { readonly kind: "argument"; readonly index: number }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: Unary; readonly x: Expression }
  | { readonly kind: Binary; readonly x: Expression; readonly y: Expression }
  /** Value of `then` where x < y, of `otherwise` elsewhere (also where x or y is NaN). */
  | {
    readonly kind: "less";
    readonly x: Expression;
    readonly y: Expression;
    readonly then: Expression;
    readonly otherwise: Expression;
  };

export function argument(index: number): Expression {
  return { kind: "argument", index };
}
/**
 * A literal; it is rounded to f32 when it is made, so that every backend sees the same number. There is no
 * constant -0: its text is that of 0, and WGSL need not keep the sign.
 */
export function constant(value: number): Expression {
  const rounded = Math.fround(value) + 0;
  if (!Number.isFinite(rounded)) {
    throw new RangeError(`Expected a finite f32 constant, got ${value}`);
  }
  return { kind: "constant", value: rounded };
}
const isConstant = (e: Expression, value: number): boolean =>
  e.kind === "constant" && e.value === value;

export function neg(x: Expression): Expression {
  return x.kind === "constant" ? constant(-x.value) : { kind: "neg", x };
}
export function exp(x: Expression): Expression {
  return { kind: "exp", x };
}
export function log(x: Expression): Expression {
  return { kind: "log", x };
}
export function log1p(x: Expression): Expression {
  return { kind: "log1p", x };
}
export function sqrt(x: Expression): Expression {
  return { kind: "sqrt", x };
}
export function abs(x: Expression): Expression {
  return { kind: "abs", x };
}
export function tanh(x: Expression): Expression {
  return { kind: "tanh", x };
}
export function nan(x: Expression): Expression {
  return { kind: "nan", x };
}
export function add(x: Expression, y: Expression): Expression {
  if (isConstant(x, 0)) return y;
  if (isConstant(y, 0)) return x;
  return { kind: "add", x, y };
}
export function sub(x: Expression, y: Expression): Expression {
  return isConstant(y, 0) ? x : { kind: "sub", x, y };
}
/** Products with the constants 0 and 1 are simplified, which keeps derivatives short. */
export function mul(x: Expression, y: Expression): Expression {
  if (isConstant(x, 1) || isConstant(y, 0)) return y;
  if (isConstant(y, 1) || isConstant(x, 0)) return x;
  return { kind: "mul", x, y };
}
export function div(x: Expression, y: Expression): Expression {
  return isConstant(y, 1) || isConstant(x, 0) ? x : { kind: "div", x, y };
}
export function max(x: Expression, y: Expression): Expression {
  return { kind: "max", x, y };
}
export function min(x: Expression, y: Expression): Expression {
  return { kind: "min", x, y };
}
export function less(
  x: Expression,
  y: Expression,
  branches: { readonly then: Expression; readonly otherwise: Expression },
): Expression {
  return { kind: "less", x, y, ...branches };
}

/** f64 value at the arguments `x`. */
export function evaluate(e: Expression, x: readonly number[]): number {
  switch (e.kind) {
    case "argument":
      return x[e.index];
    case "constant":
      return e.value;
    case "less":
      return evaluate(e.x, x) < evaluate(e.y, x) ? evaluate(e.then, x) : evaluate(e.otherwise, x);
    case "neg":
      return -evaluate(e.x, x);
    case "nan":
      return Number.isNaN(evaluate(e.x, x)) ? NaN : 0;
    case "add":
      return evaluate(e.x, x) + evaluate(e.y, x);
    case "sub":
      return evaluate(e.x, x) - evaluate(e.y, x);
    case "mul":
      return evaluate(e.x, x) * evaluate(e.y, x);
    case "div":
      return evaluate(e.x, x) / evaluate(e.y, x);
    case "max":
      return Math.max(evaluate(e.x, x), evaluate(e.y, x));
    case "min":
      return Math.min(evaluate(e.x, x), evaluate(e.y, x));
    default:
      return Math[e.kind](evaluate(e.x, x));
  }
}

/** Derivative of `e` with respect to argument `index`. At a kink the branch not taken counts for nothing. */
export function differentiateExpression(e: Expression, index: number): Expression {
  // Shared parts are differentiated once: else the work doubles with every level of sharing.
  const done = new Map<Expression, Expression>();
  const d = (of: Expression): Expression => {
    const known = done.get(of);
    if (known) return known;
    const made = of.kind === "argument" ? constant(of.index === index ? 1 : 0) : derivative(of, d);
    done.set(of, made);
    return made;
  };
  return d(e);
}

function derivative(
  e: Exclude<Expression, { readonly kind: "argument" }>,
  d: (of: Expression) => Expression,
): Expression {
  switch (e.kind) {
    case "constant":
    case "nan":
      return constant(0);
    case "neg":
      return neg(d(e.x));
    case "exp":
      return mul(d(e.x), e);
    case "log":
      return div(d(e.x), e.x);
    case "log1p":
      return div(d(e.x), add(constant(1), e.x));
    case "sqrt":
      return div(d(e.x), mul(constant(2), e));
    case "tanh":
      return mul(d(e.x), sub(constant(1), mul(e, e)));
    case "abs":
      return pick(e.x, constant(0), neg(d(e.x)), d(e.x));
    case "add":
      return add(d(e.x), d(e.y));
    case "sub":
      return isConstant(d(e.x), 0) ? neg(d(e.y)) : sub(d(e.x), d(e.y));
    case "mul":
      return add(mul(d(e.x), e.y), mul(e.x, d(e.y)));
    case "div": {
      const numerator = d(e.y);
      const direct = div(d(e.x), e.y);
      return isConstant(numerator, 0) ? direct : sub(direct, mul(div(e, e.y), numerator));
    }
    case "max":
      return pick(e.x, e.y, d(e.y), d(e.x));
    case "min":
      return pick(e.x, e.y, d(e.x), d(e.y));
    case "less":
      return pick(e.x, e.y, d(e.then), d(e.otherwise));
  }
}

function pick(x: Expression, y: Expression, then: Expression, otherwise: Expression): Expression {
  const both = then.kind === "constant" && isConstant(otherwise, then.value);
  return both ? then : less(x, y, { then, otherwise });
}

/** Operands of a node, in order. */
export function operands(e: Expression): readonly Expression[] {
  switch (e.kind) {
    case "argument":
    case "constant":
      return [];
    case "less":
      return [e.x, e.y, e.then, e.otherwise];
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "max":
    case "min":
      return [e.x, e.y];
    default:
      return [e.x];
  }
}

/** `e` with every argument replaced by `by(index)`. Shared parts stay shared. */
export function substitute(e: Expression, by: (index: number) => Expression): Expression {
  const done = new Map<Expression, Expression>();
  const visit = (node: Expression): Expression => {
    const known = done.get(node);
    if (known) return known;
    const made = rebuild(node, visit, by);
    done.set(node, made);
    return made;
  };
  return visit(e);
}

function rebuild(
  e: Expression,
  visit: (e: Expression) => Expression,
  by: (index: number) => Expression,
): Expression {
  switch (e.kind) {
    case "argument":
      return by(e.index);
    case "constant":
      return e;
    case "less":
      return less(visit(e.x), visit(e.y), { then: visit(e.then), otherwise: visit(e.otherwise) });
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "max":
    case "min":
      return { kind: e.kind, x: visit(e.x), y: visit(e.y) };
    default:
      return { kind: e.kind, x: visit(e.x) };
  }
}

/** Indices of the arguments that occur, ascending. */
export function argumentsOf(e: Expression): readonly number[] {
  const found = new Set<number>();
  const seen = new Set<Expression>();
  const visit = (node: Expression): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (node.kind === "argument") found.add(node.index);
    operands(node).forEach(visit);
  };
  visit(e);
  return [...found].sort((a, b) => a - b);
}

/** Statements and result of the expression in WGSL, with every shared part computed once. */
export interface PrintedExpression {
  /** `let` statements, in order. */
  readonly statements: readonly string[];
  /** The expression that holds the result. */
  readonly result: string;
  /** Arithmetic operations per element. */
  readonly operations: number;
}

/** Prints `e` as WGSL over the type alias `T` (f32 or a vector of f32); argument i is named `x<i>`. */
export function printExpression(e: Expression): PrintedExpression {
  const names = new Map<Expression, string>();
  const statements: string[] = [];
  const visit = (node: Expression): string => {
    if (node.kind === "argument") return `x${node.index}`;
    if (node.kind === "constant") return `T(${node.value}f)`;
    const known = names.get(node);
    if (known) return known;
    const text = printNode(node, operands(node).map(visit));
    const name = `t${statements.length}`;
    statements.push(`let ${name} = ${text};`);
    names.set(node, name);
    return name;
  };
  const result = visit(e);
  return { statements, result, operations: statements.length };
}

const OWN: readonly string[] = ["log1p", "tanh", "nan"];
const INFIX: Readonly<Record<string, string>> = { add: "+", sub: "-", mul: "*", div: "/" };

function printNode(node: Expression, inner: readonly string[]): string {
  const sign = INFIX[node.kind];
  if (sign) return `${inner[0]} ${sign} ${inner[1]}`;
  if (node.kind === "neg") return `-${inner[0]}`;
  if (node.kind === "less") return `select(${inner[3]}, ${inner[2]}, ${inner[0]} < ${inner[1]})`;
  // Built-in logarithm and tanh are loose near 1 and 0; the template defines exact enough ones.
  if (OWN.includes(node.kind)) return `own_${node.kind}(${inner[0]})`;
  return `${node.kind}(${inner.join(", ")})`;
}
