// bk_core_vjp: exact gradients of bk_core from cotangents dg (docs/mathematics.md §5). With
// w_i = Re dg_i - i Im dg_i, u_i = w_i G_i^2 (causal: G = g) and linear scans from the right and the left,
//   r_i = u_i + p_i g_i^2 r_{i+1};  l_i = u_i + p_{i-1} h_i^2 l_{i-1}, bidirectional alone:
//   causal         s = r;           dp_i = Re(g_i r_{i+1})
//   bidirectional  s = r + l - u;   dp_i = Re(g_i r_{i+1} + h_{i+1} l_i)
//   dv = -Re s;  deta = -Im sum s;  dlambda = Re sum s
// p, g: as in bk_core.wgsl; dg: (CHAINS, N) complex; dv: (CHAINS, N); dp: (CHAINS, N - 1), or (1) if p is one
// value. One invocation per (chain, chunk) walks its positions in order; sums over positions run in order of the
// walk, in runs of 64, run sums in order, and leave one value per chunk. `totals` adds these up to deta and dlambda, (HEADS) or
// (1), and to dp of one value: lane k terms k, k + LANES, ..., then the lanes in order; where terms are many, `fold`
// first adds FOLDED_ROWS rows each, in order. A walk starts
//   sequential  from the value at the edge of the chunk, which `relay` found by walking the chunks in turn
//   halo        from nothing, WARM_UP positions early: enough to forget it
//   carry       from the value at the edge of the chunk, found by `reduce`, product of the factors of a chunk
//               and its value from nothing, and `carry`, these in order along the chain
// Length: the walks of one recurrence in three forms, and the sums that end them.
@group(0) @binding(0) var<storage, read_write> p: array<f32>;
@group(0) @binding(1) var<storage, read_write> g: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> dg: array<vec2<f32>>;
// Bidirectional alone: left pivots, then right ones, (2, CHAINS, N); always: entries from the right, then
// from the left, (1 or 2, CHAINS, CHUNKS).
@group(0) @binding(3) var<storage, read_write> state: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> dv: array<f32>;
@group(0) @binding(5) var<storage, read_write> dp: array<f32>;
// Sums over chunks, (B, CHUNKS, HEADS): of eta, lambda, p, and nothing.
@group(0) @binding(6) var<storage, read_write> sums: array<vec4<f32>>;
// `fold` and `totals` alone: these sums, (PARTS, HEADS), as they are or folded.
@group(0) @binding(0) var<storage, read_write> parts: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> folded: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dp_total: array<f32>;
@group(0) @binding(2) var<storage, read_write> deta: array<f32>;
@group(0) @binding(3) var<storage, read_write> dlambda: array<f32>;
// `reduce` and `carry`: factor and value of each chunk, (1 or 2, CHAINS, CHUNKS).
@group(0) @binding(4) var<storage, read_write> summary: array<vec4<f32>>;
override CAUSAL: bool;
override N: u32;
override CHAINS: u32;
override HEADS: u32;
override P_STEP: u32;
override CHUNK: u32;
override CHUNKS: u32;
override WARM_UP: u32;
// Whether the entries hold where walks start; if not, they start from nothing.
override ENTERED: bool;
override DIRECTIONS: u32;
// `relay`: which chunk of the walk it enters, from 1 on.
override STEP: u32 = 1;
// 0: the gradient of p is not wanted and dp is not written.
override WITH_P: bool;
override PARTS: u32 = 1;
override FOLDED_ROWS: u32 = 1;
// `totals`: values of eta and of lambda, and with those of p, that are wanted.
override ETAS: u32 = 0;
override LAMBDAS: u32 = 0;
override OUTPUTS: u32 = 0;
override WORKGROUP: u32 = 64;
const RUN = 64u;
const LANES = 32u;
var<workgroup> lane_sums: array<f32, LANES>;

fn multiply(x: vec2<f32>, y: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(x.x * y.x - x.y * y.y, x.y * y.x + x.x * y.y);
}

fn square(x: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(x.x * x.x - x.y * x.y, 2f * x.x * x.y);
}

// Coupling between k and k + 1; 0 beyond both ends of the chain, whatever k wraps to.
fn bond(k: u32) -> f32 {
  return select(0f, p[k * P_STEP], k < N - 1u);
}

fn left_pivot(at: u32) -> vec2<f32> {
  if (CAUSAL) {
    return g[at];
  }
  return state[at];
}

fn right_pivot(at: u32) -> vec2<f32> {
  return state[CHAINS * N + at];
}

// u_i, with w_i the conjugate of the cotangent, so that the change of the loss is Re sum w_i dg_i.
fn source(at: u32) -> vec2<f32> {
  return multiply(vec2<f32>(dg[at].x, -dg[at].y), square(g[at]));
}

// Factor of r_{i+1} in r_i, or of l_{i-1} in l_i.
fn factor(at: u32, i: u32, is_right: bool) -> vec2<f32> {
  if (CAUSAL || is_right) {
    return bond(i) * square(left_pivot(at));
  }
  return bond(i - 1u) * square(right_pivot(at));
}

// First index of `entry` behind the pivots.
fn entries() -> u32 {
  return select(2u * CHAINS * N, 0u, CAUSAL);
}

// The value right of `last`, or left of `first`, the edge of the chunk of `slot`.
fn approach(chain: u32, slot: u32, first: u32, last: u32, is_right: bool) -> vec2<f32> {
  let beyond = select(first, N - last, is_right);
  let count = min(WARM_UP, beyond);
  var flow = vec2<f32>();
  if (ENTERED && beyond > 0u) {
    flow = state[entries() + slot];
  }
  for (var j = 0u; j < count; j++) {
    let i = select(first - count + j, last + count - 1u - j, is_right);
    let at = chain * N + i;
    flow = source(at) + multiply(factor(at, i, is_right), flow);
  }
  return flow;
}

// From the edge of one chunk to the edge of the next, one invocation per direction and chain.
@compute @workgroup_size(WORKGROUP)
fn relay(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= DIRECTIONS * CHAINS) {
    return;
  }
  let is_right = CAUSAL || index < CHAINS;
  let chain = index % CHAINS;
  let chunk = select(STEP - 1u, CHUNKS - STEP, is_right);
  let first = chunk * CHUNK;
  let last = min(N, first + CHUNK);
  var flow = approach(chain, index * CHUNKS + chunk, first, last, is_right);
  for (var j = 0u; j < last - first; j++) {
    let i = select(first + j, last - 1u - j, is_right);
    let at = chain * N + i;
    flow = source(at) + multiply(factor(at, i, is_right), flow);
  }
  state[entries() + index * CHUNKS + select(chunk + 1u, chunk - 1u, is_right)] = flow;
}

@compute @workgroup_size(WORKGROUP)
fn reduce(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let slot = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (slot >= DIRECTIONS * CHAINS * CHUNKS) {
    return;
  }
  let is_right = CAUSAL || slot < CHAINS * CHUNKS;
  let chain = slot / CHUNKS % CHAINS;
  let first = slot % CHUNKS * CHUNK;
  let last = min(N, first + CHUNK);
  var flow = vec2<f32>();
  var product = vec2<f32>(1f, 0f);
  for (var j = 0u; j < last - first; j++) {
    let i = select(first + j, last - 1u - j, is_right);
    let at = chain * N + i;
    let by = factor(at, i, is_right);
    flow = source(at) + multiply(by, flow);
    product = multiply(by, product);
  }
  summary[slot] = vec4<f32>(product, flow);
}

// Values that enter every chunk, one invocation per direction and chain.
@compute @workgroup_size(WORKGROUP)
fn carry(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= DIRECTIONS * CHAINS) {
    return;
  }
  let is_right = CAUSAL || index < CHAINS;
  var flow = vec2<f32>();
  for (var j = 0u; j < CHUNKS; j++) {
    let slot = index * CHUNKS + select(j, CHUNKS - 1u - j, is_right);
    state[entries() + slot] = flow;
    let chunk = summary[slot];
    flow = chunk.zw + multiply(chunk.xy, flow);
  }
}

// Sums over positions, as they run along the walk.
struct Sums {
  total: vec3<f32>,
  run: vec3<f32>,
}

fn grown(sums: Sums, term: vec3<f32>, count: u32) -> Sums {
  let run = sums.run + term;
  if (count % RUN == 0u) {
    return Sums(sums.total + run, vec3<f32>());
  }
  return Sums(sums.total, run);
}

@compute @workgroup_size(WORKGROUP)
fn backward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let slot = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (slot >= CHAINS * CHUNKS) {
    return;
  }
  let chain = slot / CHUNKS;
  let chunk = slot % CHUNKS;
  let first = chunk * CHUNK;
  let last = min(N, first + CHUNK);
  var walked = Sums();
  var flow = approach(chain, slot, first, last, true);
  for (var i = last; i > first; i--) {
    let at = chain * N + i - 1u;
    var dpi = 0f;
    if (WITH_P) {
      // Nothing flows in from beyond the end, so the term of the bond that is not there is 0.
      let pivot = left_pivot(at);
      dpi = pivot.x * flow.x - pivot.y * flow.y;
      if (P_STEP == 1u && i < N) {
        dp[at - chain] = dpi;
      }
    }
    flow = source(at) + multiply(factor(at, i - 1u, true), flow);
    dv[at] = -flow.x;
    walked = grown(walked, vec3<f32>(flow, dpi), last - i + 1u);
  }
  walked = Sums(walked.total + walked.run, vec3<f32>());
  if (!CAUSAL) {
    var left = approach(chain, CHAINS * CHUNKS + slot, first, last, false);
    for (var i = first; i < last; i++) {
      let at = chain * N + i;
      let into = multiply(factor(at, i, false), left);
      dv[at] = dv[at] - into.x;
      left = source(at) + into;
      var dpi = 0f;
      if (WITH_P && i + 1u < N) {
        let pivot = right_pivot(at + 1u);
        dpi = pivot.x * left.x - pivot.y * left.y;
        if (P_STEP == 1u) {
          dp[at - chain] = dp[at - chain] + dpi;
        }
      }
      walked = grown(walked, vec3<f32>(into, dpi), i - first + 1u);
    }
  }
  let total = walked.total + walked.run;
  let place = (chain / HEADS * CHUNKS + chunk) * HEADS + chain % HEADS;
  sums[place] = vec4<f32>(-total.y, total.x, total.z, 0f);
}

@compute @workgroup_size(WORKGROUP)
fn fold(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  let first = index / HEADS * FOLDED_ROWS;
  if (first >= PARTS) {
    return;
  }
  var sum = vec4<f32>();
  for (var row = first; row < min(first + FOLDED_ROWS, PARTS); row++) {
    sum += parts[row * HEADS + index % HEADS];
  }
  folded[index] = sum;
}

// One workgroup per stored value: each of eta, then of lambda, then p. A value for all heads sums over heads, too.
@compute @workgroup_size(LANES)
fn totals(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  let kind = select(0u, 1u, index >= ETAS) + select(0u, 1u, index >= ETAS + LAMBDAS);
  let values = select(select(1u, LAMBDAS, kind == 1u), ETAS, kind == 0u);
  let value = index - select(0u, ETAS, kind > 0u) - select(0u, LAMBDAS, kind > 1u);
  let is_shared = values < HEADS;
  let count = select(PARTS, PARTS * HEADS, is_shared);
  var sum = 0f;
  if (index < OUTPUTS) {
    for (var k = lane; k < count; k += LANES) {
      sum += parts[select(k * HEADS + value, k, is_shared)][kind];
    }
  }
  lane_sums[lane] = sum;
  workgroupBarrier();
  if (lane > 0u || index >= OUTPUTS) {
    return;
  }
  var total = 0f;
  for (var k = 0u; k < LANES; k++) {
    total += lane_sums[k];
  }
  switch kind {
    case 0u: {
      deta[value] = total;
    }
    case 1u: {
      dlambda[value] = total;
    }
    default: {
      dp_total[0] = total;
    }
  }
}
