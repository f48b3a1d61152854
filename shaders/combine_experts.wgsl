// combine_experts: y[r, m] = sum over n < K of weights[r, n] experts[rank[r K + n], m].
// experts: (rows K, WIDTH), weights: (rows, K), y: (rows, WIDTH) f32; rank, order: (rows K) i32, inverse
// permutations: token r K + n lies in slot rank[r K + n].
// backward_y: dexperts[s, m] = weights[order[s]] dy[floor(order[s] / K), m].
// backward_weights: dweights[r, n] = sum over m of experts[rank[r K + n], m] dy[r, m].
// Order: n ascending; m ascending in runs of 32 terms whose sums are then added in order. One invocation
// per output; COUNT is the number of outputs.
// A launch has rows FIRST to FIRST + PART - 1 of experts (of dy in backward_y) and serves what lies there; `forward`
// takes terms n from FROM to TO - 1: all of them, or one and the sum of those before from y.
@group(0) @binding(0) var<storage, read_write> experts: array<f32>;
@group(0) @binding(1) var<storage, read_write> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> slots: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
override COUNT: u32;
override WIDTH: u32;
override K: u32;
override FIRST: u32;
override PART: u32;
override FROM: u32 = 0;
override TO: u32 = 1;
override WORKGROUP: u32 = 64;
const RUN = 32u;

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let first = (i / WIDTH) * K;
  var total = 0f;
  if (FROM > 0u) {
    total = y[i];
  }
  for (var token = first + FROM; token < first + TO; token++) {
    let slot = u32(slots[token]) - FIRST; // huge before the part
    if (slot >= PART) {
      return; // of one term alone: another launch has it
    }
    total = total + weights[token] * experts[slot * WIDTH + i % WIDTH];
  }
  y[i] = total;
}

// Bindings: dy, weights, order, dexperts.
@compute @workgroup_size(WORKGROUP)
fn backward_y(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let token = u32(slots[i / WIDTH]);
  let row = token / K - FIRST;
  if (row < PART) {
    y[i] = weights[token] * experts[row * WIDTH + i % WIDTH];
  }
}

// Bindings: experts, dy, rank, dweights.
@compute @workgroup_size(WORKGROUP)
fn backward_weights(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let token = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (token >= COUNT) {
    return;
  }
  let row = (token / K) * WIDTH;
  let place = u32(slots[token]) - FIRST;
  if (place >= PART) {
    return;
  }
  let slot = place * WIDTH;
  var total = 0f;
  for (var m = 0u; m < WIDTH; m += RUN) {
    var run = 0f;
    for (var n = m; n < min(m + RUN, WIDTH); n++) {
      run = run + experts[slot + n] * weights[row + n];
    }
    total += run;
  }
  y[token] = total;
}
