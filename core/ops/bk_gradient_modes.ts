/**
 * What the backward pass of BK-Core gives the potential: its gradient, or one of the published stand-ins, which
 * exist for comparison with the published model and are the gradient of nothing. docs/mathematics.md §5.5, §5.6.
 */
import { ShapeError } from "../errors.ts";
import type { Attributes, Signature } from "../graph/op.ts";

/**
 * `exact`: the gradient. `theoretical`: -Re(w G^2), its term j = i. `hypothesis7`: -Re(w / (S + 1e-6)), a
 * heuristic. `blend`: (1 - alpha) of the second and alpha of the third. Other than with `exact`, p, eta and
 * lambda get no gradient.
 */
export type BkGradMode = "exact" | "theoretical" | "hypothesis7" | "blend";

/** The part of BK-Core's attributes that says what its backward pass computes. */
export interface BkGradientAttributes extends Attributes {
  readonly grad_mode: BkGradMode;
  /** Weight of `hypothesis7` in `blend`, 0 to 1; read there alone. */
  readonly grad_blend: number;
}

/** The gradient of the definition. */
export const EXACT_GRADIENT: BkGradientAttributes = { grad_mode: "exact", grad_blend: 0.5 };

/** The same for users of `deno task op`. */
export const bkGradientParameters: Signature<BkGradientAttributes>["params"] = {
  grad_mode: {
    default: "exact",
    choices: ["exact", "theoretical", "hypothesis7", "blend"],
    doc: "what v gets: its gradient, or a published formula that is none",
  },
  grad_blend: { default: 0.5, doc: "weight of hypothesis7 in a blend, 0 to 1" },
};

/** Attributes from the settings of a layer. @throws {ShapeError} If gradBlend is given without `blend` */
export function chooseBkGradient(
  gradMode: BkGradMode = "exact",
  gradBlend?: number,
): BkGradientAttributes {
  if (gradBlend !== undefined && gradMode !== "blend") {
    throw new ShapeError(
      `Cannot blend gradients of bk_core by ${gradBlend} in gradient mode "${gradMode}": expected "blend"`,
    );
  }
  return { grad_mode: gradMode, grad_blend: gradBlend ?? EXACT_GRADIENT.grad_blend };
}

/** @throws {ShapeError} Unless 0 <= weight <= 1 */
export function expectBlend(weight: number): void {
  if (!(weight >= 0 && weight <= 1)) {
    throw new ShapeError(`Cannot blend gradients of bk_core by ${weight}: expected 0 to 1`);
  }
}
