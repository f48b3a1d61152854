// linear_scan: y_i = a_i y_{i-1} + x_i along N, y_0 = x_0; docs/mathematics.md §5.3 has the same scans.
// Gradient, one reverse scan: dx_i = dy_i + a_{i+1} dx_{i+1}; da_i = dx_i y_{i-1}, da_0 = 0.
// a, x, y, dy, dx, da: (B, N, C). N is cut into CHUNKS runs of CHUNK; one invocation per (b, chunk, c), with c
// fastest, so that neighbouring lanes read neighbouring channels. With one chunk `forward` (`backward`) is all;
// else `reduce` gives the product of a chunk's factors and its value from nothing, `carry` applies these in
// order along the chunks, and the chunks then run from what entered them. No other sums.
// WALK_BACK turns the walk round: step t is position N - 1 - t, and its factor is that of the position before.
@group(0) @binding(0) var<storage, read_write> a: array<f32>;
// The driven sequence: x, or dy.
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
// (B, CHUNKS, C): what enters each chunk of the walk.
@group(0) @binding(2) var<storage, read_write> entry: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read_write> da: array<f32>;
// `reduce` and `carry`: (B, CHUNKS, C), factor and value.
@group(0) @binding(3) var<storage, read_write> summary: array<vec2<f32>>;
override B: u32;
override N: u32;
override C: u32;
override CHUNK: u32;
override CHUNKS: u32;
override WALK_BACK: bool;
override WORKGROUP: u32 = 64;

// One chunk of one channel: channel, and first and one past the last step of the walk.
struct Run {
  base: u32,
  first: u32,
  last: u32,
}

fn run_of(slot: u32) -> Run {
  let c = slot % C;
  let chunk = slot / C % CHUNKS;
  let b = slot / (C * CHUNKS);
  return Run(b * N * C + c, chunk * CHUNK, min(N, (chunk + 1u) * CHUNK));
}

fn position(t: u32) -> u32 {
  return select(t, N - 1u - t, WALK_BACK);
}

// Factor of the value before step t; nothing comes before the first step.
fn factor(base: u32, t: u32) -> f32 {
  let i = select(t, N - t, WALK_BACK);
  return select(a[base + min(i, N - 1u) * C], 0f, t == 0u);
}

fn entered(slot: u32) -> f32 {
  if (CHUNKS == 1u) {
    return 0f;
  }
  return entry[slot];
}

@compute @workgroup_size(WORKGROUP)
fn reduce(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let slot = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (slot >= B * CHUNKS * C) {
    return;
  }
  let run = run_of(slot);
  var product = 1f;
  var value = 0f;
  for (var t = run.first; t < run.last; t++) {
    let by = factor(run.base, t);
    value = by * value + x[run.base + position(t) * C];
    product = by * product;
  }
  summary[slot] = vec2<f32>(product, value);
}

@compute @workgroup_size(WORKGROUP)
fn carry(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * C) {
    return;
  }
  let base = index / C * CHUNKS * C + index % C;
  var value = 0f;
  for (var chunk = 0u; chunk < CHUNKS; chunk++) {
    let slot = base + chunk * C;
    entry[slot] = value;
    value = summary[slot].x * value + summary[slot].y;
  }
}

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let slot = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (slot >= B * CHUNKS * C) {
    return;
  }
  let run = run_of(slot);
  var value = entered(slot);
  for (var t = run.first; t < run.last; t++) {
    let at = run.base + position(t) * C;
    value = factor(run.base, t) * value + x[at];
    y[at] = value;
  }
}

@compute @workgroup_size(WORKGROUP)
fn backward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let slot = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (slot >= B * CHUNKS * C) {
    return;
  }
  let run = run_of(slot);
  var value = entered(slot);
  for (var t = run.first; t < run.last; t++) {
    let i = position(t);
    let at = run.base + i * C;
    value = factor(run.base, t) * value + x[at];
    dx[at] = value;
    let before = select(y[max(at, C) - C], 0f, i == 0u);
    da[at] = value * before;
  }
}
