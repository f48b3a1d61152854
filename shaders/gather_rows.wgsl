// gather_rows: y[s, c] = x[floor(order[s] / K), c]. x: (rows, channels), y: (rows K, channels) f32,
// order: (rows K) i32, a permutation.
// backward: dx[r, c] = sum over n < K of dy[rank[r K + n], c]. rank: (rows K) i32, the inverse of order.
// Order: n ascending. One invocation per output, or per four channels; WIDTH is the number of them in a row
// and COUNT in the output.
// A launch has rows FIRST to FIRST + PART - 1 of x, or slots of dy, and serves what lies there. Backward it takes terms
// n from FROM to TO - 1: all of them, or one and the sum of those before from dx.
@group(0) @binding(0) var<storage, read_write> x1: array<f32>;
@group(0) @binding(0) var<storage, read_write> x4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> slots: array<i32>;
@group(0) @binding(2) var<storage, read_write> y1: array<f32>;
@group(0) @binding(2) var<storage, read_write> y4: array<vec4<f32>>;
override COUNT: u32;
override WIDTH: u32;
override K: u32;
override FIRST: u32;
override PART: u32;
override FROM: u32 = 0;
override TO: u32 = 1;
override WORKGROUP: u32 = 64;

@compute @workgroup_size(WORKGROUP)
fn forward_1(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let row = u32(slots[i / WIDTH]) / K - FIRST; // huge before the part
  if (row < PART) {
    y1[i] = x1[row * WIDTH + i % WIDTH];
  }
}

@compute @workgroup_size(WORKGROUP)
fn forward_4(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let row = u32(slots[i / WIDTH]) / K - FIRST;
  if (row < PART) {
    y4[i] = x4[row * WIDTH + i % WIDTH];
  }
}

@compute @workgroup_size(WORKGROUP)
fn backward_1(
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
    total = y1[i];
  }
  for (var n = FROM; n < TO; n++) {
    let slot = u32(slots[first + n]) - FIRST;
    if (slot >= PART) {
      return; // of one term alone: another launch has it
    }
    let term = x1[slot * WIDTH + i % WIDTH];
    total = select(total + term, term, n == 0u);
  }
  y1[i] = total;
}

@compute @workgroup_size(WORKGROUP)
fn backward_4(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let first = (i / WIDTH) * K;
  var total = vec4<f32>();
  if (FROM > 0u) {
    total = y4[i];
  }
  for (var n = FROM; n < TO; n++) {
    let slot = u32(slots[first + n]) - FIRST;
    if (slot >= PART) {
      return; // of one term alone: another launch has it
    }
    let term = x4[slot * WIDTH + i % WIDTH];
    total = select(total + term, term, n == 0u);
  }
  y4[i] = total;
}
