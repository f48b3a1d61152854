// combine_experts: y[r, m] = sum over n < K of weights[r, n] experts[rank[r K + n], m].
// experts: (rows K, WIDTH), weights: (rows, K), y: (rows, WIDTH) f32; rank, order: (rows K) i32, inverse
// permutations: token r K + n lies in slot rank[r K + n].
// backward_y: dexperts[s, m] = weights[order[s]] dy[floor(order[s] / K), m].
// backward_weights: dweights[r, n] = sum over m of experts[rank[r K + n], m] dy[r, m].
// Order: n ascending; m ascending in runs of 32 terms whose sums are then added in order. One invocation
// per output; COUNT is the number of outputs.
@group(0) @binding(0) var<storage, read_write> experts: array<f32>;
@group(0) @binding(1) var<storage, read_write> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> slots: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
override COUNT: u32;
override WIDTH: u32;
override K: u32;
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
  for (var token = first; token < first + K; token++) {
    total = total + weights[token] * experts[u32(slots[token]) * WIDTH + i % WIDTH];
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
  y[i] = weights[token] * experts[(token / K) * WIDTH + i % WIDTH];
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
  let slot = u32(slots[token]) * WIDTH;
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
