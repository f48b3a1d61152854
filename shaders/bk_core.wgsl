// bk_core: diagonal of a resolvent of the tridiagonal H with diagonal a + v_i and couplings p_k >= 0, at
// z = lambda + i eta. With d_i = a + v_i - z:
//   causal         g_i = 1 / (d_i - p_{i-1} g_{i-1})                      (leading block ending at i)
//   bidirectional  G_i = 1 / (d_i - p_{i-1} g_{i-1} - p_i h_{i+1}),  h_i = 1 / (d_i - p_i h_{i+1})
// docs/mathematics.md §4 (forward), §5 (gradients); Im d = -eta keeps every pivot above eta in modulus.
// v: (CHAINS, N); p: (N - 1) or (1); eta, lambda: (HEADS) or (1); g: (CHAINS, N) complex. Chain c belongs to
// head c mod HEADS. A chain is cut into CHUNKS runs of CHUNK positions; one invocation per (chain, chunk)
// walks the WARM_UP positions before its chunk and then its own, in order. It starts
//   sequential  from the pivot at the edge of the chunk, which `relay` found by walking the chunks in turn
//   halo        from nothing, WARM_UP positions early: enough to forget it
//   carry       from the pivot WARM_UP positions early, found by `summarise`, each stretch between two such
//               places as one Moebius map, and `carry`, these maps in order along the chain
// No sums. On a GPU neighbouring lanes read CHUNK floats apart; a lane comes back to its cache line for the
// next 31 positions, and 32 lanes hold 4 KiB of lines, which the first-level cache keeps.
// `stream` continues chains across calls from the pivot that it was given.
// Length: one arithmetic, of pairs, serves seven entry points.
@group(0) @binding(0) var<storage, read_write> v: array<f32>;
@group(0) @binding(1) var<storage, read_write> p: array<f32>;
@group(0) @binding(2) var<storage, read_write> eta: array<f32>;
@group(0) @binding(3) var<storage, read_write> lambda: array<f32>;
// (1 or 2, CHAINS, CHUNKS): pivot, high and low part, where the walk to each chunk starts; from the left, then
// from the right.
@group(0) @binding(4) var<storage, read_write> entry: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> g: array<vec2<f32>>;
// Lower parts of the left pivots: (CHAINS, N) complex.
@group(0) @binding(6) var<storage, read_write> low: array<vec2<f32>>;
// `stream` alone: `entry` is (CHAINS), the pivot left of v, 0 where there is none; `exits` (CHAINS), the last one.
@group(0) @binding(6) var<storage, read_write> exits: array<vec4<f32>>;
// `pivots` alone: left pivots, then right ones, (2, CHAINS, N) complex.
@group(0) @binding(5) var<storage, read_write> pivot: array<vec2<f32>>;
// `summarise` and `carry`: (1 or 2, CHAINS, CHUNKS, 2), rows of the product of [[d_i, -p_{i-1}], [1, 0]].
@group(0) @binding(5) var<storage, read_write> transfer: array<vec4<f32>>;
override A: f32;
override N: u32;
override CHAINS: u32;
override HEADS: u32;
// 1 where p, eta or lambda has one value per site or head, 0 where one value serves all.
override P_STEP: u32;
override ETA_STEP: u32;
override LAMBDA_STEP: u32;
override CHUNK: u32;
override CHUNKS: u32;
override WARM_UP: u32;
// Whether `entry` holds where walks start; if not, they start from nothing.
override ENTERED: bool;
// 1: walks from the left alone; 2: from the right as well.
override DIRECTIONS: u32;
// `relay`: which chunk of the walk it enters, from 1 on.
override STEP: u32 = 1;
override WORKGROUP: u32 = 64;
// Sites between two rescalings of a chunk's matrix, which may grow by |d| + p at each.
const RESCALE = 8u;

// A complex number as the unevaluated sum of two, about 48 bits. The pivots are carried so, because
// 1 / (d - p g) loses up to log2(1/eta) bits where d and p g nearly cancel.
struct Pair {
  high: vec2<f32>,
  low: vec2<f32>,
}

// What a chain has one value of.
struct Chain {
  first: u32,
  eta: f32,
  lambda: f32,
  p: f32,
}

// Always 0, which no compiler knows: WGSL allows (a + b) - a to be taken for b, and drivers do so.
var<private> zero: u32;

fn opaque(x: vec2<f32>) -> vec2<f32> {
  return bitcast<vec2<f32>>(bitcast<vec2<u32>>(x) ^ vec2<u32>(zero));
}

// Error of the sum s = a + b. Source: Knuth, The Art of Computer Programming 2, 4.2.2, theorem B.
fn sum_error(a: vec2<f32>, b: vec2<f32>, s: vec2<f32>) -> vec2<f32> {
  let t = opaque(opaque(s) - a);
  return (a - opaque(s - t)) + (b - t);
}

// The upper 12 bits of each mantissa; products of upper and lower parts are exact.
fn upper(x: vec2<f32>) -> vec2<f32> {
  return bitcast<vec2<f32>>(bitcast<vec2<u32>>(x) & vec2<u32>(0xfffff000u));
}

// Error of the products m = a b. Source: Dekker 1971, "A floating-point technique for extending the
// available precision", section 5.
fn product_error(a: vec2<f32>, b: vec2<f32>, m: vec2<f32>) -> vec2<f32> {
  let x = upper(a);
  let y = upper(b);
  let u = a - x;
  let w = b - y;
  return ((x * y - m) + x * w + u * y) + u * w;
}

fn pair(high: vec2<f32>, low: vec2<f32>) -> Pair {
  let s = opaque(high + low);
  return Pair(s, low - opaque(s - high));
}

fn chain_of(chain: u32) -> Chain {
  let head = chain % HEADS;
  return Chain(chain * N, eta[head * ETA_STEP], lambda[head * LAMBDA_STEP], p[0]);
}

// Coupling between k and k + 1; 0 beyond both ends of the chain, whatever k wraps to.
fn bond(at: Chain, k: u32) -> f32 {
  var value = at.p;
  if (P_STEP == 1u) {
    value = p[k];
  }
  return select(0f, value, k < N - 1u);
}

// d_i of a chain.
fn site(at: Chain, i: u32) -> Pair {
  let shift = vec2<f32>(v[at.first + i], -at.eta);
  let first = vec2<f32>(A, 0f) + shift;
  let error = sum_error(vec2<f32>(A, 0f), shift, first);
  let minus = vec2<f32>(-at.lambda, 0f);
  let second = first + minus;
  return Pair(second, error + sum_error(first, minus, second));
}

// d - coupling g.
fn eliminate(d: Pair, coupling: f32, g: Pair) -> Pair {
  let factor = vec2<f32>(coupling);
  let m = factor * g.high;
  let low = product_error(factor, g.high, m) + factor * g.low;
  let s = d.high - m;
  return pair(s, sum_error(d.high, -m, s) + (d.low - low));
}

fn multiply(x: vec2<f32>, y: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(x.x * y.x - x.y * y.y, x.y * y.x + x.x * y.y);
}

// 1 / x: one Newton step y + y (1 - x y) with the residual to full length.
fn inverse(x: Pair) -> Pair {
  let s = 1f / (x.high.x * x.high.x + x.high.y * x.high.y);
  let y = vec2<f32>(x.high.x * s, -x.high.y * s);
  let straight = x.high * y;
  let crossed = x.high * y.yx;
  let straight_error = product_error(x.high, y, straight);
  let crossed_error = product_error(x.high, y.yx, crossed);
  // 1 - Re x y = 1 - straight.x + straight.y; the second sum is exact since the two nearly cancel.
  let rest = vec2<f32>(1f - straight.x, 0f);
  let rest_error = sum_error(vec2<f32>(1f, 0f), vec2<f32>(-straight.x, 0f), rest).x;
  let real = (rest.x + straight.y) + (rest_error - straight_error.x + straight_error.y)
    - (x.low.x * y.x - x.low.y * y.y);
  let imaginary = -(crossed.x + crossed.y) - (crossed_error.x + crossed_error.y)
    - (x.low.x * y.y + x.low.y * y.x);
  return pair(y, multiply(y, vec2<f32>(real, imaginary)));
}

// The pivot left of `first`, or right of `last`, the edge of the chunk of `slot`.
fn approach(at: Chain, slot: u32, first: u32, last: u32, is_left: bool) -> Pair {
  let beyond = select(N - last, first, is_left);
  let count = min(WARM_UP, beyond);
  var state = Pair();
  if (ENTERED && beyond > 0u) {
    state = Pair(entry[slot].xy, entry[slot].zw);
  }
  for (var j = 0u; j < count; j++) {
    let i = select(last + count - 1u - j, first - count + j, is_left);
    state = inverse(eliminate(site(at, i), bond(at, select(i, i - 1u, is_left)), state));
  }
  return state;
}

// From the edge of one chunk to the edge of the next, one invocation per direction and chain.
@compute @workgroup_size(WORKGROUP)
fn relay(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  zero = groups.z - 1u;
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= DIRECTIONS * CHAINS) {
    return;
  }
  let is_left = DIRECTIONS == 1u || index < CHAINS;
  let at = chain_of(index % CHAINS);
  let chunk = select(CHUNKS - STEP, STEP - 1u, is_left);
  let first = chunk * CHUNK;
  let last = min(N, first + CHUNK);
  var state = approach(at, index * CHUNKS + chunk, first, last, is_left);
  for (var j = 0u; j < last - first; j++) {
    let i = select(last - 1u - j, first + j, is_left);
    state = inverse(eliminate(site(at, i), bond(at, select(i, i - 1u, is_left)), state));
  }
  let next = select(chunk - 1u, chunk + 1u, is_left);
  entry[index * CHUNKS + next] = vec4<f32>(state.high, state.low);
}

// First and one past the last site between the places where the walks to a chunk and to the next one start.
fn stretch(chunk: u32, is_left: bool) -> vec2<u32> {
  let edges = vec2<u32>(chunk, chunk + 1u) * CHUNK;
  let shifted = select(edges + WARM_UP, edges - WARM_UP, is_left);
  return min(vec2<u32>(select(shifted.x, 0u, chunk == 0u), shifted.y), vec2<u32>(N));
}

fn rescaled(top: vec4<f32>, bottom: vec4<f32>) -> f32 {
  let size = max(abs(top), abs(bottom));
  let largest = max(max(size.x, size.y), max(size.z, size.w));
  // 2^-e for the exponent e of the largest: an exact factor, which a quotient of entries does not see.
  return bitcast<f32>((254u << 23u) - (bitcast<u32>(largest) & 0x7f800000u));
}

// M_last ... M_first with p = 1 before the first site: entries are determinants of the stretch without none,
// its first, its last, or both of these sites.
@compute @workgroup_size(WORKGROUP)
fn summarise(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  zero = groups.z - 1u;
  let slot = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (slot >= DIRECTIONS * CHAINS * CHUNKS) {
    return;
  }
  let at = chain_of(slot / CHUNKS % CHAINS);
  let sites = stretch(slot % CHUNKS, DIRECTIONS == 1u || slot < CHAINS * CHUNKS);
  let first = sites.x;
  let last = sites.y;
  var top = vec4<f32>(site(at, min(first, N - 1u)).high, -1f, 0f);
  var bottom = vec4<f32>(1f, 0f, 0f, 0f);
  for (var i = first + 1u; i < last; i++) {
    let d = site(at, i).high;
    let next = vec4<f32>(multiply(d, top.xy), multiply(d, top.zw)) - bond(at, i - 1u) * bottom;
    bottom = top;
    top = next;
    if ((i - first) % RESCALE == RESCALE - 1u) {
      let scale = rescaled(top, bottom);
      top = scale * top;
      bottom = scale * bottom;
    }
  }
  let scale = rescaled(top, bottom);
  transfer[2u * slot] = scale * top;
  transfer[2u * slot + 1u] = scale * bottom;
}

// Pivots where walks start, one invocation per direction and chain.
@compute @workgroup_size(WORKGROUP)
fn carry(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= DIRECTIONS * CHAINS) {
    return;
  }
  let is_left = DIRECTIONS == 1u || index < CHAINS;
  let at = chain_of(index % CHAINS);
  var state = vec2<f32>();
  for (var j = 0u; j < CHUNKS; j++) {
    let chunk = select(CHUNKS - 1u - j, j, is_left);
    let slot = index * CHUNKS + chunk;
    entry[slot] = vec4<f32>(state, 0f, 0f);
    let sites = stretch(chunk, is_left);
    let x = bond(at, select(sites.y, sites.x, is_left) - 1u) * state;
    let top = transfer[2u * slot];
    let bottom = transfer[2u * slot + 1u];
    // (a1 + b1 x) / (a0 + b0 x) from the left, (-b0 + b1 x) / (a0 - a1 x) from the right.
    let across = select(-bottom.xy, top.zw, is_left);
    let along = select(-top.zw, bottom.xy, is_left);
    let below = top.xy + multiply(across, x);
    let s = 1f / (below.x * below.x + below.y * below.y);
    let next = multiply(along + multiply(bottom.zw, x), vec2<f32>(below.x * s, -below.y * s));
    // No site: right of the last chunk there may be fewer than WARM_UP.
    state = select(state, next, sites.x < sites.y);
  }
}

@compute @workgroup_size(WORKGROUP)
fn causal(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  zero = groups.z - 1u;
  let slot = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (slot >= CHAINS * CHUNKS) {
    return;
  }
  let at = chain_of(slot / CHUNKS);
  let first = slot % CHUNKS * CHUNK;
  let last = min(N, first + CHUNK);
  var left = approach(at, slot, first, last, true);
  for (var i = first; i < last; i++) {
    left = inverse(eliminate(site(at, i), bond(at, i - 1u), left));
    g[at.first + i] = left.high;
  }
}

// As `causal`, for N sites somewhere in longer chains that have one coupling: the same operations in the same
// order, hence the same bits however the chains are cut.
@compute @workgroup_size(WORKGROUP)
fn stream(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  zero = groups.z - 1u;
  let chain = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (chain >= CHAINS) {
    return;
  }
  let at = chain_of(chain);
  var left = Pair(entry[chain].xy, entry[chain].zw);
  for (var i = 0u; i < N; i++) {
    left = inverse(eliminate(site(at, i), at.p, left));
    g[at.first + i] = left.high;
  }
  exits[chain] = vec4<f32>(left.high, left.low);
}

// First the left pivots go into g; then, from the right, each is overwritten by G_i, which needs g_{i-1} only.
@compute @workgroup_size(WORKGROUP)
fn bidirectional(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  zero = groups.z - 1u;
  let slot = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (slot >= CHAINS * CHUNKS) {
    return;
  }
  let at = chain_of(slot / CHUNKS);
  let first = slot % CHUNKS * CHUNK;
  let last = min(N, first + CHUNK);
  let before = approach(at, slot, first, last, true);
  var left = before;
  for (var i = first; i < last; i++) {
    left = inverse(eliminate(site(at, i), bond(at, i - 1u), left));
    g[at.first + i] = left.high;
    low[at.first + i] = left.low;
  }
  var right = approach(at, CHAINS * CHUNKS + slot, first, last, false);
  for (var i = last; i > first; i--) {
    let k = at.first + i - 1u;
    let d = eliminate(site(at, i - 1u), bond(at, i - 1u), right);
    left = before;
    if (i - 1u > first) {
      left = Pair(g[k - 1u], low[k - 1u]);
    }
    g[k] = inverse(eliminate(d, bond(at, i - 2u), left)).high;
    right = inverse(d);
  }
}

// Both families of pivots, for the gradient.
@compute @workgroup_size(WORKGROUP)
fn pivots(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  zero = groups.z - 1u;
  let slot = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (slot >= 2u * CHAINS * CHUNKS) {
    return;
  }
  let is_left = slot < CHAINS * CHUNKS;
  let chain = slot / CHUNKS % CHAINS;
  let at = chain_of(chain);
  let first = slot % CHUNKS * CHUNK;
  let last = min(N, first + CHUNK);
  var state = approach(at, slot, first, last, is_left);
  for (var j = 0u; j < last - first; j++) {
    let i = select(last - 1u - j, first + j, is_left);
    state = inverse(eliminate(site(at, i), bond(at, select(i, i - 1u, is_left)), state));
    pivot[select(CHAINS, 0u, is_left) * N + at.first + i] = state.high;
  }
}
