// gather_rows: y[s, c] = x[floor(order[s] / K), c]. x: (rows, channels), y: (rows K, channels) f32,
// order: (rows K) i32, a permutation.
// backward: dx[r, c] = sum over n < K of dy[rank[r K + n], c]. rank: (rows K) i32, the inverse of order.
// Order: n ascending. One invocation per output, or per four channels; WIDTH is the number of them in a row
// and COUNT in the output.
@group(0) @binding(0) var<storage, read_write> x1: array<f32>;
@group(0) @binding(0) var<storage, read_write> x4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> slots: array<i32>;
@group(0) @binding(2) var<storage, read_write> y1: array<f32>;
@group(0) @binding(2) var<storage, read_write> y4: array<vec4<f32>>;
override COUNT: u32;
override WIDTH: u32;
override K: u32;
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
  y1[i] = x1[(u32(slots[i / WIDTH]) / K) * WIDTH + i % WIDTH];
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
  y4[i] = x4[(u32(slots[i / WIDTH]) / K) * WIDTH + i % WIDTH];
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
  var total = x1[u32(slots[first]) * WIDTH + i % WIDTH];
  for (var n = 1u; n < K; n++) {
    total += x1[u32(slots[first + n]) * WIDTH + i % WIDTH];
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
  var total = x4[u32(slots[first]) * WIDTH + i % WIDTH];
  for (var n = 1u; n < K; n++) {
    total += x4[u32(slots[first + n]) * WIDTH + i % WIDTH];
  }
  y4[i] = total;
}
