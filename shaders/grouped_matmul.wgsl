// grouped_matmul: y[s, m] = sum_k x[s, k] w[e, k, m], with start[e] <= s < start[e + 1].
// x: (SLOTS, INNER), y: (SLOTS, COLUMNS), w: (EXPERTS, INNER, COLUMNS), or (EXPERTS, COLUMNS, INNER) when
// TRANSPOSE_W, f32; start: (experts + 1) i32, ascending from 0 to the number of
// slots of all launches, and of experts of all launches.
// backward: dw[e, p, q] = sum of a[s, p] b[s, q] over slots s in [start[e], start[e + 1]).
// a: (SLOTS, INNER), b: (SLOTS, COLUMNS), dw: (EXPERTS, INNER, COLUMNS).
// Order: every element is one chain of multiply-adds, k (backward: s) ascending, in every entry point.
//
// Entry points, chosen by core/ops/tiles.json: the `scalar` ones take any sizes; `rows_8x2`, `rows_16x4` and
// their backward forms need INNER and COLUMNS to be multiples of 4. What lies beyond the last row or column
// is clamped on load and skipped on store. No tile straddles experts; surplus tiles return at once.
// A launch has slots FIRST to FIRST + SLOTS - 1 of x and y, or of a and b; backward, launches in order of their slots
// go on from the sums in dw if CONTINUED, and have dw of EXPERTS experts from FIRST_EXPERT on.
//
// Both presets run these register tiles, without workgroup memory: their size is discussed in
// shaders/matmul.wgsl. On a GPU, on paper (not run on one): 64 (256) sums a lane of 8 x 8 (16 x 16), so the
// smaller tile keeps more lanes resident; lanes that share rows read x by broadcast, and each vector of w
// serves 8 (16) rows.
//
// Length: forward and backward at two tile sizes, accumulators written out as in shaders/matmul.wgsl.
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
override FIRST: u32 = 0;
override FIRST_EXPERT: u32 = 0;
override CONTINUED: bool = false;
override TRANSPOSE_W: bool = false;
override WORKGROUP: u32 = 64;

// The first slot of an expert, counted from FIRST, among those of this launch; its end for an expert behind them.
fn start_of(expert: u32) -> u32 {
  return clamp(u32(start[FIRST_EXPERT + expert]), FIRST, FIRST + SLOTS) - FIRST;
}

fn expert_of(slot: u32) -> u32 {
  var expert = 0u;
  while (expert + 1u < EXPERTS && start_of(expert + 1u) <= slot) {
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

// w[expert, k .. k + 3, column .. column + 3], one vector per k; columns beyond the last are copies.
fn rows_of_w(expert: u32, k: u32, column: u32) -> mat4x4<f32> {
  let base = expert * INNER * COLUMNS;
  let inside = min(column, COLUMNS - 4u);
  if (TRANSPOSE_W) {
    let at = (base + inside * INNER + k) / 4u;
    let step = INNER / 4u;
    return transpose(mat4x4<f32>(w4[at], w4[at + step], w4[at + 2u * step], w4[at + 3u * step]));
  }
  let at = (base + k * COLUMNS + inside) / 4u;
  let step = COLUMNS / 4u;
  return mat4x4<f32>(w4[at], w4[at + step], w4[at + 2u * step], w4[at + 3u * step]);
}

// Rows of one expert that a lane owns: first, last of the expert; no rows when the lane is surplus.
struct Rows {
  expert: u32,
  first: u32,
  end: u32,
}

fn rows_of_tile(index: u32, height: u32) -> Rows {
  var tile = index;
  for (var expert = 0u; expert < EXPERTS; expert++) {
    let first = start_of(expert);
    let end = start_of(expert + 1u);
    let tiles = (end - first + height - 1u) / height;
    if (tile < tiles) {
      return Rows(expert, first + tile * height, end);
    }
    tile -= tiles;
  }
  return Rows(EXPERTS, 0u, 0u);
}

// x[row, k .. k + 3]; rows beyond the expert's last are copies of it.
fn row_of_x(rows: Rows, r: u32, k: u32) -> vec4<f32> {
  return x4[(min(rows.first + r, rows.end - 1u) * INNER + k) / 4u];
}

fn store_y(row: u32, end: u32, column: u32, c: vec4<f32>) {
  if (row < end && column < COLUMNS) {
    y4[(row * COLUMNS + column) / 4u] = c;
  }
}

// Four rows of w over 8 columns.
struct Rows8 {
  k0: mat2x4<f32>,
  k1: mat2x4<f32>,
  k2: mat2x4<f32>,
  k3: mat2x4<f32>,
}

fn rows_of_w_8(expert: u32, k: u32, column: u32) -> Rows8 {
  let c0 = rows_of_w(expert, k, column);
  let c1 = rows_of_w(expert, k, column + 4u);
  return Rows8(
    mat2x4<f32>(c0[0], c1[0]),
    mat2x4<f32>(c0[1], c1[1]),
    mat2x4<f32>(c0[2], c1[2]),
    mat2x4<f32>(c0[3], c1[3]),
  );
}

fn advance_8(c: mat2x4<f32>, a: vec4<f32>, b: Rows8) -> mat2x4<f32> {
  return (((c + a.x * b.k0) + a.y * b.k1) + a.z * b.k2) + a.w * b.k3;
}

// One row of b over 8 columns.
fn row_of_b_8(slot: u32, column: u32) -> mat2x4<f32> {
  return mat2x4<f32>(
    w4[(slot * COLUMNS + min(column, COLUMNS - 4u)) / 4u],
    w4[(slot * COLUMNS + min(column + 4u, COLUMNS - 4u)) / 4u],
  );
}

fn store_y_8(row: u32, end: u32, column: u32, c: mat2x4<f32>) {
  store_y(row, end, column, c[0]);
  store_y(row, end, column + 4u, c[1]);
}

// Four rows of w over 16 columns.
struct Rows16 {
  k0: mat4x4<f32>,
  k1: mat4x4<f32>,
  k2: mat4x4<f32>,
  k3: mat4x4<f32>,
}

fn rows_of_w_16(expert: u32, k: u32, column: u32) -> Rows16 {
  let c0 = rows_of_w(expert, k, column);
  let c1 = rows_of_w(expert, k, column + 4u);
  let c2 = rows_of_w(expert, k, column + 8u);
  let c3 = rows_of_w(expert, k, column + 12u);
  return Rows16(
    mat4x4<f32>(c0[0], c1[0], c2[0], c3[0]),
    mat4x4<f32>(c0[1], c1[1], c2[1], c3[1]),
    mat4x4<f32>(c0[2], c1[2], c2[2], c3[2]),
    mat4x4<f32>(c0[3], c1[3], c2[3], c3[3]),
  );
}

fn advance_16(c: mat4x4<f32>, a: vec4<f32>, b: Rows16) -> mat4x4<f32> {
  return (((c + a.x * b.k0) + a.y * b.k1) + a.z * b.k2) + a.w * b.k3;
}

// One row of b over 16 columns.
fn row_of_b_16(slot: u32, column: u32) -> mat4x4<f32> {
  return mat4x4<f32>(
    w4[(slot * COLUMNS + min(column, COLUMNS - 4u)) / 4u],
    w4[(slot * COLUMNS + min(column + 4u, COLUMNS - 4u)) / 4u],
    w4[(slot * COLUMNS + min(column + 8u, COLUMNS - 4u)) / 4u],
    w4[(slot * COLUMNS + min(column + 12u, COLUMNS - 4u)) / 4u],
  );
}

fn store_y_16(row: u32, end: u32, column: u32, c: mat4x4<f32>) {
  store_y(row, end, column, c[0]);
  store_y(row, end, column + 4u, c[1]);
  store_y(row, end, column + 8u, c[2]);
  store_y(row, end, column + 12u, c[3]);
}

// A lane owns 8 rows of one expert and 8 columns.
@compute @workgroup_size(WORKGROUP)
fn rows_8x2(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  let across = (COLUMNS + 7u) / 8u;
  let column = (index % across) * 8u;
  let rows = rows_of_tile(index / across, 8u);
  if (rows.expert >= EXPERTS) {
    return;
  }
  var r0 = mat2x4<f32>();
  var r1 = mat2x4<f32>();
  var r2 = mat2x4<f32>();
  var r3 = mat2x4<f32>();
  var r4 = mat2x4<f32>();
  var r5 = mat2x4<f32>();
  var r6 = mat2x4<f32>();
  var r7 = mat2x4<f32>();
  for (var k = 0u; k < INNER; k += 4u) {
    let w = rows_of_w_8(rows.expert, k, column);
    r0 = advance_8(r0, row_of_x(rows, 0u, k), w);
    r1 = advance_8(r1, row_of_x(rows, 1u, k), w);
    r2 = advance_8(r2, row_of_x(rows, 2u, k), w);
    r3 = advance_8(r3, row_of_x(rows, 3u, k), w);
    r4 = advance_8(r4, row_of_x(rows, 4u, k), w);
    r5 = advance_8(r5, row_of_x(rows, 5u, k), w);
    r6 = advance_8(r6, row_of_x(rows, 6u, k), w);
    r7 = advance_8(r7, row_of_x(rows, 7u, k), w);
  }
  store_y_8(rows.first, rows.end, column, r0);
  store_y_8(rows.first + 1u, rows.end, column, r1);
  store_y_8(rows.first + 2u, rows.end, column, r2);
  store_y_8(rows.first + 3u, rows.end, column, r3);
  store_y_8(rows.first + 4u, rows.end, column, r4);
  store_y_8(rows.first + 5u, rows.end, column, r5);
  store_y_8(rows.first + 6u, rows.end, column, r6);
  store_y_8(rows.first + 7u, rows.end, column, r7);
}

// A lane owns 16 rows of one expert and 16 columns.
@compute @workgroup_size(WORKGROUP)
fn rows_16x4(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  let across = (COLUMNS + 15u) / 16u;
  let column = (index % across) * 16u;
  let rows = rows_of_tile(index / across, 16u);
  if (rows.expert >= EXPERTS) {
    return;
  }
  var r0 = mat4x4<f32>();
  var r1 = mat4x4<f32>();
  var r2 = mat4x4<f32>();
  var r3 = mat4x4<f32>();
  var r4 = mat4x4<f32>();
  var r5 = mat4x4<f32>();
  var r6 = mat4x4<f32>();
  var r7 = mat4x4<f32>();
  var r8 = mat4x4<f32>();
  var r9 = mat4x4<f32>();
  var r10 = mat4x4<f32>();
  var r11 = mat4x4<f32>();
  var r12 = mat4x4<f32>();
  var r13 = mat4x4<f32>();
  var r14 = mat4x4<f32>();
  var r15 = mat4x4<f32>();
  for (var k = 0u; k < INNER; k += 4u) {
    let w = rows_of_w_16(rows.expert, k, column);
    r0 = advance_16(r0, row_of_x(rows, 0u, k), w);
    r1 = advance_16(r1, row_of_x(rows, 1u, k), w);
    r2 = advance_16(r2, row_of_x(rows, 2u, k), w);
    r3 = advance_16(r3, row_of_x(rows, 3u, k), w);
    r4 = advance_16(r4, row_of_x(rows, 4u, k), w);
    r5 = advance_16(r5, row_of_x(rows, 5u, k), w);
    r6 = advance_16(r6, row_of_x(rows, 6u, k), w);
    r7 = advance_16(r7, row_of_x(rows, 7u, k), w);
    r8 = advance_16(r8, row_of_x(rows, 8u, k), w);
    r9 = advance_16(r9, row_of_x(rows, 9u, k), w);
    r10 = advance_16(r10, row_of_x(rows, 10u, k), w);
    r11 = advance_16(r11, row_of_x(rows, 11u, k), w);
    r12 = advance_16(r12, row_of_x(rows, 12u, k), w);
    r13 = advance_16(r13, row_of_x(rows, 13u, k), w);
    r14 = advance_16(r14, row_of_x(rows, 14u, k), w);
    r15 = advance_16(r15, row_of_x(rows, 15u, k), w);
  }
  store_y_16(rows.first, rows.end, column, r0);
  store_y_16(rows.first + 1u, rows.end, column, r1);
  store_y_16(rows.first + 2u, rows.end, column, r2);
  store_y_16(rows.first + 3u, rows.end, column, r3);
  store_y_16(rows.first + 4u, rows.end, column, r4);
  store_y_16(rows.first + 5u, rows.end, column, r5);
  store_y_16(rows.first + 6u, rows.end, column, r6);
  store_y_16(rows.first + 7u, rows.end, column, r7);
  store_y_16(rows.first + 8u, rows.end, column, r8);
  store_y_16(rows.first + 9u, rows.end, column, r9);
  store_y_16(rows.first + 10u, rows.end, column, r10);
  store_y_16(rows.first + 11u, rows.end, column, r11);
  store_y_16(rows.first + 12u, rows.end, column, r12);
  store_y_16(rows.first + 13u, rows.end, column, r13);
  store_y_16(rows.first + 14u, rows.end, column, r14);
  store_y_16(rows.first + 15u, rows.end, column, r15);
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
  let end = start_of(expert + 1u);
  var sum = 0f;
  if (CONTINUED) {
    sum = y1[index];
  }
  for (var slot = start_of(expert); slot < end; slot++) {
    sum = sum + x1[slot * INNER + p] * w1[slot * COLUMNS + q];
  }
  y1[index] = sum;
}

// a[slot, p .. p + 3]; what lies beyond the last row of dw is a copy.
fn part_of_a(slot: u32, p: u32) -> vec4<f32> {
  return x4[(slot * INNER + min(p, INNER - 4u)) / 4u];
}

// dw[row, column .. column + 3] as the launches before left it; beyond the last row or column a copy, not stored again.
fn part_of_dw(row: u32, last: u32, column: u32) -> vec4<f32> {
  return y4[(min(row, last - 1u) * COLUMNS + min(column, COLUMNS - 4u)) / 4u];
}

fn begin_8(row: u32, last: u32, column: u32) -> mat2x4<f32> {
  if (!CONTINUED) {
    return mat2x4<f32>();
  }
  return mat2x4<f32>(part_of_dw(row, last, column), part_of_dw(row, last, column + 4u));
}

fn begin_16(row: u32, last: u32, column: u32) -> mat4x4<f32> {
  if (!CONTINUED) {
    return mat4x4<f32>();
  }
  return mat4x4<f32>(
    part_of_dw(row, last, column),
    part_of_dw(row, last, column + 4u),
    part_of_dw(row, last, column + 8u),
    part_of_dw(row, last, column + 12u),
  );
}

// Backward: a lane owns 8 rows of one expert's dw and 8 columns. Bindings: a, b, start, dw.
@compute @workgroup_size(WORKGROUP)
fn backward_rows_8x2(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  let across = (COLUMNS + 7u) / 8u;
  let down = (INNER + 7u) / 8u;
  let column = (index % across) * 8u;
  let expert = index / across / down;
  let p = (index / across % down) * 8u;
  if (expert >= EXPERTS) {
    return;
  }
  let row = expert * INNER + p;
  let last = (expert + 1u) * INNER;
  let end = start_of(expert + 1u);
  var r0 = begin_8(row, last, column);
  var r1 = begin_8(row + 1u, last, column);
  var r2 = begin_8(row + 2u, last, column);
  var r3 = begin_8(row + 3u, last, column);
  var r4 = begin_8(row + 4u, last, column);
  var r5 = begin_8(row + 5u, last, column);
  var r6 = begin_8(row + 6u, last, column);
  var r7 = begin_8(row + 7u, last, column);
  for (var slot = start_of(expert); slot < end; slot++) {
    let b = row_of_b_8(slot, column);
    let a_0 = part_of_a(slot, p);
    r0 = r0 + a_0.x * b;
    r1 = r1 + a_0.y * b;
    r2 = r2 + a_0.z * b;
    r3 = r3 + a_0.w * b;
    let a_4 = part_of_a(slot, p + 4u);
    r4 = r4 + a_4.x * b;
    r5 = r5 + a_4.y * b;
    r6 = r6 + a_4.z * b;
    r7 = r7 + a_4.w * b;
  }
  store_y_8(row, last, column, r0);
  store_y_8(row + 1u, last, column, r1);
  store_y_8(row + 2u, last, column, r2);
  store_y_8(row + 3u, last, column, r3);
  store_y_8(row + 4u, last, column, r4);
  store_y_8(row + 5u, last, column, r5);
  store_y_8(row + 6u, last, column, r6);
  store_y_8(row + 7u, last, column, r7);
}

// Backward: a lane owns 16 rows of one expert's dw and 16 columns. Bindings: a, b, start, dw.
@compute @workgroup_size(WORKGROUP)
fn backward_rows_16x4(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  let across = (COLUMNS + 15u) / 16u;
  let down = (INNER + 15u) / 16u;
  let column = (index % across) * 16u;
  let expert = index / across / down;
  let p = (index / across % down) * 16u;
  if (expert >= EXPERTS) {
    return;
  }
  let row = expert * INNER + p;
  let last = (expert + 1u) * INNER;
  let end = start_of(expert + 1u);
  var r0 = begin_16(row, last, column);
  var r1 = begin_16(row + 1u, last, column);
  var r2 = begin_16(row + 2u, last, column);
  var r3 = begin_16(row + 3u, last, column);
  var r4 = begin_16(row + 4u, last, column);
  var r5 = begin_16(row + 5u, last, column);
  var r6 = begin_16(row + 6u, last, column);
  var r7 = begin_16(row + 7u, last, column);
  var r8 = begin_16(row + 8u, last, column);
  var r9 = begin_16(row + 9u, last, column);
  var r10 = begin_16(row + 10u, last, column);
  var r11 = begin_16(row + 11u, last, column);
  var r12 = begin_16(row + 12u, last, column);
  var r13 = begin_16(row + 13u, last, column);
  var r14 = begin_16(row + 14u, last, column);
  var r15 = begin_16(row + 15u, last, column);
  for (var slot = start_of(expert); slot < end; slot++) {
    let b = row_of_b_16(slot, column);
    let a_0 = part_of_a(slot, p);
    r0 = r0 + a_0.x * b;
    r1 = r1 + a_0.y * b;
    r2 = r2 + a_0.z * b;
    r3 = r3 + a_0.w * b;
    let a_4 = part_of_a(slot, p + 4u);
    r4 = r4 + a_4.x * b;
    r5 = r5 + a_4.y * b;
    r6 = r6 + a_4.z * b;
    r7 = r7 + a_4.w * b;
    let a_8 = part_of_a(slot, p + 8u);
    r8 = r8 + a_8.x * b;
    r9 = r9 + a_8.y * b;
    r10 = r10 + a_8.z * b;
    r11 = r11 + a_8.w * b;
    let a_12 = part_of_a(slot, p + 12u);
    r12 = r12 + a_12.x * b;
    r13 = r13 + a_12.y * b;
    r14 = r14 + a_12.z * b;
    r15 = r15 + a_12.w * b;
  }
  store_y_16(row, last, column, r0);
  store_y_16(row + 1u, last, column, r1);
  store_y_16(row + 2u, last, column, r2);
  store_y_16(row + 3u, last, column, r3);
  store_y_16(row + 4u, last, column, r4);
  store_y_16(row + 5u, last, column, r5);
  store_y_16(row + 6u, last, column, r6);
  store_y_16(row + 7u, last, column, r7);
  store_y_16(row + 8u, last, column, r8);
  store_y_16(row + 9u, last, column, r9);
  store_y_16(row + 10u, last, column, r10);
  store_y_16(row + 11u, last, column, r11);
  store_y_16(row + 12u, last, column, r12);
  store_y_16(row + 13u, last, column, r13);
  store_y_16(row + 14u, last, column, r14);
  store_y_16(row + 15u, last, column, r15);
}
