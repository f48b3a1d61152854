// matmul: C = op(A) op(B) (+ C when ACCUMULATE), op(A): (ROWS, INNER), op(B): (INNER, COLUMNS).
// A is stored (ROWS, INNER), or (INNER, ROWS) when TRANSPOSE_A; B is stored (INNER, COLUMNS), or
// (COLUMNS, INNER) when TRANSPOSE_B; C: (ROWS, COLUMNS). All f32, row-major. PRODUCTS of them lie one after
// another and make one grid, the products in order: their blocks of rows are numbered through.
// Order: every element is one chain of multiply-adds with k ascending, in every entry point, so tiles
// change no bits where the compiler does not contract.
// A tail, C = f(op(A) op(B), t0, t1, ...) elementwise, is filled into the lines marked TAIL from a typed
// expression (core/ops/op_with_tail.ts); without one the product is stored as it is.
//
// Entry points, chosen by core/ops/tiles.json: `scalar` and those in `_any` take any sizes; `rows_8x2`,
// `rows_16x4` and `tile_64` need INNER, COLUMNS, and ROWS when TRANSPOSE_A, to be multiples of 4. Rows and
// columns beyond the last are clamped on load and skipped on store.
//
// Software adapter (rows_RxC: a lane owns R rows and C vectors of columns, in registers). lavapipe 22.3
// turns each vector load inside a loop into eight masked loads, one per lane, uniform or not: about as
// much time as 20 vector multiply-adds. Four steps of k need R + 4 C loads for 4 R C vector
// multiply-adds, so the tile is as large as compilation time permits; registers spill, cheaply. Workgroup
// memory only adds barriers there. tests/bench/matmul_search.ts has the measurements.
//
// GPU (tile_64: 256 invocations own 64 x 64 elements, 4 x 4 each). On paper, not run on a GPU: a K-tile of
// 16 moves 2 x 4 KiB from storage for 128 Kflop, 16 flop per byte, each invocation one vector of A and one
// of B, neighbours adjacent. Workgroup memory: 2 x 5 KiB, so at most 3 workgroups fit the guaranteed
// 32 KiB and more on most GPUs; registers: 16 sums + 32 operands, which keeps 256-invocation groups
// resident. Its reads are 8 vectors for 128 flop, 1 byte per flop, where lanes of a row share A by
// broadcast. Blocks of 8 x 8 would halve that but leave 64 invocations a tile; training shapes have few
// tiles, so occupancy wins. A row of vectors along k has a stride of 5 vectors, and when TRANSPOSE_B a
// lane's columns are 16 apart, so that eight neighbours read eight different groups of banks.
//
// Length: two presets of one family; the accumulators of a register tile are written out, because arrays
// in function scope cannot take their size from an override and loops over them are not unrolled.
@group(0) @binding(0) var<storage, read_write> a4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> b4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> c4: array<vec4<f32>>;
@group(0) @binding(0) var<storage, read_write> a1: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> c1: array<f32>;
//TAIL_BINDINGS
override ROWS: u32;
override INNER: u32;
override COLUMNS: u32;
override PRODUCTS: u32 = 1;
override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;
override ACCUMULATE: bool = false;
// Whether each workgroup lies within one block of rows.
override UNIFORM_ROWS: bool = false;
override WORKGROUP: u32 = 64;

// Which of the PRODUCTS the invocation works on, set by row_of_block().
var<private> product: u32 = 0;

fn first_a() -> u32 {
  return product * (ROWS * INNER);
}

fn first_b() -> u32 {
  return product * (INNER * COLUMNS);
}

fn first_c() -> u32 {
  return product * (ROWS * COLUMNS);
}

// First row of block `block` of `size` rows, counted through all products; ROWS beyond the last product.
fn row_of_block(block: u32, size: u32) -> u32 {
  if (PRODUCTS == 1u) {
    return block * size;
  }
  let blocks = (ROWS + size - 1u) / size;
  product = min(block / blocks, PRODUCTS - 1u);
  return select(ROWS, block % blocks * size, block < PRODUCTS * blocks);
}

// What is stored for four neighbouring products, the first at element 4 i of C.
fn finish_4(x0: vec4<f32>, i: u32) -> vec4<f32> {
//TAIL_4
  return x0;
}

// What is stored for the product at element i of C.
fn finish_1(x0: f32, i: u32) -> f32 {
//TAIL_1
  return x0;
}

fn load_a(row: u32, k: u32) -> f32 {
  if (TRANSPOSE_A) {
    return a1[first_a() + k * ROWS + row];
  }
  return a1[first_a() + row * INNER + k];
}

fn load_b(k: u32, column: u32) -> f32 {
  if (TRANSPOSE_B) {
    return b1[first_b() + column * INNER + k];
  }
  return b1[first_b() + k * COLUMNS + column];
}

// Any sizes: one invocation per element.
@compute @workgroup_size(WORKGROUP)
fn scalar(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= PRODUCTS * ROWS * COLUMNS) {
    return;
  }
  let row = row_of_block(index / COLUMNS, 1u);
  let column = index % COLUMNS;
  var sum = 0f;
  if (ACCUMULATE) {
    sum = c1[index];
  }
  for (var k = 0u; k < INNER; k++) {
    sum = sum + load_a(row, k) * load_b(k, column);
  }
  c1[index] = finish_1(sum, index);
}

fn row_of_a(row: u32, k: u32) -> vec4<f32> {
  return a4[(first_a() + min(row, ROWS - 1u) * INNER + k) / 4u];
}

// op(A)[row .. row + 3][k .. k + 3], one vector per row; rows beyond the last are copies of it.
fn rows_of_a(row: u32, k: u32) -> mat4x4<f32> {
  if (TRANSPOSE_A) {
    let at = (first_a() + k * ROWS + min(row, ROWS - 4u)) / 4u;
    let step = ROWS / 4u;
    return transpose(mat4x4<f32>(a4[at], a4[at + step], a4[at + 2u * step], a4[at + 3u * step]));
  }
  return mat4x4<f32>(
    row_of_a(row, k),
    row_of_a(row + 1u, k),
    row_of_a(row + 2u, k),
    row_of_a(row + 3u, k),
  );
}

// op(B)[k .. k + 3][column .. column + 3], one vector per k; columns beyond the last are copies.
fn rows_of_b(k: u32, column: u32) -> mat4x4<f32> {
  let inside = min(column, COLUMNS - 4u);
  if (TRANSPOSE_B) {
    let at = (first_b() + inside * INNER + k) / 4u;
    let step = INNER / 4u;
    return transpose(mat4x4<f32>(b4[at], b4[at + step], b4[at + 2u * step], b4[at + 3u * step]));
  }
  let at = (first_b() + k * COLUMNS + inside) / 4u;
  let step = COLUMNS / 4u;
  return mat4x4<f32>(b4[at], b4[at + step], b4[at + 2u * step], b4[at + 3u * step]);
}

// First row and column of a lane's tile. Lanes are numbered along the columns, then down the rows, so that
// none is idle whatever the width.
fn tile_of(workgroup: u32, lane: u32, size: vec2<u32>) -> vec2<u32> {
  let across = (COLUMNS + size.y - 1u) / size.y;
  let first = workgroup * WORKGROUP;
  if (UNIFORM_ROWS) {
    return vec2<u32>(row_of_block(first / across, size.x), (first % across + lane) * size.y);
  }
  let tile = first + lane;
  return vec2<u32>(row_of_block(tile / across, size.x), tile % across * size.y);
}

fn load_c(row: u32, column: u32) -> vec4<f32> {
  if (!ACCUMULATE) {
    return vec4<f32>();
  }
  return c4[(first_c() + min(row, ROWS - 1u) * COLUMNS + min(column, COLUMNS - 4u)) / 4u];
}

fn store_c(row: u32, column: u32, c: vec4<f32>) {
  if (row < ROWS && column < COLUMNS) {
    let i = (first_c() + row * COLUMNS + column) / 4u;
    c4[i] = finish_4(c, i);
  }
}

// Four rows of op(B) over 8 columns.
struct Rows8 {
  k0: mat2x4<f32>,
  k1: mat2x4<f32>,
  k2: mat2x4<f32>,
  k3: mat2x4<f32>,
}

fn rows_of_b_8(k: u32, column: u32) -> Rows8 {
  let c0 = rows_of_b(k, column);
  let c1 = rows_of_b(k, column + 4u);
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

fn load_c_8(row: u32, column: u32) -> mat2x4<f32> {
  return mat2x4<f32>(
    load_c(row, column),
    load_c(row, column + 4u),
  );
}

fn store_c_8(row: u32, column: u32, c: mat2x4<f32>) {
  store_c(row, column, c[0]);
  store_c(row, column + 4u, c[1]);
}

// A lane owns 8 rows and 8 columns.
@compute @workgroup_size(WORKGROUP)
fn rows_8x2(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = tile_of(group.y * groups.x + group.x, lane, vec2<u32>(8u, 8u));
  let row = tile.x;
  let column = tile.y;
  if (row >= ROWS || column >= COLUMNS) {
    return;
  }
  var r0 = load_c_8(row, column);
  var r1 = load_c_8(row + 1u, column);
  var r2 = load_c_8(row + 2u, column);
  var r3 = load_c_8(row + 3u, column);
  var r4 = load_c_8(row + 4u, column);
  var r5 = load_c_8(row + 5u, column);
  var r6 = load_c_8(row + 6u, column);
  var r7 = load_c_8(row + 7u, column);
  for (var k = 0u; k < INNER; k += 4u) {
    let b = rows_of_b_8(k, column);
    let a_0 = rows_of_a(row, k);
    r0 = advance_8(r0, a_0[0], b);
    r1 = advance_8(r1, a_0[1], b);
    r2 = advance_8(r2, a_0[2], b);
    r3 = advance_8(r3, a_0[3], b);
    let a_4 = rows_of_a(row + 4u, k);
    r4 = advance_8(r4, a_4[0], b);
    r5 = advance_8(r5, a_4[1], b);
    r6 = advance_8(r6, a_4[2], b);
    r7 = advance_8(r7, a_4[3], b);
  }
  store_c_8(row, column, r0);
  store_c_8(row + 1u, column, r1);
  store_c_8(row + 2u, column, r2);
  store_c_8(row + 3u, column, r3);
  store_c_8(row + 4u, column, r4);
  store_c_8(row + 5u, column, r5);
  store_c_8(row + 6u, column, r6);
  store_c_8(row + 7u, column, r7);
}

// Four rows of op(B) over 16 columns.
struct Rows16 {
  k0: mat4x4<f32>,
  k1: mat4x4<f32>,
  k2: mat4x4<f32>,
  k3: mat4x4<f32>,
}

fn rows_of_b_16(k: u32, column: u32) -> Rows16 {
  let c0 = rows_of_b(k, column);
  let c1 = rows_of_b(k, column + 4u);
  let c2 = rows_of_b(k, column + 8u);
  let c3 = rows_of_b(k, column + 12u);
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

fn load_c_16(row: u32, column: u32) -> mat4x4<f32> {
  return mat4x4<f32>(
    load_c(row, column),
    load_c(row, column + 4u),
    load_c(row, column + 8u),
    load_c(row, column + 12u),
  );
}

fn store_c_16(row: u32, column: u32, c: mat4x4<f32>) {
  store_c(row, column, c[0]);
  store_c(row, column + 4u, c[1]);
  store_c(row, column + 8u, c[2]);
  store_c(row, column + 12u, c[3]);
}

// A lane owns 16 rows and 16 columns: twice the speed of 8 x 8, four times its compilation time.
@compute @workgroup_size(WORKGROUP)
fn rows_16x4(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = tile_of(group.y * groups.x + group.x, lane, vec2<u32>(16u, 16u));
  let row = tile.x;
  let column = tile.y;
  if (row >= ROWS || column >= COLUMNS) {
    return;
  }
  var r0 = load_c_16(row, column);
  var r1 = load_c_16(row + 1u, column);
  var r2 = load_c_16(row + 2u, column);
  var r3 = load_c_16(row + 3u, column);
  var r4 = load_c_16(row + 4u, column);
  var r5 = load_c_16(row + 5u, column);
  var r6 = load_c_16(row + 6u, column);
  var r7 = load_c_16(row + 7u, column);
  var r8 = load_c_16(row + 8u, column);
  var r9 = load_c_16(row + 9u, column);
  var r10 = load_c_16(row + 10u, column);
  var r11 = load_c_16(row + 11u, column);
  var r12 = load_c_16(row + 12u, column);
  var r13 = load_c_16(row + 13u, column);
  var r14 = load_c_16(row + 14u, column);
  var r15 = load_c_16(row + 15u, column);
  for (var k = 0u; k < INNER; k += 4u) {
    let b = rows_of_b_16(k, column);
    let a_0 = rows_of_a(row, k);
    r0 = advance_16(r0, a_0[0], b);
    r1 = advance_16(r1, a_0[1], b);
    r2 = advance_16(r2, a_0[2], b);
    r3 = advance_16(r3, a_0[3], b);
    let a_4 = rows_of_a(row + 4u, k);
    r4 = advance_16(r4, a_4[0], b);
    r5 = advance_16(r5, a_4[1], b);
    r6 = advance_16(r6, a_4[2], b);
    r7 = advance_16(r7, a_4[3], b);
    let a_8 = rows_of_a(row + 8u, k);
    r8 = advance_16(r8, a_8[0], b);
    r9 = advance_16(r9, a_8[1], b);
    r10 = advance_16(r10, a_8[2], b);
    r11 = advance_16(r11, a_8[3], b);
    let a_12 = rows_of_a(row + 12u, k);
    r12 = advance_16(r12, a_12[0], b);
    r13 = advance_16(r13, a_12[1], b);
    r14 = advance_16(r14, a_12[2], b);
    r15 = advance_16(r15, a_12[3], b);
  }
  store_c_16(row, column, r0);
  store_c_16(row + 1u, column, r1);
  store_c_16(row + 2u, column, r2);
  store_c_16(row + 3u, column, r3);
  store_c_16(row + 4u, column, r4);
  store_c_16(row + 5u, column, r5);
  store_c_16(row + 6u, column, r6);
  store_c_16(row + 7u, column, r7);
  store_c_16(row + 8u, column, r8);
  store_c_16(row + 9u, column, r9);
  store_c_16(row + 10u, column, r10);
  store_c_16(row + 11u, column, r11);
  store_c_16(row + 12u, column, r12);
  store_c_16(row + 13u, column, r13);
  store_c_16(row + 14u, column, r14);
  store_c_16(row + 15u, column, r15);
}

// Eight elements of one row of op(B); columns beyond the last are copies of it.
fn row_of_b_any(k: u32, column: u32) -> mat2x4<f32> {
  let last = COLUMNS - 1u;
  return mat2x4<f32>(
    load_b(k, column),
    load_b(k, min(column + 1u, last)),
    load_b(k, min(column + 2u, last)),
    load_b(k, min(column + 3u, last)),
    load_b(k, min(column + 4u, last)),
    load_b(k, min(column + 5u, last)),
    load_b(k, min(column + 6u, last)),
    load_b(k, min(column + 7u, last)),
  );
}

fn load_c_any(row: u32, column: u32) -> mat2x4<f32> {
  var c = mat2x4<f32>();
  if (ACCUMULATE) {
    for (var j = 0u; j < 8u; j++) {
      let at = min(row, ROWS - 1u) * COLUMNS + min(column + j, COLUMNS - 1u);
      c[j / 4u][j % 4u] = c1[first_c() + at];
    }
  }
  return c;
}

fn store_c_any(row: u32, column: u32, value: mat2x4<f32>) {
  var c = value;
  for (var j = 0u; j < 8u; j++) {
    if (row < ROWS && column + j < COLUMNS) {
      let i = first_c() + row * COLUMNS + column + j;
      c1[i] = finish_1(c[j / 4u][j % 4u], i);
    }
  }
}

// Any sizes: a lane owns 8 rows and 8 columns.
@compute @workgroup_size(WORKGROUP)
fn rows_8x2_any(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = tile_of(group.y * groups.x + group.x, lane, vec2<u32>(8u, 8u));
  let row = tile.x;
  let column = tile.y;
  if (row >= ROWS || column >= COLUMNS) {
    return;
  }
  let last = ROWS - 1u;
  var r0 = load_c_any(row, column);
  var r1 = load_c_any(row + 1u, column);
  var r2 = load_c_any(row + 2u, column);
  var r3 = load_c_any(row + 3u, column);
  var r4 = load_c_any(row + 4u, column);
  var r5 = load_c_any(row + 5u, column);
  var r6 = load_c_any(row + 6u, column);
  var r7 = load_c_any(row + 7u, column);
  for (var k = 0u; k < INNER; k++) {
    let b = row_of_b_any(k, column);
    r0 = r0 + load_a(row, k) * b;
    r1 = r1 + load_a(min(row + 1u, last), k) * b;
    r2 = r2 + load_a(min(row + 2u, last), k) * b;
    r3 = r3 + load_a(min(row + 3u, last), k) * b;
    r4 = r4 + load_a(min(row + 4u, last), k) * b;
    r5 = r5 + load_a(min(row + 5u, last), k) * b;
    r6 = r6 + load_a(min(row + 6u, last), k) * b;
    r7 = r7 + load_a(min(row + 7u, last), k) * b;
  }
  store_c_any(row, column, r0);
  store_c_any(row + 1u, column, r1);
  store_c_any(row + 2u, column, r2);
  store_c_any(row + 3u, column, r3);
  store_c_any(row + 4u, column, r4);
  store_c_any(row + 5u, column, r5);
  store_c_any(row + 6u, column, r6);
  store_c_any(row + 7u, column, r7);
}

const TILE = 64u;
const DEPTH = 16u;
// Vectors along k for each of 64 rows or columns, 4 and one of padding; or 16 along a row for each k.
var<workgroup> vectors_a: array<vec4<f32>, 320>;
var<workgroup> vectors_b: array<vec4<f32>, 320>;

fn stage_a(row0: u32, k0: u32, lane: u32) {
  if (TRANSPOSE_A) {
    let k = min(k0 + lane / 16u, INNER - 1u);
    let row = min(row0 + lane % 16u * 4u, ROWS - 4u);
    vectors_a[lane] = a4[(first_a() + k * ROWS + row) / 4u];
  } else {
    let k = min(k0 + lane % 4u * 4u, INNER - 4u);
    vectors_a[lane / 4u * 5u + lane % 4u] = row_of_a(row0 + lane / 4u, k);
  }
}

fn stage_b(k0: u32, column0: u32, lane: u32) {
  if (TRANSPOSE_B) {
    let k = min(k0 + lane % 4u * 4u, INNER - 4u);
    let column = min(column0 + lane / 4u, COLUMNS - 1u);
    vectors_b[lane / 4u * 5u + lane % 4u] = b4[(first_b() + column * INNER + k) / 4u];
  } else {
    let k = min(k0 + lane / 16u, INNER - 1u);
    let column = min(column0 + lane % 16u * 4u, COLUMNS - 4u);
    vectors_b[lane] = b4[(first_b() + k * COLUMNS + column) / 4u];
  }
}

// Four rows of the tile from 4 * (lane / 16), at k .. k + 3, one vector per row.
fn staged_a(k: u32, lane: u32) -> mat4x4<f32> {
  if (TRANSPOSE_A) {
    let at = k * 16u + lane / 16u;
    return transpose(mat4x4<f32>(
      vectors_a[at],
      vectors_a[at + 16u],
      vectors_a[at + 32u],
      vectors_a[at + 48u],
    ));
  }
  let at = lane / 16u * 20u + k / 4u;
  return mat4x4<f32>(vectors_a[at], vectors_a[at + 5u], vectors_a[at + 10u], vectors_a[at + 15u]);
}

// The lane's four columns at k .. k + 3, one vector per k.
fn staged_b(k: u32, lane: u32) -> mat4x4<f32> {
  if (TRANSPOSE_B) {
    let at = lane % 16u * 5u + k / 4u;
    return transpose(mat4x4<f32>(
      vectors_b[at],
      vectors_b[at + 80u],
      vectors_b[at + 160u],
      vectors_b[at + 240u],
    ));
  }
  let at = k * 16u + lane % 16u;
  return mat4x4<f32>(vectors_b[at], vectors_b[at + 16u], vectors_b[at + 32u], vectors_b[at + 48u]);
}

// Adds op(A) op(B)'s share of one row over the lane's columns: next to each other, or 16 apart.
fn advance_4(c: vec4<f32>, a: vec4<f32>, b: mat4x4<f32>) -> vec4<f32> {
  return (((c + a.x * b[0]) + a.y * b[1]) + a.z * b[2]) + a.w * b[3];
}

// Column of the lane's element j.
fn column_of(column0: u32, lane: u32, j: u32) -> u32 {
  return column0 + select(lane % 16u * 4u + j, lane % 16u + j * 16u, TRANSPOSE_B);
}

fn load_tile(row: u32, column0: u32, lane: u32) -> vec4<f32> {
  var c = vec4<f32>();
  if (ACCUMULATE) {
    for (var j = 0u; j < 4u; j++) {
      let column = min(column_of(column0, lane, j), COLUMNS - 1u);
      c[j] = c1[first_c() + min(row, ROWS - 1u) * COLUMNS + column];
    }
  }
  return c;
}

fn store_tile(row: u32, column0: u32, lane: u32, c: vec4<f32>) {
  for (var j = 0u; j < 4u; j++) {
    let column = column_of(column0, lane, j);
    if (row < ROWS && column < COLUMNS) {
      let i = first_c() + row * COLUMNS + column;
      c1[i] = finish_1(c[j], i);
    }
  }
}

// A workgroup owns a 64 x 64 tile, an invocation 4 x 4 elements.
@compute @workgroup_size(256)
fn tile_64(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let strips = (COLUMNS + TILE - 1u) / TILE;
  let tile = group.y * groups.x + group.x;
  let row0 = row_of_block(tile / strips, TILE);
  let column0 = (tile % strips) * TILE;
  let row = row0 + lane / 16u * 4u;
  var r0 = load_tile(row, column0, lane);
  var r1 = load_tile(row + 1u, column0, lane);
  var r2 = load_tile(row + 2u, column0, lane);
  var r3 = load_tile(row + 3u, column0, lane);
  for (var k0 = 0u; k0 < INNER; k0 += DEPTH) {
    stage_a(row0, k0, lane);
    stage_b(k0, column0, lane);
    workgroupBarrier();
    for (var k = 0u; k < min(DEPTH, INNER - k0); k += 4u) {
      let a = staged_a(k, lane);
      let b = staged_b(k, lane);
      r0 = advance_4(r0, a[0], b);
      r1 = advance_4(r1, a[1], b);
      r2 = advance_4(r2, a[2], b);
      r3 = advance_4(r3, a[3], b);
    }
    workgroupBarrier();
  }
  store_tile(row, column0, lane, r0);
  store_tile(row + 1u, column0, lane, r1);
  store_tile(row + 2u, column0, lane, r2);
  store_tile(row + 3u, column0, lane, r3);
}

// Any sizes: a workgroup of 16 x 16 invocations owns a 64 x 64 tile and stages K-tiles of 16 in
// workgroup memory; an invocation owns 4 x 4 elements. For sizes that are not multiples of 4.
var<workgroup> tile_a: array<array<f32, 64>, 16>;
var<workgroup> tile_b: array<array<f32, 64>, 16>;

@compute @workgroup_size(256)
fn tile_64_any(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let strips = (COLUMNS + TILE - 1u) / TILE;
  let tile = group.y * groups.x + group.x;
  let row0 = row_of_block(tile / strips, TILE);
  let column0 = (tile % strips) * TILE;
  let row = (lane / 16u) * 4u;
  let column = (lane % 16u) * 4u;
  var c: array<vec4<f32>, 4>;
  if (ACCUMULATE) {
    for (var r = 0u; r < 4u; r++) {
      for (var s = 0u; s < 4u; s++) {
        if (row0 + row + r < ROWS && column0 + column + s < COLUMNS) {
          c[r][s] = c1[first_c() + (row0 + row + r) * COLUMNS + column0 + column + s];
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
        let i = first_c() + (row0 + row + r) * COLUMNS + column0 + column + s;
        c1[i] = finish_1(c[r][s], i);
      }
    }
  }
}
