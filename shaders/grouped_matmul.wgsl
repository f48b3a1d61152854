// grouped_matmul: y[s, m] = sum_k x[s, k] w[e, k, m], with start[e] <= s < start[e + 1].
// x: (SLOTS, INNER), y: (SLOTS, COLUMNS), w: (EXPERTS, INNER, COLUMNS), or (EXPERTS, COLUMNS, INNER) when
// TRANSPOSE_W, f32; start: (EXPERTS + 1) i32, ascending from 0 to SLOTS.
// backward: dw[e, p, q] = sum of a[s, p] b[s, q] over slots s in [start[e], start[e + 1]).
// a: (SLOTS, INNER), b: (SLOTS, COLUMNS), dw: (EXPERTS, INNER, COLUMNS).
// Order: every element is one chain of multiply-adds, k (backward: s) ascending, in every entry point.
// Both presets run these kernels: registers, no workgroup memory.
@group(0) @binding(0) var<storage, read_write> x1: array<f32>;
@group(0) @binding(0) var<storage, read_write> x4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> w1: array<f32>;
@group(0) @binding(1) var<storage, read_write> w4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> start: array<i32>;
@group(0) @binding(3) var<storage, read_write> y1: array<f32>;
@group(0) @binding(3) var<storage, read_write> y4: array<vec4<f32>>;
override SLOTS: u32;
override INNER: u32;
override COLUMNS: u32;
override EXPERTS: u32;
override TRANSPOSE_W: bool = false;
override WORKGROUP: u32 = 64;

fn expert_of(slot: u32) -> u32 {
  var expert = 0u;
  while (expert + 1u < EXPERTS && u32(start[expert + 1u]) <= slot) {
    expert++;
  }
  return expert;
}

// Any sizes: one invocation per element.
@compute @workgroup_size(WORKGROUP)
fn scalar(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= SLOTS * COLUMNS) {
    return;
  }
  let slot = index / COLUMNS;
  let column = index % COLUMNS;
  var at = expert_of(slot) * INNER * COLUMNS + column;
  var step = COLUMNS;
  if (TRANSPOSE_W) {
    at = at + column * INNER - column;
    step = 1u;
  }
  var sum = 0f;
  for (var k = 0u; k < INNER; k++) {
    sum = sum + x1[slot * INNER + k] * w1[at + k * step];
  }
  y1[index] = sum;
}

// Four values w[expert, k .. k + 3, column .. column + 3], one vector per k.
fn rows_of_w(expert: u32, k: u32, column: u32) -> mat4x4<f32> {
  let base = expert * INNER * COLUMNS;
  if (TRANSPOSE_W) {
    let at = (base + column * INNER + k) / 4u;
    let step = INNER / 4u;
    return transpose(mat4x4<f32>(w4[at], w4[at + step], w4[at + 2u * step], w4[at + 3u * step]));
  }
  let at = (base + k * COLUMNS + column) / 4u;
  let step = COLUMNS / 4u;
  return mat4x4<f32>(w4[at], w4[at + step], w4[at + 2u * step], w4[at + 3u * step]);
}

fn advance(c: vec4<f32>, a: vec4<f32>, b: mat4x4<f32>) -> vec4<f32> {
  return (((c + a.x * b[0]) + a.y * b[1]) + a.z * b[2]) + a.w * b[3];
}

// INNER and COLUMNS multiples of 4: a workgroup owns 8 rows of one expert, so that x is uniform over its
// lanes; a lane owns 4 columns. Tiles beyond the experts' last ones return. Rows beyond the expert's end
// repeat its last row and are not stored.
@compute @workgroup_size(WORKGROUP)
fn rows_8(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let strips = (COLUMNS / 4u + WORKGROUP - 1u) / WORKGROUP;
  let index = group.y * groups.x + group.x;
  let column = ((index % strips) * WORKGROUP + lane) * 4u;
  var tile = index / strips;
  var expert = 0u;
  while (expert < EXPERTS) {
    let tiles = u32(start[expert + 1u] - start[expert] + 7) / 8u;
    if (tile < tiles) {
      break;
    }
    tile -= tiles;
    expert++;
  }
  if (expert >= EXPERTS || column >= COLUMNS) {
    return;
  }
  let row = u32(start[expert]) + tile * 8u;
  let end = u32(start[expert + 1u]);
  let width = INNER / 4u;
  let r0 = row * width;
  let r1 = min(row + 1u, end - 1u) * width;
  let r2 = min(row + 2u, end - 1u) * width;
  let r3 = min(row + 3u, end - 1u) * width;
  let r4 = min(row + 4u, end - 1u) * width;
  let r5 = min(row + 5u, end - 1u) * width;
  let r6 = min(row + 6u, end - 1u) * width;
  let r7 = min(row + 7u, end - 1u) * width;
  var c0 = vec4<f32>();
  var c1 = vec4<f32>();
  var c2 = vec4<f32>();
  var c3 = vec4<f32>();
  var c4 = vec4<f32>();
  var c5 = vec4<f32>();
  var c6 = vec4<f32>();
  var c7 = vec4<f32>();
  for (var k = 0u; k < width; k++) {
    let b = rows_of_w(expert, k * 4u, column);
    c0 = advance(c0, x4[r0 + k], b);
    c1 = advance(c1, x4[r1 + k], b);
    c2 = advance(c2, x4[r2 + k], b);
    c3 = advance(c3, x4[r3 + k], b);
    c4 = advance(c4, x4[r4 + k], b);
    c5 = advance(c5, x4[r5 + k], b);
    c6 = advance(c6, x4[r6 + k], b);
    c7 = advance(c7, x4[r7 + k], b);
  }
  let step = COLUMNS / 4u;
  let at = row * step + column / 4u;
  let rows = end - row;
  y4[at] = c0;
  if (rows > 1u) {
    y4[at + step] = c1;
  }
  if (rows > 2u) {
    y4[at + 2u * step] = c2;
  }
  if (rows > 3u) {
    y4[at + 3u * step] = c3;
  }
  if (rows > 4u) {
    y4[at + 4u * step] = c4;
  }
  if (rows > 5u) {
    y4[at + 5u * step] = c5;
  }
  if (rows > 6u) {
    y4[at + 6u * step] = c6;
  }
  if (rows > 7u) {
    y4[at + 7u * step] = c7;
  }
}

// Backward, any sizes: one invocation per element of dw. Bindings: a, b, start, dw.
@compute @workgroup_size(WORKGROUP)
fn backward_scalar(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= EXPERTS * INNER * COLUMNS) {
    return;
  }
  let q = index % COLUMNS;
  let p = (index / COLUMNS) % INNER;
  let expert = index / (COLUMNS * INNER);
  let end = u32(start[expert + 1u]);
  var sum = 0f;
  for (var slot = u32(start[expert]); slot < end; slot++) {
    sum = sum + x1[slot * INNER + p] * w1[slot * COLUMNS + q];
  }
  y1[index] = sum;
}

// Backward, INNER a multiple of 8 and COLUMNS of 4: a workgroup owns 8 rows of one expert's dw, a lane 4
// columns.
@compute @workgroup_size(WORKGROUP)
fn backward_rows_8(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let step = COLUMNS / 4u;
  let strips = (step + WORKGROUP - 1u) / WORKGROUP;
  let tile = group.y * groups.x + group.x;
  let q = (tile % strips) * WORKGROUP + lane;
  let row = (tile / strips) * 8u;
  if (row >= EXPERTS * INNER || q >= step) {
    return;
  }
  let expert = row / INNER;
  let p = (row % INNER) / 4u;
  let end = u32(start[expert + 1u]);
  var c0 = vec4<f32>();
  var c1 = vec4<f32>();
  var c2 = vec4<f32>();
  var c3 = vec4<f32>();
  var c4 = vec4<f32>();
  var c5 = vec4<f32>();
  var c6 = vec4<f32>();
  var c7 = vec4<f32>();
  for (var slot = u32(start[expert]); slot < end; slot++) {
    let low = x4[slot * (INNER / 4u) + p];
    let high = x4[slot * (INNER / 4u) + p + 1u];
    let b = w4[slot * step + q];
    c0 = c0 + low.x * b;
    c1 = c1 + low.y * b;
    c2 = c2 + low.z * b;
    c3 = c3 + low.w * b;
    c4 = c4 + high.x * b;
    c5 = c5 + high.y * b;
    c6 = c6 + high.z * b;
    c7 = c7 + high.w * b;
  }
  let at = row * step + q;
  y4[at] = c0;
  y4[at + step] = c1;
  y4[at + 2u * step] = c2;
  y4[at + 3u * step] = c3;
  y4[at + 4u * step] = c4;
  y4[at + 5u * step] = c5;
  y4[at + 6u * step] = c6;
  y4[at + 7u * step] = c7;
}
