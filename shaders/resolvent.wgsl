// resolvent: pivots of the resolvent mixer. With d_i = a + v_i - lambda - i eta_i and t_i >= 0 the bond between
// i - 1 and i,
//   g_i = 1 / (d_i - t_i^2 g_{i-1})
// docs/mathematics.md §12; Im d = -eta keeps every 1/g above eta in modulus.
// v, g_re, g_im: (B, N, HEADS); t, eta: (B, N, HEADS), (HEADS) or (1); lambda: (HEADS) or (1). One invocation per
// (sequence, chunk, head), neighbouring lanes on neighbouring heads. Positions are cut into CHUNKS runs of CHUNK,
// walked in order. A walk starts
//   sequential  from what the walk before it left: one launch per chunk
//   halo        from nothing, EARLY positions early: enough to forget it
//   carry       from EARLY positions early, found by `reduce`, the stretch between two such places as one
//               Moebius map, and `link`, these in order
// Position 0 starts from the entry of chunk 0 if EDGE, else from nothing. No sums. Arithmetic of pairs as in
// bk_core.wgsl.
@group(0) @binding(0) var<storage, read_write> v: array<f32>;
@group(0) @binding(1) var<storage, read_write> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> eta: array<f32>;
@group(0) @binding(3) var<storage, read_write> lambda: array<f32>;
// (B, CHUNKS + 1, HEADS): pivot, high and low part, where the walk to each chunk starts; last, where all end.
@group(0) @binding(4) var<storage, read_write> pivot_entry: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> g_re: array<f32>;
@group(0) @binding(6) var<storage, read_write> g_im: array<f32>;
// `reduce`, `link`: (B, CHUNKS, HEADS, 2), rows of the product of [[d_i, -t_i^2], [1, 0]].
@group(0) @binding(5) var<storage, read_write> transfer: array<vec4<f32>>;
override A: f32;
override B: u32;
override N: u32;
override HEADS: u32;
// 2 where t, eta or lambda has one value per position and head, 1 per head, 0 where one value serves all.
override T_BY: u32;
override ETA_BY: u32;
override LAMBDA_BY: u32;
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
// Sites between two rescalings of a chunk's matrix, which may grow by |d| + t^2 at each.
const RESCALE = 8u;

// A complex number as the unevaluated sum of two, about 48 bits. The pivots are carried so, because
// 1 / (d - p g) loses up to log2(1/eta) bits where d and p g nearly cancel.
struct Pair {
  high: vec2<f32>,
  low: vec2<f32>,
}

// One chunk of one head of one sequence.
struct Walk {
  batch: u32,
  lane: u32,
  chunk: u32,
  first: u32,
  last: u32,
}

// Always 0, which no compiler knows: WGSL allows (a + b) - a to be taken for b, and drivers do so.
var<private> zero: u32;

fn opaque(value: vec2<f32>) -> vec2<f32> {
  return bitcast<vec2<f32>>(bitcast<vec2<u32>>(value) ^ vec2<u32>(zero));
}

// Error of the sum s = a + b. Source: Knuth, The Art of Computer Programming 2, 4.2.2, theorem B.
fn sum_error(a: vec2<f32>, b: vec2<f32>, s: vec2<f32>) -> vec2<f32> {
  let u = opaque(opaque(s) - a);
  return (a - opaque(s - u)) + (b - u);
}

// The upper 12 bits of each mantissa; products of upper and lower parts are exact.
fn upper(value: vec2<f32>) -> vec2<f32> {
  return bitcast<vec2<f32>>(bitcast<vec2<u32>>(value) & vec2<u32>(0xfffff000u));
}

// Error of the products m = a b. Source: Dekker 1971, "A floating-point technique for extending the
// available precision", section 5.
fn product_error(a: vec2<f32>, b: vec2<f32>, m: vec2<f32>) -> vec2<f32> {
  let a_high = upper(a);
  let b_high = upper(b);
  let a_low = a - a_high;
  let b_low = b - b_high;
  return ((a_high * b_high - m) + a_high * b_low + a_low * b_high) + a_low * b_low;
}

fn pair(high: vec2<f32>, low: vec2<f32>) -> Pair {
  let s = opaque(high + low);
  return Pair(s, low - opaque(s - high));
}

fn multiply(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(a.x * b.x - a.y * b.y, a.y * b.x + a.x * b.y);
}

fn reciprocal(a: vec2<f32>) -> vec2<f32> {
  let s = 1f / (a.x * a.x + a.y * a.y);
  return vec2<f32>(a.x * s, -a.y * s);
}

// Index of an operand's value for a cell (position and head).
fn pick(by: u32, cell: u32) -> u32 {
  return select(select(0u, cell % HEADS, by == 1u), cell, by == 2u);
}

fn bond(cell: u32) -> f32 {
  return t[pick(T_BY, cell)];
}

// d_i.
fn site(cell: u32) -> Pair {
  let shift = vec2<f32>(v[cell], -eta[pick(ETA_BY, cell)]);
  let first = vec2<f32>(A, 0f) + shift;
  let error = sum_error(vec2<f32>(A, 0f), shift, first);
  let minus = vec2<f32>(-lambda[pick(LAMBDA_BY, cell)], 0f);
  let second = first + minus;
  return Pair(second, error + sum_error(first, minus, second));
}

// d - t^2 g.
fn eliminate(d: Pair, t_i: f32, g: Pair) -> Pair {
  let bonds = vec2<f32>(t_i);
  let p = bonds * bonds;
  let p_low = product_error(bonds, bonds, p);
  let m = p * g.high;
  let low = product_error(p, g.high, m) + (p * g.low + p_low * g.high);
  let s = d.high - m;
  return pair(s, sum_error(d.high, -m, s) + (d.low - low));
}

// 1 / l: one Newton step y + y (1 - l y) with the residual to full length.
fn inverse(l: Pair) -> Pair {
  let y = reciprocal(l.high);
  let straight = l.high * y;
  let crossed = l.high * y.yx;
  let straight_error = product_error(l.high, y, straight);
  let crossed_error = product_error(l.high, y.yx, crossed);
  // 1 - Re l y = 1 - straight.x + straight.y; the second sum is exact since the two nearly cancel.
  let rest = vec2<f32>(1f - straight.x, 0f);
  let rest_error = sum_error(vec2<f32>(1f, 0f), vec2<f32>(-straight.x, 0f), rest).x;
  let real = (rest.x + straight.y) + (rest_error - straight_error.x + straight_error.y)
    - (l.low.x * y.x - l.low.y * y.y);
  let imaginary = -(crossed.x + crossed.y) - (crossed_error.x + crossed_error.y)
    - (l.low.x * y.y + l.low.y * y.x);
  return pair(y, multiply(y, vec2<f32>(real, imaginary)));
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

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  zero = groups.z - 1u;
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * COUNT * HEADS) {
    return;
  }
  let at = walk_of(index, HEADS);
  let early = min(EARLY, at.first);
  var state = Pair();
  if (is_entered(at, early)) {
    let entry = pivot_entry[slot(at, select(at.chunk, 0u, at.first == early), HEADS)];
    state = Pair(entry.xy, entry.zw);
  }
  for (var i = at.first - early; i < at.last; i++) {
    let cell = (at.batch * N + i) * HEADS + at.lane;
    state = inverse(eliminate(site(cell), bond(cell), state));
    if (i >= at.first) {
      g_re[cell] = state.high.x;
      g_im[cell] = state.high.y;
    }
  }
  if (PASSES || at.chunk + 1u == CHUNKS) {
    pivot_entry[slot(at, at.chunk + 1u, HEADS)] = vec4<f32>(state.high, state.low);
  }
}

fn rescaled(top: vec4<f32>, bottom: vec4<f32>) -> f32 {
  let size = max(abs(top), abs(bottom));
  let largest = max(max(size.x, size.y), max(size.z, size.w));
  // 2^-e for the exponent e of the largest: an exact factor, which a quotient of entries does not see.
  return bitcast<f32>((254u << 23u) - (bitcast<u32>(largest) & 0x7f800000u));
}

// M_last ... M_first between the places where the walks to a chunk and to the next one start.
@compute @workgroup_size(WORKGROUP)
fn reduce(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  zero = groups.z - 1u;
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * COUNT * HEADS) {
    return;
  }
  let at = walk_of(index, HEADS);
  var top = vec4<f32>(1f, 0f, 0f, 0f);
  var bottom = vec4<f32>(0f, 0f, 1f, 0f);
  let first = at.first - min(EARLY, at.first);
  for (var i = first; i < at.last - EARLY; i++) {
    let cell = (at.batch * N + i) * HEADS + at.lane;
    let d = site(cell).high;
    let t_i = bond(cell);
    let next = vec4<f32>(multiply(d, top.xy), multiply(d, top.zw)) - (t_i * t_i) * bottom;
    bottom = top;
    top = next;
    if ((i - first) % RESCALE == RESCALE - 1u) {
      let scale = rescaled(top, bottom);
      top = scale * top;
      bottom = scale * bottom;
    }
  }
  let scale = rescaled(top, bottom);
  let place = 2u * ((at.batch * CHUNKS + at.chunk) * HEADS + at.lane);
  transfer[place] = scale * top;
  transfer[place + 1u] = scale * bottom;
}

// Pivots where the walks to chunks from 1 on start, one invocation per sequence and head.
@compute @workgroup_size(WORKGROUP)
fn link(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * HEADS) {
    return;
  }
  let at = Walk(index / HEADS, index % HEADS, 0u, 0u, 0u);
  var state = vec2<f32>();
  if (EDGE) {
    state = pivot_entry[slot(at, 0u, HEADS)].xy;
  }
  for (var chunk = 0u; chunk + 1u < CHUNKS; chunk++) {
    let place = 2u * ((at.batch * CHUNKS + chunk) * HEADS + at.lane);
    let top = transfer[place];
    let bottom = transfer[place + 1u];
    state = multiply(bottom.xy + multiply(bottom.zw, state),
      reciprocal(top.xy + multiply(top.zw, state)));
    pivot_entry[slot(at, chunk + 1u, HEADS)] = vec4<f32>(state, 0f, 0f);
  }
}

