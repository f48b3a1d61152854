// causal_attention: out_i = sum over j <= i of p_ij v_j with p_ij = exp(s_ij - logsumexp_i),
// s_ij = (SCALE q_i) . k_j and logsumexp_i = log of the sum over j <= i of exp(s_ij), per batch and head.
// q, k, v, out, dout, dq, dk, dv: (BATCH, LENGTH, HEADS, 4 QUADS), logsumexp, delta: (BATCH, LENGTH, HEADS), f32.
// Backward, from delta_i = dout_i . out_i - dlogsumexp_i: t_ij = p_ij (dout_i . v_j - delta_i),
// dq_i = SCALE sum over j of t_ij k_j, dk_j = SCALE sum over i of t_ij q_i, dv_j = sum over i of p_ij dout_i.
// An invocation owns two queries (forward, backward_q) or keys (backward_kv), WORKGROUP apart, so that each
// row read serves both; a workgroup's invocations share batch and head and read the same rows at the same
// time. Nothing of size LENGTH^2 exists.
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
// Room in registers, at least QUADS; the host writes the value, since arrays need a constant size.
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
  let tiles = (LENGTH + 2u * WORKGROUP - 1u) / (2u * WORKGROUP);
  let chain = index / tiles;
  let i0 = (index % tiles) * 2u * WORKGROUP + lane;
  if (chain >= BATCH * HEADS || i0 >= LENGTH) {
    return;
  }
  // The second query of the last tile may lie beyond the end: it then repeats the last one, unstored.
  let i1 = min(i0 + WORKGROUP, LENGTH - 1u);
  let stride = HEADS * QUADS;
  let first = (chain / HEADS) * LENGTH * stride + (chain % HEADS) * QUADS;
  let own0 = first + i0 * stride;
  let own1 = first + i1 * stride;
  var query0: array<vec4<f32>, MOST_QUADS>;
  var query1: array<vec4<f32>, MOST_QUADS>;
  var sum0: array<vec4<f32>, MOST_QUADS>;
  var sum1: array<vec4<f32>, MOST_QUADS>;
  for (var c = 0u; c < QUADS; c++) {
    query0[c] = SCALE * q[own0 + c];
    query1[c] = SCALE * q[own1 + c];
    sum0[c] = vec4<f32>();
    sum1[c] = vec4<f32>();
  }
  var largest = vec2<f32>(LOWEST);
  var weight = vec2<f32>();
  var p: array<vec2<f32>, BLOCK>;
  for (var block = 0u; block <= i1; block += BLOCK) {
    var top = largest;
    for (var t = 0u; t < BLOCK; t++) {
      let j = block + t;
      let at = first + min(j, LENGTH - 1u) * stride;
      var product0 = vec4<f32>();
      var product1 = vec4<f32>();
      for (var c = 0u; c < QUADS; c++) {
        let key = k[at + c];
        product0 = product0 + query0[c] * key;
        product1 = product1 + query1[c] * key;
      }
      let score = vec2<f32>(total(product0), total(product1));
      p[t] = select(vec2<f32>(LOWEST), score, vec2<bool>(j <= i0, j <= i1));
      top = max(top, p[t]);
    }
    let shrink = exp(largest - top);
    largest = top;
    weight = weight * shrink;
    for (var c = 0u; c < QUADS; c++) {
      sum0[c] = sum0[c] * shrink.x;
      sum1[c] = sum1[c] * shrink.y;
    }
    for (var j = block; j < min(block + BLOCK, i1 + 1u); j++) {
      let share = exp(p[j - block] - largest);
      let at = first + j * stride;
      weight.y = weight.y + share.y;
      if (j <= i0) {
        weight.x = weight.x + share.x;
        for (var c = 0u; c < QUADS; c++) {
          let value = v[at + c];
          sum0[c] = sum0[c] + share.x * value;
          sum1[c] = sum1[c] + share.y * value;
        }
      } else {
        for (var c = 0u; c < QUADS; c++) {
          sum1[c] = sum1[c] + share.y * v[at + c];
        }
      }
    }
  }
  let first_row = (chain / HEADS) * LENGTH * HEADS + chain % HEADS;
  for (var c = 0u; c < QUADS; c++) {
    out[own0 + c] = sum0[c] / weight.x;
  }
  logsumexp_out[first_row + i0 * HEADS] = largest.x + log(weight.x);
  if (i0 + WORKGROUP < LENGTH) {
    for (var c = 0u; c < QUADS; c++) {
      out[own1 + c] = sum1[c] / weight.y;
    }
    logsumexp_out[first_row + i1 * HEADS] = largest.y + log(weight.y);
  }
}

@compute @workgroup_size(WORKGROUP)
fn backward_q(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  let tiles = (LENGTH + 2u * WORKGROUP - 1u) / (2u * WORKGROUP);
  let chain = index / tiles;
  let i0 = (index % tiles) * 2u * WORKGROUP + lane;
  if (chain >= BATCH * HEADS || i0 >= LENGTH) {
    return;
  }
  let i1 = min(i0 + WORKGROUP, LENGTH - 1u);
  let stride = HEADS * QUADS;
  let first = (chain / HEADS) * LENGTH * stride + (chain % HEADS) * QUADS;
  let first_row = (chain / HEADS) * LENGTH * HEADS + chain % HEADS;
  let own0 = first + i0 * stride;
  let own1 = first + i1 * stride;
  var query0: array<vec4<f32>, MOST_QUADS>;
  var query1: array<vec4<f32>, MOST_QUADS>;
  var cotangent0: array<vec4<f32>, MOST_QUADS>;
  var cotangent1: array<vec4<f32>, MOST_QUADS>;
  var sum0: array<vec4<f32>, MOST_QUADS>;
  var sum1: array<vec4<f32>, MOST_QUADS>;
  for (var c = 0u; c < QUADS; c++) {
    query0[c] = SCALE * q[own0 + c];
    query1[c] = SCALE * q[own1 + c];
    cotangent0[c] = dout[own0 + c];
    cotangent1[c] = dout[own1 + c];
    sum0[c] = vec4<f32>();
    sum1[c] = vec4<f32>();
  }
  let shift = vec2<f32>(logsumexp[first_row + i0 * HEADS], logsumexp[first_row + i1 * HEADS]);
  let offset = vec2<f32>(delta[first_row + i0 * HEADS], delta[first_row + i1 * HEADS]);
  for (var j = 0u; j <= i1; j++) {
    let at = first + j * stride;
    var score0 = vec4<f32>();
    var score1 = vec4<f32>();
    var dp0 = vec4<f32>();
    var dp1 = vec4<f32>();
    for (var c = 0u; c < QUADS; c++) {
      let key = k[at + c];
      let value = v[at + c];
      score0 = score0 + query0[c] * key;
      score1 = score1 + query1[c] * key;
      dp0 = dp0 + cotangent0[c] * value;
      dp1 = dp1 + cotangent1[c] * value;
    }
    let score = vec2<f32>(total(score0), total(score1));
    let slope = exp(score - shift) * (vec2<f32>(total(dp0), total(dp1)) - offset);
    if (j <= i0) {
      for (var c = 0u; c < QUADS; c++) {
        let key = k[at + c];
        sum0[c] = sum0[c] + slope.x * key;
        sum1[c] = sum1[c] + slope.y * key;
      }
    } else {
      for (var c = 0u; c < QUADS; c++) {
        sum1[c] = sum1[c] + slope.y * k[at + c];
      }
    }
  }
  for (var c = 0u; c < QUADS; c++) {
    dq[own0 + c] = SCALE * sum0[c];
  }
  if (i0 + WORKGROUP < LENGTH) {
    for (var c = 0u; c < QUADS; c++) {
      dq[own1 + c] = SCALE * sum1[c];
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn backward_kv(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  let tiles = (LENGTH + 2u * WORKGROUP - 1u) / (2u * WORKGROUP);
  let chain = index / tiles;
  let first_key = (index % tiles) * 2u * WORKGROUP;
  let j0 = first_key + lane;
  if (chain >= BATCH * HEADS || j0 >= LENGTH) {
    return;
  }
  let j1 = min(j0 + WORKGROUP, LENGTH - 1u);
  let stride = HEADS * QUADS;
  let first = (chain / HEADS) * LENGTH * stride + (chain % HEADS) * QUADS;
  let first_row = (chain / HEADS) * LENGTH * HEADS + chain % HEADS;
  let own0 = first + j0 * stride;
  let own1 = first + j1 * stride;
  var key0: array<vec4<f32>, MOST_QUADS>;
  var key1: array<vec4<f32>, MOST_QUADS>;
  var value0: array<vec4<f32>, MOST_QUADS>;
  var value1: array<vec4<f32>, MOST_QUADS>;
  var key_sum0: array<vec4<f32>, MOST_QUADS>;
  var key_sum1: array<vec4<f32>, MOST_QUADS>;
  var value_sum0: array<vec4<f32>, MOST_QUADS>;
  var value_sum1: array<vec4<f32>, MOST_QUADS>;
  for (var c = 0u; c < QUADS; c++) {
    key0[c] = SCALE * k[own0 + c];
    key1[c] = SCALE * k[own1 + c];
    value0[c] = v[own0 + c];
    value1[c] = v[own1 + c];
    key_sum0[c] = vec4<f32>();
    key_sum1[c] = vec4<f32>();
    value_sum0[c] = vec4<f32>();
    value_sum1[c] = vec4<f32>();
  }
  // From the workgroup's first key on, so that its invocations are at the same query.
  for (var i = first_key; i < LENGTH; i++) {
    let at = first + i * stride;
    var score0 = vec4<f32>();
    var score1 = vec4<f32>();
    var dp0 = vec4<f32>();
    var dp1 = vec4<f32>();
    for (var c = 0u; c < QUADS; c++) {
      let query = q[at + c];
      let cotangent = dout[at + c];
      score0 = score0 + key0[c] * query;
      score1 = score1 + key1[c] * query;
      dp0 = dp0 + value0[c] * cotangent;
      dp1 = dp1 + value1[c] * cotangent;
    }
    let row = first_row + i * HEADS;
    let p = exp(vec2<f32>(total(score0), total(score1)) - logsumexp[row]);
    let slope = p * (vec2<f32>(total(dp0), total(dp1)) - delta[row]);
    if (j1 <= i) {
      for (var c = 0u; c < QUADS; c++) {
        let query = q[at + c];
        let cotangent = dout[at + c];
        key_sum0[c] = key_sum0[c] + slope.x * query;
        key_sum1[c] = key_sum1[c] + slope.y * query;
        value_sum0[c] = value_sum0[c] + p.x * cotangent;
        value_sum1[c] = value_sum1[c] + p.y * cotangent;
      }
    } else if (j0 <= i) {
      for (var c = 0u; c < QUADS; c++) {
        key_sum0[c] = key_sum0[c] + slope.x * q[at + c];
        value_sum0[c] = value_sum0[c] + p.x * dout[at + c];
      }
    }
  }
  for (var c = 0u; c < QUADS; c++) {
    dk[own0 + c] = SCALE * key_sum0[c];
    dv[own0 + c] = value_sum0[c];
  }
  if (j0 + WORKGROUP < LENGTH) {
    for (var c = 0u; c < QUADS; c++) {
      dk[own1 + c] = SCALE * key_sum1[c];
      dv[own1 + c] = value_sum1[c];
    }
  }
}
