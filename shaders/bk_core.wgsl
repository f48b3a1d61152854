// bk_core: diagonal of a resolvent of the tridiagonal H with diagonal a + v_i and couplings p_k >= 0, at
// z = lambda + i eta. With d_i = a + v_i - z:
//   causal         g_i = 1 / (d_i - p_{i-1} g_{i-1})                      (leading block ending at i)
//   bidirectional  G_i = 1 / (d_i - p_{i-1} g_{i-1} - p_i h_{i+1}),  h_i = 1 / (d_i - p_i h_{i+1})
// docs/mathematics.md §4 (forward), §5 (gradients); Im d = -eta keeps every pivot above eta in modulus.
// v, dv: (CHAINS, N); p: (N - 1) or (1); eta, lambda: (HEADS) or (1); g, dg: (CHAINS, N) complex;
// dp: (CHAINS, size of p); deta, dlambda: (CHAINS). Chain c belongs to head c mod HEADS. One invocation
// per chain, positions in order; sums over positions in runs of 64, run sums in order.
@group(0) @binding(0) var<storage, read_write> v: array<f32>;
@group(0) @binding(1) var<storage, read_write> p: array<f32>;
@group(0) @binding(2) var<storage, read_write> eta: array<f32>;
@group(0) @binding(3) var<storage, read_write> lambda: array<f32>;
@group(0) @binding(4) var<storage, read_write> g: array<vec2<f32>>;
// Lower parts of the left pivots: (CHAINS, N) complex.
@group(0) @binding(5) var<storage, read_write> low: array<vec2<f32>>;
override A: f32;
override N: u32;
override CHAINS: u32;
override HEADS: u32;
// 1 where p, eta or lambda has one value per site or head, 0 where one value serves all.
override P_STEP: u32;
override ETA_STEP: u32;
override LAMBDA_STEP: u32;
override WORKGROUP: u32 = 64;

// A complex number as the unevaluated sum of two, about 48 bits. The pivots are carried so, because
// 1 / (d - p g) loses up to log2(1/eta) bits where d and p g nearly cancel.
struct Pair {
  high: vec2<f32>,
  low: vec2<f32>,
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

// d_i of a chain.
fn site(chain: u32, i: u32) -> Pair {
  let head = chain % HEADS;
  let shift = vec2<f32>(v[chain * N + i], -eta[head * ETA_STEP]);
  let first = vec2<f32>(A, 0f) + shift;
  let error = sum_error(vec2<f32>(A, 0f), shift, first);
  let minus = vec2<f32>(-lambda[head * LAMBDA_STEP], 0f);
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
  let residual = vec2<f32>(real, imaginary);
  return pair(
    y,
    vec2<f32>(y.x * residual.x - y.y * residual.y, y.x * residual.y + y.y * residual.x),
  );
}

@compute @workgroup_size(WORKGROUP)
fn causal(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  zero = groups.z - 1u;
  let chain = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (chain >= CHAINS) {
    return;
  }
  var previous = inverse(site(chain, 0u));
  g[chain * N] = previous.high;
  for (var i = 1u; i < N; i++) {
    previous = inverse(eliminate(site(chain, i), p[(i - 1u) * P_STEP], previous));
    g[chain * N + i] = previous.high;
  }
}

// First the left pivots go into g; then, from the right, each is overwritten by G_i, which needs g_{i-1} only.
@compute @workgroup_size(WORKGROUP)
fn bidirectional(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  zero = groups.z - 1u;
  let chain = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (chain >= CHAINS) {
    return;
  }
  let first = chain * N;
  var previous = inverse(site(chain, 0u));
  g[first] = previous.high;
  low[first] = previous.low;
  for (var i = 1u; i < N; i++) {
    previous = inverse(eliminate(site(chain, i), p[(i - 1u) * P_STEP], previous));
    g[first + i] = previous.high;
    low[first + i] = previous.low;
  }
  var from_right = Pair();
  for (var j = 0u; j < N; j++) {
    let i = N - 1u - j;
    var right = site(chain, i);
    if (i + 1u < N) {
      right = eliminate(right, p[i * P_STEP], from_right);
    }
    var whole = right;
    if (i > 0u) {
      let k = first + i - 1u;
      whole = eliminate(whole, p[(i - 1u) * P_STEP], Pair(g[k], low[k]));
    }
    g[first + i] = inverse(whole).high;
    from_right = inverse(right);
  }
}
