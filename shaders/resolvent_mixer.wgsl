// resolvent_mixer: y = T x with T the causal factor of a tridiagonal resolvent. With g the pivots, which
// resolvent.wgsl gives, and t_i >= 0 the bond between i - 1 and i,
//   y_i = g_i (x_i - t_i y_{i-1})
// docs/mathematics.md §12. x, re, im: (B, N, HEADS COLUMNS), re and im the parts of y; g_re, g_im: (B, N, HEADS); t:
// (B, N, HEADS), (HEADS) or (1). One invocation per (sequence, chunk, four columns of a head), neighbouring lanes on
// neighbouring columns. Positions are cut into CHUNKS runs of CHUNK, walked in order. A walk starts
//   sequential  from what the walk before it left: one launch per chunk
//   halo        from nothing, EARLY positions early: enough to forget it
//   carry       from the edge of its chunk, found by `reduce`, product of a chunk's factors and its value from
//               nothing, and `link`, these in order
// Position 0 starts from the entry of chunk 0 if EDGE, else from nothing. No sums.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> g_re: array<f32>;
@group(0) @binding(3) var<storage, read_write> g_im: array<f32>;
// (B, CHUNKS + 1, HEADS COLUMNS): y before each chunk; last, where all end.
@group(0) @binding(4) var<storage, read_write> value_entry: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> re: array<f32>;
@group(0) @binding(6) var<storage, read_write> im: array<f32>;
// `reduce`, `link`: (B, CHUNKS, HEADS COLUMNS), factor and value.
@group(0) @binding(5) var<storage, read_write> summary: array<vec4<f32>>;
// `enter` and `leave`: states of the caller, (B, HEADS) and (B, HEADS COLUMNS), and the entries.
@group(0) @binding(0) var<storage, read_write> pivot_state: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> value_state: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> pivot_entries: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> value_entries: array<vec2<f32>>;
override B: u32;
override N: u32;
override HEADS: u32;
override COLUMNS: u32;
// Fours of columns of a head, the last one filled up with its last column.
override GROUPS: u32;
// 2 where t has one value per position and head, 1 per head, 0 where one value serves all.
override T_BY: u32;
override CHUNK: u32;
override CHUNKS: u32;
override EARLY: u32;
// Whether position 0 starts from an entry.
override EDGE: bool;
// Whether the entries of later chunks hold where walks start; if not, they start from nothing.
override STORED: bool;
// Whether each walk leaves its end as the entry of the next.
override PASSES: bool;
// Chunks of this launch: COUNT from FIRST on.
override FIRST: u32;
override COUNT: u32;
override WORKGROUP: u32 = 64;

// y of four columns.
struct Four {
  re: vec4<f32>,
  im: vec4<f32>,
}

// One chunk of one sequence, for the lane-th head, column or four columns.
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

fn bond(cell: u32) -> f32 {
  return t[select(select(0u, cell % HEADS, T_BY == 1u), cell, T_BY == 2u)];
}

fn walk_of(index: u32, width: u32) -> Walk {
  let chunk = FIRST + index / width % COUNT;
  let first = chunk * CHUNK;
  return Walk(index / (width * COUNT), index % width, chunk, first, min(N, first + CHUNK));
}

// The place of a chunk's entry.
fn slot(at: Walk, chunk: u32, width: u32) -> u32 {
  return (at.batch * (CHUNKS + 1u) + chunk) * width + at.lane;
}

// Whether a walk that starts `early` positions before its chunk has an entry, and not nothing, to start from.
fn is_entered(at: Walk, early: u32) -> bool {
  return select(STORED, EDGE, at.first == early);
}

// Columns of a group; what fills up the last one computes and stores the same once more.
fn columns_of(lane: u32) -> vec4<u32> {
  let first = vec4<u32>(lane % GROUPS * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
  return vec4<u32>(lane / GROUPS * COLUMNS) + min(first, vec4<u32>(COLUMNS - 1u));
}

// y_i from y_{i-1}.
fn advance(y: Four, g: vec2<f32>, t_i: f32, here: vec4<u32>) -> Four {
  let source = vec4<f32>(x[here.x], x[here.y], x[here.z], x[here.w]) - t_i * y.re;
  let turned = -t_i * y.im;
  return Four(g.x * source - g.y * turned, g.y * source + g.x * turned);
}

fn entered_values(at: Walk, chunk: u32) -> Four {
  let width = HEADS * COLUMNS;
  let place = vec4<u32>((at.batch * (CHUNKS + 1u) + chunk) * width) + columns_of(at.lane);
  let a = value_entry[place.x];
  let b = value_entry[place.y];
  let c = value_entry[place.z];
  let d = value_entry[place.w];
  return Four(vec4<f32>(a.x, b.x, c.x, d.x), vec4<f32>(a.y, b.y, c.y, d.y));
}

fn leave_values(at: Walk, chunk: u32, y: Four) {
  let width = HEADS * COLUMNS;
  let place = vec4<u32>((at.batch * (CHUNKS + 1u) + chunk) * width) + columns_of(at.lane);
  value_entry[place.x] = vec2<f32>(y.re.x, y.im.x);
  value_entry[place.y] = vec2<f32>(y.re.y, y.im.y);
  value_entry[place.z] = vec2<f32>(y.re.z, y.im.z);
  value_entry[place.w] = vec2<f32>(y.re.w, y.im.w);
}

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * COUNT * HEADS * GROUPS) {
    return;
  }
  let at = walk_of(index, HEADS * GROUPS);
  let columns = columns_of(at.lane);
  let early = min(EARLY, at.first);
  var y = Four();
  if (is_entered(at, early)) {
    y = entered_values(at, select(at.chunk, 0u, at.first == early));
  }
  for (var i = at.first - early; i < at.last; i++) {
    let row = at.batch * N + i;
    let cell = row * HEADS + at.lane / GROUPS;
    let here = vec4<u32>(row * (HEADS * COLUMNS)) + columns;
    y = advance(y, vec2<f32>(g_re[cell], g_im[cell]), bond(cell), here);
    if (i >= at.first) {
      re[here.x] = y.re.x;
      re[here.y] = y.re.y;
      re[here.z] = y.re.z;
      re[here.w] = y.re.w;
      im[here.x] = y.im.x;
      im[here.y] = y.im.y;
      im[here.z] = y.im.z;
      im[here.w] = y.im.w;
    }
  }
  if (PASSES || at.chunk + 1u == CHUNKS) {
    leave_values(at, at.chunk + 1u, y);
  }
}

@compute @workgroup_size(WORKGROUP)
fn reduce(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * COUNT * HEADS * GROUPS) {
    return;
  }
  let at = walk_of(index, HEADS * GROUPS);
  let columns = columns_of(at.lane);
  let width = HEADS * COLUMNS;
  var product = vec2<f32>(1f, 0f);
  var y = Four();
  for (var i = at.first; i < at.last; i++) {
    let row = at.batch * N + i;
    let cell = row * HEADS + at.lane / GROUPS;
    let g = vec2<f32>(g_re[cell], g_im[cell]);
    let t_i = bond(cell);
    y = advance(y, g, t_i, vec4<u32>(row * width) + columns);
    product = multiply(-t_i * g, product);
  }
  let place = vec4<u32>((at.batch * CHUNKS + at.chunk) * width) + columns;
  summary[place.x] = vec4<f32>(product, y.re.x, y.im.x);
  summary[place.y] = vec4<f32>(product, y.re.y, y.im.y);
  summary[place.z] = vec4<f32>(product, y.re.z, y.im.z);
  summary[place.w] = vec4<f32>(product, y.re.w, y.im.w);
}

// y before the chunks from 1 on, one invocation per sequence and column.
@compute @workgroup_size(WORKGROUP)
fn link(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let width = HEADS * COLUMNS;
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * width) {
    return;
  }
  let at = Walk(index / width, index % width, 0u, 0u, 0u);
  var y = vec2<f32>();
  if (EDGE) {
    y = value_entry[slot(at, 0u, width)];
  }
  for (var chunk = 0u; chunk + 1u < CHUNKS; chunk++) {
    let across = summary[(at.batch * CHUNKS + chunk) * width + at.lane];
    y = across.zw + multiply(across.xy, y);
    value_entry[slot(at, chunk + 1u, width)] = y;
  }
}

// States of the caller to the entries of chunk 0.
@compute @workgroup_size(WORKGROUP)
fn enter(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let width = HEADS * COLUMNS;
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * width) {
    return;
  }
  value_entries[slot(Walk(index / width, index % width, 0u, 0u, 0u), 0u, width)] = value_state[index];
  if (index < B * HEADS) {
    let at = Walk(index / HEADS, index % HEADS, 0u, 0u, 0u);
    pivot_entries[slot(at, 0u, HEADS)] = pivot_state[index];
  }
}

// The ends of all walks to states of the caller.
@compute @workgroup_size(WORKGROUP)
fn leave(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let width = HEADS * COLUMNS;
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * width) {
    return;
  }
  value_state[index] = value_entries[slot(Walk(index / width, index % width, 0u, 0u, 0u), CHUNKS, width)];
  if (index < B * HEADS) {
    let at = Walk(index / HEADS, index % HEADS, 0u, 0u, 0u);
    pivot_state[index] = pivot_entries[slot(at, CHUNKS, HEADS)];
  }
}
