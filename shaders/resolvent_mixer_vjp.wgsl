// resolvent_mixer_vjp: exact gradients of resolvent_mixer (docs/mathematics.md §12.4). With wy_i = Re dy_i - i Im dy_i
// per column and w_i the same of g_i,
//   rho_i = wy_i - t_{i+1} g_{i+1} rho_{i+1};   dx_i = Re(g_i rho_i)
//   W_i = w_i + sum over columns of rho_i (x_i - t_i y_{i-1});  s_i = sum over columns of rho_i y_{i-1}
//   mu_i = g_i^2 (t_{i+1}^2 mu_{i+1} - W_i);  dv_i = Re mu_i;  deta_i = Im mu_i;
//   dt_i = -2 t_i Re(g_{i-1} mu_i) - Re(g_i s_i)
// x, re, im, dre, dim, dx: (B, N, HEADS COLUMNS); g_re, g_im, their cotangents, dv, dt, deta: (B, N, HEADS); t:
// (B, N, HEADS), (HEADS) or (1). `pack` lays t and g together; `values` walks rho, one invocation per (sequence,
// chunk, four columns of a head), neighbouring lanes on neighbouring columns; `gather` adds up its sums; `pivots`
// walks mu, one per (sequence, chunk, head). Sums over columns: of four (0 + 1) + (2 + 3), the fours in order, w
// last. Positions are cut into CHUNKS runs of CHUNK, walked from their end. A walk starts
//   sequential  from what the walk after it left: one launch per chunk, the last chunk first
//   halo        from nothing, EARLY positions after its chunk: enough to forget it
//   carry       from the edge of its chunk, found by `reduce_values` or `reduce_pivots`, product of a chunk's
//               factors and its value from nothing, and `link_values` or `link_pivots`, these in order
// Length: two scans in three forms and the sums between them share their layout.
// (B, N, HEADS): t, Re g, Im g, 0.
@group(0) @binding(0) var<storage, read_write> cells: array<vec4<f32>>;
// `values`, and of these dre and dim `reduce_values`.
@group(0) @binding(1) var<storage, read_write> dre: array<f32>;
@group(0) @binding(2) var<storage, read_write> dim: array<f32>;
// (B, N, HEADS, GROUPS): W and s of four columns; then (B, CHUNKS, HEADS GROUPS, 2): Re and Im of what enters each
// chunk from its right.
@group(0) @binding(3) var<storage, read_write> held: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> x: array<f32>;
@group(0) @binding(5) var<storage, read_write> re: array<f32>;
@group(0) @binding(6) var<storage, read_write> im: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<f32>;
// `reduce_values`, `link_values`: (B, CHUNKS, HEADS GROUPS, 3), factor, 0, 0; Re, Im of the value.
@group(0) @binding(4) var<storage, read_write> value_map: array<vec4<f32>>;
// `pack`.
@group(0) @binding(1) var<storage, read_write> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> g_re: array<f32>;
@group(0) @binding(3) var<storage, read_write> g_im: array<f32>;
// `gather`; the cotangents are read if HAS_DG. sums: (B, N, HEADS), W and s.
@group(0) @binding(0) var<storage, read_write> dg_re: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dg_im: array<f32>;
// `pivots`, `reduce_pivots` and `link_pivots`: (B, CHUNKS, HEADS), what enters each chunk, and factor and value.
@group(0) @binding(2) var<storage, read_write> entry: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> pivot_map: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dv: array<f32>;
@group(0) @binding(4) var<storage, read_write> dt: array<f32>;
@group(0) @binding(5) var<storage, read_write> deta: array<f32>;
override B: u32;
override N: u32;
override HEADS: u32;
override COLUMNS: u32;
// Fours of columns of a head, the last one filled up with its last column.
override GROUPS: u32;
// 2 where t has one value per position and head, 1 per head, 0 where one value serves all.
override T_BY: u32;
override HAS_DG: bool;
override CHUNK: u32;
override CHUNKS: u32;
override EARLY: u32;
// Whether the entries hold where walks start; if not, they start from nothing.
override STORED: bool;
// Whether each walk leaves its end as the entry of the chunk before.
override PASSES: bool;
// Chunks of this launch: COUNT from FIRST on.
override FIRST: u32;
override COUNT: u32;
override WORKGROUP: u32 = 64;

// rho of four columns.
struct Four {
  re: vec4<f32>,
  im: vec4<f32>,
}

// One chunk of one head or four columns of one sequence.
struct Walk {
  batch: u32,
  lane: u32,
  chunk: u32,
  first: u32,
  last: u32,
}

fn multiply(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(a.x * b.x - a.y * b.y, a.y * b.x + a.x * b.y);
}

fn square(a: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(a.x * a.x - a.y * a.y, 2f * a.x * a.y);
}

fn walk_of(index: u32, width: u32) -> Walk {
  let chunk = FIRST + index / width % COUNT;
  let first = chunk * CHUNK;
  return Walk(index / (width * COUNT), index % width, chunk, first, min(N, first + CHUNK));
}

// Whether a walk that starts `late` positions after its chunk starts from an entry, and not from nothing.
fn is_entered(at: Walk, late: u32) -> bool {
  return STORED && at.last + late < N;
}

// t and g of a position; beyond the last one, where nothing flows in, those of the last.
fn cell_at(at: Walk, i: u32, head: u32) -> vec4<f32> {
  return cells[(at.batch * N + min(i, N - 1u)) * HEADS + head];
}

@compute @workgroup_size(WORKGROUP)
fn pack(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let cell = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (cell >= B * N * HEADS) {
    return;
  }
  let t_i = t[select(select(0u, cell % HEADS, T_BY == 1u), cell, T_BY == 2u)];
  cells[cell] = vec4<f32>(t_i, g_re[cell], g_im[cell], 0f);
}

// Columns of a group; what fills up the last one computes the same once more and adds nothing.
fn columns_of(lane: u32) -> vec4<u32> {
  let first = vec4<u32>(lane % GROUPS * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
  return vec4<u32>(lane / GROUPS * COLUMNS) + min(first, vec4<u32>(COLUMNS - 1u));
}

// rho_i from rho_{i+1}, with t and g of i + 1.
fn advance(rho: Four, next: vec4<f32>, here: vec4<u32>) -> Four {
  let gate = next.x * next.yz;
  let wy_re = vec4<f32>(dre[here.x], dre[here.y], dre[here.z], dre[here.w]);
  let wy_im = -vec4<f32>(dim[here.x], dim[here.y], dim[here.z], dim[here.w]);
  return Four(
    wy_re - (gate.x * rho.re - gate.y * rho.im),
    wy_im - (gate.x * rho.im + gate.y * rho.re),
  );
}

// W and s of four columns at one position.
fn share(rho: Four, t_i: f32, here: vec4<u32>, is_first: bool, is_real: vec4<bool>) -> vec4<f32> {
  let width = vec4<u32>(HEADS * COLUMNS);
  let before = max(here, width) - width;
  let none = vec4<bool>(is_first);
  let y_re = select(vec4<f32>(re[before.x], re[before.y], re[before.z], re[before.w]), vec4<f32>(), none);
  let y_im = select(vec4<f32>(im[before.x], im[before.y], im[before.z], im[before.w]), vec4<f32>(), none);
  let r_re = vec4<f32>(x[here.x], x[here.y], x[here.z], x[here.w]) - t_i * y_re;
  let r_im = -t_i * y_im;
  let nothing = vec4<f32>();
  let a = select(nothing, rho.re * r_re - rho.im * r_im, is_real);
  let b = select(nothing, rho.im * r_re + rho.re * r_im, is_real);
  let c = select(nothing, rho.re * y_re - rho.im * y_im, is_real);
  let d = select(nothing, rho.im * y_re + rho.re * y_im, is_real);
  return vec4<f32>(
    (a.x + a.y) + (a.z + a.w),
    (b.x + b.y) + (b.z + b.w),
    (c.x + c.y) + (c.z + c.w),
    (d.x + d.y) + (d.z + d.w),
  );
}

// Index in `held` of what enters a chunk.
fn entry_of(batch: u32, chunk: u32, lane: u32) -> u32 {
  return B * N * HEADS * GROUPS + 2u * ((batch * CHUNKS + chunk) * (HEADS * GROUPS) + lane);
}

@compute @workgroup_size(WORKGROUP)
fn values(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * COUNT * HEADS * GROUPS) {
    return;
  }
  let at = walk_of(index, HEADS * GROUPS);
  let head = at.lane / GROUPS;
  let columns = columns_of(at.lane);
  let is_real = vec4<u32>(at.lane % GROUPS * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(COLUMNS);
  let late = min(EARLY, N - at.last);
  var rho = Four();
  if (is_entered(at, late)) {
    let place = entry_of(at.batch, at.chunk, at.lane);
    rho = Four(held[place], held[place + 1u]);
  }
  var next = cell_at(at, at.last + late, head);
  for (var k = at.last + late; k > at.first; k--) {
    let i = k - 1u;
    let row = at.batch * N + i;
    let here = vec4<u32>(row * (HEADS * COLUMNS)) + columns;
    rho = advance(rho, next, here);
    next = cells[row * HEADS + head];
    if (i < at.last) {
      let back = next.y * rho.re - next.z * rho.im;
      dx[here.x] = back.x;
      dx[here.y] = back.y;
      dx[here.z] = back.z;
      dx[here.w] = back.w;
      held[row * (HEADS * GROUPS) + at.lane] = share(rho, next.x, here, i == 0u, is_real);
    }
  }
  if (PASSES && at.chunk > 0u) {
    let place = entry_of(at.batch, at.chunk - 1u, at.lane);
    held[place] = rho.re;
    held[place + 1u] = rho.im;
  }
}

@compute @workgroup_size(WORKGROUP)
fn reduce_values(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * COUNT * HEADS * GROUPS) {
    return;
  }
  let at = walk_of(index, HEADS * GROUPS);
  let head = at.lane / GROUPS;
  let columns = columns_of(at.lane);
  var product = vec2<f32>(1f, 0f);
  var rho = Four();
  var next = cell_at(at, at.last, head);
  for (var k = at.last; k > at.first; k--) {
    let row = at.batch * N + k - 1u;
    rho = advance(rho, next, vec4<u32>(row * (HEADS * COLUMNS)) + columns);
    product = multiply(-next.x * next.yz, product);
    next = cells[row * HEADS + head];
  }
  let place = 3u * ((at.batch * CHUNKS + at.chunk) * (HEADS * GROUPS) + at.lane);
  value_map[place] = vec4<f32>(product, 0f, 0f);
  value_map[place + 1u] = rho.re;
  value_map[place + 2u] = rho.im;
}

// What enters every chunk but the last, one invocation per sequence and four columns.
@compute @workgroup_size(WORKGROUP)
fn link_values(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let width = HEADS * GROUPS;
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * width) {
    return;
  }
  var rho = Four();
  for (var chunk = CHUNKS - 1u; chunk > 0u; chunk--) {
    let place = 3u * ((index / width * CHUNKS + chunk) * width + index % width);
    let by = value_map[place];
    rho = Four(
      value_map[place + 1u] + (by.x * rho.re - by.y * rho.im),
      value_map[place + 2u] + (by.x * rho.im + by.y * rho.re),
    );
    let into = entry_of(index / width, chunk - 1u, index % width);
    held[into] = rho.re;
    held[into + 1u] = rho.im;
  }
}

@compute @workgroup_size(WORKGROUP)
fn gather(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let cell = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (cell >= B * N * HEADS) {
    return;
  }
  var total = vec4<f32>();
  for (var k = 0u; k < GROUPS; k++) {
    total += held[cell * GROUPS + k];
  }
  if (HAS_DG) {
    total += vec4<f32>(dg_re[cell], -dg_im[cell], 0f, 0f);
  }
  sums[cell] = total;
}

// mu_i from mu_{i+1}, with t and g of i and of i + 1.
fn advance_pivot(mu: vec2<f32>, cell: vec4<f32>, next: vec4<f32>, w: vec2<f32>) -> vec2<f32> {
  return multiply(square(cell.yz), (next.x * next.x) * mu - w);
}

@compute @workgroup_size(WORKGROUP)
fn pivots(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * COUNT * HEADS) {
    return;
  }
  let at = walk_of(index, HEADS);
  let late = min(EARLY, N - at.last);
  var mu = vec2<f32>();
  if (is_entered(at, late)) {
    mu = entry[(at.batch * CHUNKS + at.chunk) * HEADS + at.lane];
  }
  var next = cell_at(at, at.last + late, at.lane);
  for (var k = at.last + late; k > at.first; k--) {
    let i = k - 1u;
    let place = (at.batch * N + i) * HEADS + at.lane;
    let cell = cells[place];
    let gathered = sums[place];
    mu = advance_pivot(mu, cell, next, gathered.xy);
    next = cell;
    if (i < at.last) {
      let before = select(cells[max(place, HEADS) - HEADS].yz, vec2<f32>(), i == 0u);
      dv[place] = mu.x;
      deta[place] = mu.y;
      dt[place] = -2f * cell.x * multiply(before, mu).x - multiply(cell.yz, gathered.zw).x;
    }
  }
  if (PASSES && at.chunk > 0u) {
    entry[(at.batch * CHUNKS + at.chunk - 1u) * HEADS + at.lane] = mu;
  }
}

@compute @workgroup_size(WORKGROUP)
fn reduce_pivots(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * COUNT * HEADS) {
    return;
  }
  let at = walk_of(index, HEADS);
  var product = vec2<f32>(1f, 0f);
  var mu = vec2<f32>();
  var next = cell_at(at, at.last, at.lane);
  for (var k = at.last; k > at.first; k--) {
    let place = (at.batch * N + k - 1u) * HEADS + at.lane;
    let cell = cells[place];
    mu = advance_pivot(mu, cell, next, sums[place].xy);
    product = multiply((next.x * next.x) * square(cell.yz), product);
    next = cell;
  }
  pivot_map[(at.batch * CHUNKS + at.chunk) * HEADS + at.lane] = vec4<f32>(product, mu);
}

// What enters every chunk but the last, one invocation per sequence and head.
@compute @workgroup_size(WORKGROUP)
fn link_pivots(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * HEADS) {
    return;
  }
  var mu = vec2<f32>();
  for (var chunk = CHUNKS - 1u; chunk > 0u; chunk--) {
    let place = (index / HEADS * CHUNKS + chunk) * HEADS + index % HEADS;
    mu = pivot_map[place].zw + multiply(pivot_map[place].xy, mu);
    entry[place - HEADS] = mu;
  }
}
