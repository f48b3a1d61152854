/** Every op of the engine by name. */
import type { Op } from "../graph/op.ts";
import { op as adamw } from "../ops/adamw.ts";
import { op as add } from "../ops/add.ts";
import { op as bkCore } from "../ops/bk_core.ts";
import { op as bkCoreVjp } from "../ops/bk_core_vjp.ts";
import { op as causalAttention } from "../ops/causal_attention.ts";
import { op as causalAttentionVjp } from "../ops/causal_attention_vjp.ts";
import { op as chunkedCrossEntropy } from "../ops/chunked_cross_entropy.ts";
import { op as chunkedCrossEntropyVjp } from "../ops/chunked_cross_entropy_vjp.ts";
import { op as combineExperts } from "../ops/combine_experts.ts";
import { op as combineExpertsVjpWeights } from "../ops/combine_experts_vjp_weights.ts";
import { op as combineExpertsVjpY } from "../ops/combine_experts_vjp_y.ts";
import { op as divide } from "../ops/divide.ts";
import { op as embedding } from "../ops/embedding.ts";
import { op as embeddingVjp } from "../ops/embedding_vjp.ts";
import { op as fill } from "../ops/fill.ts";
import { op as gatherRows } from "../ops/gather_rows.ts";
import { op as gatherRowsVjp } from "../ops/gather_rows_vjp.ts";
import { op as gelu } from "../ops/gelu.ts";
import { op as gradientNorm } from "../ops/gradient_norm.ts";
import { op as groupTokens } from "../ops/group_tokens.ts";
import { op as groupedMatmul } from "../ops/grouped_matmul.ts";
import { op as groupedMatmulVjpW } from "../ops/grouped_matmul_vjp_w.ts";
import { op as layerNorm } from "../ops/layer_norm.ts";
import { op as layerNormVjp } from "../ops/layer_norm_vjp.ts";
import { op as matmul } from "../ops/matmul.ts";
import { op as multiply } from "../ops/multiply.ts";
import { op as recordMetric } from "../ops/record_metric.ts";
import { op as relu } from "../ops/relu.ts";
import { op as repeat } from "../ops/repeat.ts";
import { op as reshape } from "../ops/reshape.ts";
import { op as rmsNorm } from "../ops/rms_norm.ts";
import { op as rmsNormVjp } from "../ops/rms_norm_vjp.ts";
import { op as silu } from "../ops/silu.ts";
import { op as softmax } from "../ops/softmax.ts";
import { op as softmaxVjp } from "../ops/softmax_vjp.ts";
import { op as softplus } from "../ops/softplus.ts";
import { op as sum } from "../ops/sum.ts";
import { op as swapAxes } from "../ops/swap_axes.ts";
import { op as targetMask } from "../ops/target_mask.ts";
import { op as topK } from "../ops/top_k.ts";
import { op as topKVjp } from "../ops/top_k_vjp.ts";

/** The ops that `deno task op` runs; a test keeps it complete. */
export const OPS: Readonly<Record<string, Op>> = {
  adamw,
  add,
  bk_core: bkCore,
  bk_core_vjp: bkCoreVjp,
  causal_attention: causalAttention,
  causal_attention_vjp: causalAttentionVjp,
  chunked_cross_entropy: chunkedCrossEntropy,
  chunked_cross_entropy_vjp: chunkedCrossEntropyVjp,
  combine_experts: combineExperts,
  combine_experts_vjp_weights: combineExpertsVjpWeights,
  combine_experts_vjp_y: combineExpertsVjpY,
  divide,
  embedding,
  embedding_vjp: embeddingVjp,
  fill,
  gather_rows: gatherRows,
  gather_rows_vjp: gatherRowsVjp,
  gelu,
  gradient_norm: gradientNorm,
  group_tokens: groupTokens,
  grouped_matmul: groupedMatmul,
  grouped_matmul_vjp_w: groupedMatmulVjpW,
  layer_norm: layerNorm,
  layer_norm_vjp: layerNormVjp,
  matmul,
  multiply,
  record_metric: recordMetric,
  relu,
  repeat,
  reshape,
  rms_norm: rmsNorm,
  rms_norm_vjp: rmsNormVjp,
  silu,
  softmax,
  softmax_vjp: softmaxVjp,
  softplus,
  sum,
  swap_axes: swapAxes,
  target_mask: targetMask,
  top_k: topK,
  top_k_vjp: topKVjp,
};
