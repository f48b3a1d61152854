// matmul: C = alpha op(A) op(B) (+ C when ACCUMULATE), op(A): (ROWS, INNER), op(B): (INNER, COLUMNS).
// A is stored (ROWS, INNER), or (INNER, ROWS) when TRANSPOSE_A; B is stored (INNER, COLUMNS), or
// (COLUMNS, INNER) when TRANSPOSE_B; C: (ROWS, COLUMNS). All f32, row-major.
// Order: every element is one chain of multiply-adds with k ascending, in every entry point, so tiles
// change no bits where the compiler does not contract.
@group(0) @binding(0) var<storage, read_write> a4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> b4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> c4: array<vec4<f32>>;
@group(0) @binding(0) var<storage, read_write> a1: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> c1: array<f32>;
override ROWS: u32;
override INNER: u32;
override COLUMNS: u32;
override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;
override ACCUMULATE: bool = false;
override WORKGROUP: u32 = 64;

fn load_a(row: u32, k: u32) -> f32 {
  if (TRANSPOSE_A) {
    return a1[k * ROWS + row];
  }
  return a1[row * INNER + k];
}

fn load_b(k: u32, column: u32) -> f32 {
  if (TRANSPOSE_B) {
    return b1[column * INNER + k];
  }
  return b1[k * COLUMNS + column];
}

// Any sizes: one invocation per element.
@compute @workgroup_size(WORKGROUP)
fn scalar(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= ROWS * COLUMNS) {
    return;
  }
  let row = index / COLUMNS;
  let column = index % COLUMNS;
  var sum = 0f;
  if (ACCUMULATE) {
    sum = c1[index];
  }
  for (var k = 0u; k < INNER; k++) {
    sum = sum + load_a(row, k) * load_b(k, column);
  }
  c1[index] = sum;
}

// Four values op(A)[row .. row + 3][k .. k + 3], one vector per row.
fn rows_of_a(row: u32, k: u32) -> mat4x4<f32> {
  if (TRANSPOSE_A) {
    let at = (k * ROWS + row) / 4u;
    let step = ROWS / 4u;
    return transpose(mat4x4<f32>(a4[at], a4[at + step], a4[at + 2u * step], a4[at + 3u * step]));
  }
  let at = (row * INNER + k) / 4u;
  let step = INNER / 4u;
  return mat4x4<f32>(a4[at], a4[at + step], a4[at + 2u * step], a4[at + 3u * step]);
}

// Four values op(B)[k .. k + 3][column .. column + 3], one vector per k.
fn rows_of_b(k: u32, column: u32) -> mat4x4<f32> {
  if (TRANSPOSE_B) {
    let at = (column * INNER + k) / 4u;
    let step = INNER / 4u;
    return transpose(mat4x4<f32>(b4[at], b4[at + step], b4[at + 2u * step], b4[at + 3u * step]));
  }
  let at = (k * COLUMNS + column) / 4u;
  let step = COLUMNS / 4u;
  return mat4x4<f32>(b4[at], b4[at + step], b4[at + 2u * step], b4[at + 3u * step]);
}

// All sizes multiples of 4, ROWS of 8: a workgroup owns 8 rows, so that A is uniform over its lanes;
// a lane owns 4 columns. The software adapter's tile: registers, no workgroup memory.
@compute @workgroup_size(WORKGROUP)
fn rows_8(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let strips = (COLUMNS / 4u + WORKGROUP - 1u) / WORKGROUP;
  let tile = group.y * groups.x + group.x;
  let row = (tile / strips) * 8u;
  let column = ((tile % strips) * WORKGROUP + lane) * 4u;
  if (row >= ROWS || column >= COLUMNS) {
    return;
  }
  let at = (row * COLUMNS + column) / 4u;
  let step = COLUMNS / 4u;
  var c0 = vec4<f32>();
  var c1_ = vec4<f32>();
  var c2 = vec4<f32>();
  var c3 = vec4<f32>();
  var c4_ = vec4<f32>();
  var c5 = vec4<f32>();
  var c6 = vec4<f32>();
  var c7 = vec4<f32>();
  if (ACCUMULATE) {
    c0 = c4[at];
    c1_ = c4[at + step];
    c2 = c4[at + 2u * step];
    c3 = c4[at + 3u * step];
    c4_ = c4[at + 4u * step];
    c5 = c4[at + 5u * step];
    c6 = c4[at + 6u * step];
    c7 = c4[at + 7u * step];
  }
  for (var k = 0u; k < INNER; k += 4u) {
    let b = rows_of_b(k, column);
    let low = rows_of_a(row, k);
    let high = rows_of_a(row + 4u, k);
    c0 = c0 + low[0].x * b[0];
    c0 = c0 + low[0].y * b[1];
    c0 = c0 + low[0].z * b[2];
    c0 = c0 + low[0].w * b[3];
    c1_ = c1_ + low[1].x * b[0];
    c1_ = c1_ + low[1].y * b[1];
    c1_ = c1_ + low[1].z * b[2];
    c1_ = c1_ + low[1].w * b[3];
    c2 = c2 + low[2].x * b[0];
    c2 = c2 + low[2].y * b[1];
    c2 = c2 + low[2].z * b[2];
    c2 = c2 + low[2].w * b[3];
    c3 = c3 + low[3].x * b[0];
    c3 = c3 + low[3].y * b[1];
    c3 = c3 + low[3].z * b[2];
    c3 = c3 + low[3].w * b[3];
    c4_ = c4_ + high[0].x * b[0];
    c4_ = c4_ + high[0].y * b[1];
    c4_ = c4_ + high[0].z * b[2];
    c4_ = c4_ + high[0].w * b[3];
    c5 = c5 + high[1].x * b[0];
    c5 = c5 + high[1].y * b[1];
    c5 = c5 + high[1].z * b[2];
    c5 = c5 + high[1].w * b[3];
    c6 = c6 + high[2].x * b[0];
    c6 = c6 + high[2].y * b[1];
    c6 = c6 + high[2].z * b[2];
    c6 = c6 + high[2].w * b[3];
    c7 = c7 + high[3].x * b[0];
    c7 = c7 + high[3].y * b[1];
    c7 = c7 + high[3].z * b[2];
    c7 = c7 + high[3].w * b[3];
  }
  c4[at] = c0;
  c4[at + step] = c1_;
  c4[at + 2u * step] = c2;
  c4[at + 3u * step] = c3;
  c4[at + 4u * step] = c4_;
  c4[at + 5u * step] = c5;
  c4[at + 6u * step] = c6;
  c4[at + 7u * step] = c7;
}

// Any sizes: a workgroup of 16 x 16 invocations owns a 64 x 64 tile and stages K-tiles of 16 in
// workgroup memory; an invocation owns 4 x 4 elements. The hardware adapters' tile.
const TILE = 64u;
const DEPTH = 16u;
var<workgroup> tile_a: array<array<f32, 64>, 16>;
var<workgroup> tile_b: array<array<f32, 64>, 16>;

@compute @workgroup_size(256)
fn tile_64(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let strips = (COLUMNS + TILE - 1u) / TILE;
  let tile = group.y * groups.x + group.x;
  let row0 = (tile / strips) * TILE;
  let column0 = (tile % strips) * TILE;
  let row = (lane / 16u) * 4u;
  let column = (lane % 16u) * 4u;
  var c: array<vec4<f32>, 4>;
  if (ACCUMULATE) {
    for (var r = 0u; r < 4u; r++) {
      for (var s = 0u; s < 4u; s++) {
        if (row0 + row + r < ROWS && column0 + column + s < COLUMNS) {
          c[r][s] = c1[(row0 + row + r) * COLUMNS + column0 + column + s];
        }
      }
    }
  }
  for (var k0 = 0u; k0 < INNER; k0 += DEPTH) {
    for (var n = 0u; n < 4u; n++) {
      let e = n * 256u + lane;
      var ak = e % DEPTH;
      var ar = e / DEPTH;
      if (TRANSPOSE_A) {
        ak = e / TILE;
        ar = e % TILE;
      }
      var bk = e / TILE;
      var bc = e % TILE;
      if (TRANSPOSE_B) {
        bk = e % DEPTH;
        bc = e / DEPTH;
      }
      var av = 0f;
      if (row0 + ar < ROWS && k0 + ak < INNER) {
        av = load_a(row0 + ar, k0 + ak);
      }
      tile_a[ak][ar] = av;
      var bv = 0f;
      if (column0 + bc < COLUMNS && k0 + bk < INNER) {
        bv = load_b(k0 + bk, column0 + bc);
      }
      tile_b[bk][bc] = bv;
    }
    workgroupBarrier();
    for (var k = 0u; k < min(DEPTH, INNER - k0); k++) {
      let b = vec4<f32>(
        tile_b[k][column],
        tile_b[k][column + 1u],
        tile_b[k][column + 2u],
        tile_b[k][column + 3u],
      );
      c[0] = c[0] + tile_a[k][row] * b;
      c[1] = c[1] + tile_a[k][row + 1u] * b;
      c[2] = c[2] + tile_a[k][row + 2u] * b;
      c[3] = c[3] + tile_a[k][row + 3u] * b;
    }
    workgroupBarrier();
  }
  for (var r = 0u; r < 4u; r++) {
    for (var s = 0u; s < 4u; s++) {
      if (row0 + row + r < ROWS && column0 + column + s < COLUMNS) {
        c1[(row0 + row + r) * COLUMNS + column0 + column + s] = c[r][s];
      }
    }
  }
}
