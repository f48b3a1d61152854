// causal_attention: out_i = sum over j <= i of p_ij v_j with p_ij = exp(s_ij - logsumexp_i),
// s_ij = (SCALE q_i) . k_j and logsumexp_i = log of the sum over j <= i of exp(s_ij), per batch and head.
// q, k, v, out, dout, dq, dk, dv: (BATCH, LENGTH, HEADS, 4 QUADS), logsumexp, delta: (BATCH, LENGTH, HEADS), f32.
// Backward, from delta_i = dout_i . out_i - dlogsumexp_i: t_ij = p_ij (dout_i . v_j - delta_i),
// dq_i = SCALE sum over j of t_ij k_j, dk_j = SCALE sum over i of t_ij q_i, dv_j = sum over i of p_ij dout_i.
// One invocation per query (forward, backward_q) or key (backward_kv); a workgroup's invocations share batch
// and head, so that they read the same keys (or queries) at the same time. Nothing of size LENGTH^2 exists.
// Order: a product of two rows is summed in its four lanes, channels ascending, then (x + y) + (z + w). Keys
// ascending in blocks of 8 that start at multiples of 8: one rescaling per block, then one chain over keys.
// Backward: one chain over keys or queries, ascending.
@group(0) @binding(0) var<storage, read_write> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> k: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> logsumexp_out: array<f32>;
@group(0) @binding(3) var<storage, read_write> logsumexp: array<f32>;
@group(0) @binding(4) var<storage, read_write> delta: array<f32>;
@group(0) @binding(5) var<storage, read_write> dout: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> dq: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> dk: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> dv: array<vec4<f32>>;
override BATCH: u32;
override LENGTH: u32;
override HEADS: u32;
override QUADS: u32;
override SCALE: f32;
override WORKGROUP: u32 = 32;
const MOST_QUADS = 32u;
const BLOCK = 8u;
const LOWEST = -3.4028234e38f;

fn total(x: vec4<f32>) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  let tiles = (LENGTH + WORKGROUP - 1u) / WORKGROUP;
  let i = (index % tiles) * WORKGROUP + lane;
  let chain = index / tiles;
  if (chain >= BATCH * HEADS || i >= LENGTH) {
    return;
  }
  let stride = HEADS * QUADS;
  let first = (chain / HEADS) * LENGTH * stride + (chain % HEADS) * QUADS;
  let own = first + i * stride;
  var query: array<vec4<f32>, MOST_QUADS>;
  var sum: array<vec4<f32>, MOST_QUADS>;
  for (var c = 0u; c < QUADS; c++) {
    query[c] = SCALE * q[own + c];
    sum[c] = vec4<f32>();
  }
  var largest = LOWEST;
  var weight = 0f;
  var p: array<f32, BLOCK>;
  for (var block = 0u; block <= i; block += BLOCK) {
    var top = largest;
    for (var t = 0u; t < BLOCK; t++) {
      let at = first + min(block + t, LENGTH - 1u) * stride;
      var product = vec4<f32>();
      for (var c = 0u; c < QUADS; c++) {
        product = product + query[c] * k[at + c];
      }
      p[t] = select(LOWEST, total(product), block + t <= i);
      top = max(top, p[t]);
    }
    let shrink = exp(largest - top);
    largest = top;
    weight = weight * shrink;
    for (var c = 0u; c < QUADS; c++) {
      sum[c] = sum[c] * shrink;
    }
    for (var t = 0u; t < min(BLOCK, i + 1u - block); t++) {
      let share = exp(p[t] - largest);
      weight = weight + share;
      let at = first + (block + t) * stride;
      for (var c = 0u; c < QUADS; c++) {
        sum[c] = sum[c] + share * v[at + c];
      }
    }
  }
  for (var c = 0u; c < QUADS; c++) {
    out[own + c] = sum[c] / weight;
  }
  logsumexp_out[((chain / HEADS) * LENGTH + i) * HEADS + chain % HEADS] = largest + log(weight);
}

@compute @workgroup_size(WORKGROUP)
fn backward_q(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  let tiles = (LENGTH + WORKGROUP - 1u) / WORKGROUP;
  let i = (index % tiles) * WORKGROUP + lane;
  let chain = index / tiles;
  if (chain >= BATCH * HEADS || i >= LENGTH) {
    return;
  }
  let stride = HEADS * QUADS;
  let first = (chain / HEADS) * LENGTH * stride + (chain % HEADS) * QUADS;
  let own = first + i * stride;
  let row = ((chain / HEADS) * LENGTH + i) * HEADS + chain % HEADS;
  var query: array<vec4<f32>, MOST_QUADS>;
  var cotangent: array<vec4<f32>, MOST_QUADS>;
  var sum: array<vec4<f32>, MOST_QUADS>;
  for (var c = 0u; c < QUADS; c++) {
    query[c] = SCALE * q[own + c];
    cotangent[c] = dout[own + c];
    sum[c] = vec4<f32>();
  }
  let shift = logsumexp[row];
  let offset = delta[row];
  for (var j = 0u; j <= i; j++) {
    let at = first + j * stride;
    var score = vec4<f32>();
    var dp = vec4<f32>();
    for (var c = 0u; c < QUADS; c++) {
      score = score + query[c] * k[at + c];
      dp = dp + cotangent[c] * v[at + c];
    }
    let slope = exp(total(score) - shift) * (total(dp) - offset);
    for (var c = 0u; c < QUADS; c++) {
      sum[c] = sum[c] + slope * k[at + c];
    }
  }
  for (var c = 0u; c < QUADS; c++) {
    dq[own + c] = SCALE * sum[c];
  }
}

@compute @workgroup_size(WORKGROUP)
fn backward_kv(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  let tiles = (LENGTH + WORKGROUP - 1u) / WORKGROUP;
  let first_key = (index % tiles) * WORKGROUP;
  let j = first_key + lane;
  let chain = index / tiles;
  if (chain >= BATCH * HEADS || j >= LENGTH) {
    return;
  }
  let stride = HEADS * QUADS;
  let first = (chain / HEADS) * LENGTH * stride + (chain % HEADS) * QUADS;
  let first_row = (chain / HEADS) * LENGTH * HEADS + chain % HEADS;
  let own = first + j * stride;
  var key: array<vec4<f32>, MOST_QUADS>;
  var value: array<vec4<f32>, MOST_QUADS>;
  var key_sum: array<vec4<f32>, MOST_QUADS>;
  var value_sum: array<vec4<f32>, MOST_QUADS>;
  for (var c = 0u; c < QUADS; c++) {
    key[c] = SCALE * k[own + c];
    value[c] = v[own + c];
    key_sum[c] = vec4<f32>();
    value_sum[c] = vec4<f32>();
  }
  // From the workgroup's first key on, so that its invocations are at the same query.
  for (var i = first_key; i < LENGTH; i++) {
    let at = first + i * stride;
    var score = vec4<f32>();
    var dp = vec4<f32>();
    for (var c = 0u; c < QUADS; c++) {
      score = score + key[c] * q[at + c];
      dp = dp + value[c] * dout[at + c];
    }
    let row = first_row + i * HEADS;
    if (j <= i) {
      let p = exp(total(score) - logsumexp[row]);
      let slope = p * (total(dp) - delta[row]);
      for (var c = 0u; c < QUADS; c++) {
        key_sum[c] = key_sum[c] + slope * q[at + c];
        value_sum[c] = value_sum[c] + p * dout[at + c];
      }
    }
  }
  for (var c = 0u; c < QUADS; c++) {
    dk[own + c] = SCALE * key_sum[c];
    dv[own + c] = value_sum[c];
  }
}
