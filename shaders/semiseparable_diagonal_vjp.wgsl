// semiseparable_diagonal_vjp: what the low-rank part adds to the gradient of a resolvent's diagonal.
// docs/mathematics.md §13. With W = diag(w), w = dRe - i dIm, P = G W G, and X, D of semiseparable_diagonal:
//   Q = R (W X),  B = X^T W X,  M = D diag(sigma) B D
//   (R W R)_jj - P_jj = sum_ab sigma_b X_ja (2 D_ab Q_jb - M_ab X_jb)
//   P U = Q D - X M
// x, q: (CHAINS, N, R) complex; small: (CHAINS, 3, R, R) complex, slots B, D and M; dg: (CHAINS, N) complex;
// dv, dz: (CHAINS, N), real and imaginary part of the second line; dp: (CHAINS, N - 1), or one
// zero where it is not wanted; pu: (N, R), the real part of the last line summed over chains. Order of sums: chains ascending, then a, then b ascending.
@group(0) @binding(0) var<storage, read_write> x: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> q: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> small: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> sigma: array<f32>;
@group(0) @binding(4) var<storage, read_write> p: array<f32>;
@group(0) @binding(5) var<storage, read_write> dv: array<f32>;
@group(0) @binding(6) var<storage, read_write> dz: array<f32>;
@group(0) @binding(7) var<storage, read_write> dp: array<f32>;
// `weigh`.
@group(0) @binding(2) var<storage, read_write> dg: array<vec2<f32>>;
// `combine`.
@group(0) @binding(0) var<storage, read_write> combined: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> combined_sigma: array<f32>;
// `columns`.
@group(0) @binding(3) var<storage, read_write> pu: array<f32>;
override N: u32;
override R: u32;
override CHAINS: u32;
override P_STEP: u32 = 0;
override WITH_P: bool = false;
override COUNT: u32;
override WORKGROUP: u32 = 64;

fn multiply(x: vec2<f32>, y: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(x.x * y.x - x.y * y.y, x.y * y.x + x.x * y.y);
}

// q = W X; one invocation per (chain, site, column).
@compute @workgroup_size(WORKGROUP)
fn weigh(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (item >= COUNT) {
    return;
  }
  let weight = dg[item / R];
  q[item] = multiply(vec2<f32>(weight.x, -weight.y), x[item]);
}

// M into slot 2; one invocation per (chain, a, b).
@compute @workgroup_size(WORKGROUP)
fn combine(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (item >= COUNT) {
    return;
  }
  let b = item / (R * R) * 3u * R * R;
  let d = b + R * R;
  let row = item / R % R;
  var total = vec2<f32>();
  for (var k = 0u; k < R; k++) {
    var inner = vec2<f32>();
    for (var l = 0u; l < R; l++) {
      inner += multiply(combined[b + k * R + l], combined[d + l * R + item % R]);
    }
    total += combined_sigma[k] * multiply(combined[d + row * R + k], inner);
  }
  combined[d + R * R + item % (R * R)] = total;
}

// One invocation per (chain, site).
@compute @workgroup_size(WORKGROUP)
fn sites(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (item >= COUNT) {
    return;
  }
  let chain = item / N;
  let k = item % N;
  let d = (chain * 3u + 1u) * R * R;
  let m = d + R * R;
  let here = item * R;
  // The site to the right; of the last site itself, whose bond is not stored.
  let next = select(here, here + R, k + 1u < N);
  var total = vec2<f32>();
  var bond = vec2<f32>();
  for (var a = 0u; a < R; a++) {
    var same = vec2<f32>();
    var ahead = vec2<f32>();
    var behind = vec2<f32>();
    for (var b = 0u; b < R; b++) {
      let d_ab = small[d + a * R + b];
      let m_ab = small[m + a * R + b];
      let step = multiply(d_ab, q[here + b]);
      same += sigma[b] * (2f * step - multiply(m_ab, x[here + b]));
      if (WITH_P) {
        ahead += sigma[b] * (multiply(d_ab, q[next + b]) - multiply(m_ab, x[next + b]));
        behind += sigma[b] * step;
      }
    }
    total += multiply(x[here + a], same);
    bond += multiply(x[here + a], ahead) + multiply(x[next + a], behind);
  }
  dv[item] = total.x;
  dz[item] = total.y;
  if (WITH_P && k + 1u < N) {
    dp[chain * (N - 1u) + k] = bond.x / sqrt(p[k * P_STEP]);
  }
  if (!WITH_P && item == 0u) {
    dp[0] = 0f;
  }
}

// One invocation per (site, column).
@compute @workgroup_size(WORKGROUP)
fn columns(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (item >= COUNT) {
    return;
  }
  let column = item % R;
  var total = 0f;
  for (var chain = 0u; chain < CHAINS; chain++) {
    let d = (chain * 3u + 1u) * R * R + column;
    let m = d + R * R;
    let row = chain * N * R + item - column;
    for (var b = 0u; b < R; b++) {
      total += multiply(q[row + b], small[d + b * R]).x - multiply(x[row + b], small[m + b * R]).x;
    }
  }
  pu[item] = total;
}
