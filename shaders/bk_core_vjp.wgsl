// bk_core_vjp: exact gradients of bk_core from cotangents dg (docs/mathematics.md §5). With
// w_i = Re dg_i - i Im dg_i:
//   causal         l_i = g_i^2 (p_i l_{i+1} - w_i); dv_i = Re l_i; dp_i = -Re(g_i l_{i+1});
//                  deta = Im sum l; dlambda = -Re sum l
//   bidirectional  u_i = w_i G_i^2; A_{j+1} = p_j h_{j+1}^2 (A_j + u_j); B_{j-1} = p_{j-1} g_{j-1}^2 (B_j + u_j);
//                  s = u + A + B; dv = -Re s; dp_j = Re(h_{j+1} (u_j + A_j) + g_j (u_{j+1} + B_{j+1}));
//                  deta = -Im sum s; dlambda = Re sum s
// Shapes as in bk_core.wgsl. One invocation per chain, positions in order; sums over positions in runs
// of 64, run sums in order.
@group(0) @binding(0) var<storage, read_write> p: array<f32>;
@group(0) @binding(1) var<storage, read_write> g: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> dg: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> dv: array<f32>;
@group(0) @binding(4) var<storage, read_write> dp: array<f32>;
@group(0) @binding(5) var<storage, read_write> deta: array<f32>;
@group(0) @binding(6) var<storage, read_write> dlambda: array<f32>;
@group(0) @binding(7) var<storage, read_write> v: array<f32>;
@group(0) @binding(8) var<storage, read_write> eta: array<f32>;
@group(0) @binding(9) var<storage, read_write> lambda: array<f32>;
// Left pivots, then right ones: (CHAINS, N) complex.
@group(0) @binding(10) var<storage, read_write> pivot: array<vec2<f32>>;
override A: f32;
override N: u32;
override CHAINS: u32;
override HEADS: u32;
override P_STEP: u32;
override ETA_STEP: u32;
override LAMBDA_STEP: u32;
// Size of p, the row length of dp.
override P_SIZE: u32;
// 0: the gradient of p is not wanted and dp is not written.
override WITH_P: bool;
override WORKGROUP: u32 = 64;
const RUN = 64u;

fn multiply(x: vec2<f32>, y: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(x.x * y.x - x.y * y.y, x.y * y.x + x.x * y.y);
}

fn square(x: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(x.x * x.x - x.y * x.y, 2f * x.x * x.y);
}

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

// w_i: the conjugate of the cotangent, so that the change of the loss is Re sum w_i dg_i.
fn weight(at: u32) -> vec2<f32> {
  return vec2<f32>(dg[at].x, -dg[at].y);
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
  let first = chain * N;
  var next = vec2<f32>();
  var total = vec2<f32>();
  var run = vec2<f32>();
  var p_total = 0f;
  var p_run = 0f;
  for (var j = 0u; j < N; j++) {
    let i = N - 1u - j;
    let gi = g[first + i];
    var inner = -weight(first + i);
    if (j > 0u) {
      inner = inner + p[i * P_STEP] * next;
      if (WITH_P) {
        let dpi = -(gi.x * next.x - gi.y * next.y);
        if (P_STEP == 1u) {
          dp[chain * P_SIZE + i] = dpi;
        }
        p_run += dpi;
      }
    }
    next = multiply(square(gi), inner);
    dv[first + i] = next.x;
    run += next;
    if (j % RUN == RUN - 1u || i == 0u) {
      total += run;
      run = vec2<f32>();
      p_total += p_run;
      p_run = 0f;
    }
  }
  if (WITH_P && P_STEP == 0u) {
    dp[chain * P_SIZE] = p_total;
  }
  deta[chain] = total.y;
  dlambda[chain] = -total.x;
}

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
  var left = inverse(site(chain, 0u));
  pivot[first] = left.high;
  for (var i = 1u; i < N; i++) {
    left = inverse(eliminate(site(chain, i), p[(i - 1u) * P_STEP], left));
    pivot[first + i] = left.high;
  }
  // From the right: h_i replaces g_i once g_i has been used; `flow` is u_{i+1} + B_{i+1}.
  var right = Pair();
  var flow = vec2<f32>();
  var p_total = 0f;
  var p_run = 0f;
  var total = vec2<f32>();
  var run = vec2<f32>();
  for (var j = 0u; j < N; j++) {
    let i = N - 1u - j;
    let gi = pivot[first + i];
    let u = multiply(weight(first + i), square(g[first + i]));
    var d = site(chain, i);
    var from_right = vec2<f32>();
    if (j > 0u) {
      d = eliminate(d, p[i * P_STEP], right);
      from_right = p[i * P_STEP] * multiply(square(gi), flow);
      if (WITH_P) {
        let dpi = gi.x * flow.x - gi.y * flow.y;
        if (P_STEP == 1u) {
          dp[chain * P_SIZE + i] = dpi;
        }
        p_run += dpi;
      }
    }
    right = inverse(d);
    flow = u + from_right;
    dv[first + i] = -flow.x;
    pivot[first + i] = right.high;
    run += flow;
    if (j % RUN == RUN - 1u || i == 0u) {
      total += run;
      run = vec2<f32>();
      p_total += p_run;
      p_run = 0f;
    }
  }
  // From the left: `left_flow` is u_j + A_j.
  var from_left = vec2<f32>();
  for (var i = 0u; i < N; i++) {
    dv[first + i] = dv[first + i] - from_left.x;
    run += from_left;
    let u = multiply(weight(first + i), square(g[first + i]));
    if (i + 1u < N) {
      let h = pivot[first + i + 1u];
      let left_flow = u + from_left;
      if (WITH_P) {
        let dpi = h.x * left_flow.x - h.y * left_flow.y;
        if (P_STEP == 1u) {
          dp[chain * P_SIZE + i] = dp[chain * P_SIZE + i] + dpi;
        }
        p_run += dpi;
      }
      from_left = p[i * P_STEP] * multiply(square(h), left_flow);
    }
    if (i % RUN == RUN - 1u || i == N - 1u) {
      total += run;
      run = vec2<f32>();
      p_total += p_run;
      p_run = 0f;
    }
  }
  if (WITH_P && P_STEP == 0u) {
    dp[chain * P_SIZE] = p_total;
  }
  deta[chain] = -total.y;
  dlambda[chain] = total.x;
}
