import type { Tensor } from "../graph/tensor.ts";

/** Which experts serve a row, and with which weights: what a router hands to the experts. R rows, E experts. */
export interface Routing {
  /** `some`: K experts per row by index; `all`: every expert, with one weight each. */
  readonly choice:
    | {
      readonly kind: "some";
      /** (R, K) i32 */
      readonly indices: Tensor;
      /** (R, K) */
      readonly weights: Tensor;
    }
    | {
      readonly kind: "all";
      /** (R, E) */
      readonly weights: Tensor;
    };
  /** (1): mean over rows of the entropy of a row's probabilities, in nats. */
  readonly entropy: Tensor;
}
