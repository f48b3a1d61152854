/** Normalisation of the resolvent mixer by its own pivots, without parameters. docs/mathematics.md §12.3. */
import { argument, div, sqrt } from "../graph/expression.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyExpression } from "../ops/elementwise.ts";
import { multiply } from "../ops/multiply.ts";
import { reshape } from "../ops/reshape.ts";
import type { ResolventMixed } from "../ops/resolvent_mixer.ts";

/**
 * sqrt(eta / Im g_i) y_i, real and imaginary part (B, N, H d_h). For one eta per head the row of the mixer that
 * gives y_i then has norm 1, so values of unit variance give outputs of unit variance at any eta. For eta per
 * position, (B, N, H), row i has the norm 1 that weighs column j by eta_j / eta_i.
 */
export function wardNorm(
  { re, im, gIm }: Pick<ResolventMixed, "re" | "im" | "gIm">,
  { eta }: { readonly eta: Tensor },
): { readonly re: Tensor; readonly im: Tensor } {
  const [batch, n, heads] = gIm.type.shape;
  const width = re.type.shape[2];
  const factor = applyExpression("ward_factor", sqrt(div(argument(0), argument(1))), [eta, gIm]); // (B, N, H)
  const column = reshape(factor, [batch, n, heads, 1]);
  const scaled = (y: Tensor): Tensor =>
    reshape(
      multiply(reshape(y, [batch, n, heads, width / heads]), column),
      [batch, n, width],
    );
  return { re: scaled(re), im: scaled(im) };
}
