// semiseparable_diagonal: diagonal of G = (T + U diag(sigma) U^T - z)^-1 for a symmetric tridiagonal T with
// diagonal a + v_i and bonds t_k = sqrt(p_k). With R = (T - z)^-1:
//   X = R U,  K = U^T X,  D = (I + diag(sigma) K)^-1,  G_ii = R_ii - sum_ab X_ia D_ab sigma_b X_ib
// docs/mathematics.md §13. R_ii and the pivots g_i of T - z come from bk_core. R is applied column by column:
//   y_i = g_i (x_i - t_{i-1} y_{i-1})   then, from the right,   x_i = y_i - t_i g_i x_{i+1}
// p: (N - 1) or (1); u: (N, R); sigma: (R); pivot: (CHAINS, N) complex; x: (CHAINS, N, R) complex; small:
// (CHAINS, 3, R, R) complex. Sites are cut into CHUNKS runs of CHUNK. A sweep of more than one run is taken
// in three launches: `reduce` finds the value at the end of a run that starts from nothing and the factor by
// which the value before the run enters; `carry` goes from run to run; `walk` goes through every run.
// Order of sums: sites of a run ascending, then runs ascending. Elimination pivots on the largest entry.
@group(0) @binding(0) var<storage, read_write> p: array<f32>;
@group(0) @binding(1) var<storage, read_write> pivot: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> x: array<vec2<f32>>;
// (CHAINS, CHUNKS, R): factor and end of a run; `carry` leaves the value before the run in the first half.
@group(0) @binding(3) var<storage, read_write> transfer: array<vec4<f32>>;
// `spread`.
@group(0) @binding(0) var<storage, read_write> u: array<f32>;
@group(0) @binding(1) var<storage, read_write> spread_x: array<vec2<f32>>;
// `gram`: left (N, R) real, or (CHAINS, N, R) complex; right (CHAINS, N, R) complex.
@group(0) @binding(0) var<storage, read_write> left: array<f32>;
@group(0) @binding(1) var<storage, read_write> right: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec2<f32>>;
// `gather`.
@group(0) @binding(0) var<storage, read_write> gathered: array<vec2<f32>>;
// `gather`, `invert` and `diagonal`.
@group(0) @binding(1) var<storage, read_write> small: array<vec2<f32>>;
@group(0) @binding(0) var<storage, read_write> sigma: array<f32>;
// `diagonal`: (CHAINS, N) complex, R_ii on entry and G_ii afterwards.
@group(0) @binding(3) var<storage, read_write> g: array<vec2<f32>>;
override N: u32;
override R: u32;
override P_STEP: u32 = 0;
override CHUNK: u32 = 1;
override CHUNKS: u32 = 1;
// 1: the sweep from the right.
override BACK: bool = false;
override LEFT_COMPLEX: bool = false;
// Which matrix `gather` writes.
override SLOT: u32 = 0;
override COUNT: u32;
override WORKGROUP: u32 = 64;
// Matrices per chain in `small`; the third is the gradient's.
const SLOTS = 3u;

fn multiply(x: vec2<f32>, y: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(x.x * y.x - x.y * y.y, x.y * y.x + x.x * y.y);
}

// Factor of the site before, in the order of the sweep; 0 at the start of a chain.
fn factor_at(i: u32, g_i: vec2<f32>) -> vec2<f32> {
  let k = select(i - 1u, i, BACK);
  let inside = k < N - 1u;
  let bond = sqrt(p[select(0u, k * P_STEP, inside)]);
  return select(vec2<f32>(), -bond * g_i, inside);
}

// What the site itself adds.
fn source_at(value: vec2<f32>, g_i: vec2<f32>) -> vec2<f32> {
  if (BACK) {
    return value;
  }
  return multiply(g_i, value);
}

@compute @workgroup_size(WORKGROUP)
fn spread(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (item >= COUNT) {
    return;
  }
  spread_x[item] = vec2<f32>(u[item % (N * R)], 0f);
}

// One invocation per (chain, run, column).
@compute @workgroup_size(WORKGROUP)
fn reduce(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (item >= COUNT) {
    return;
  }
  let column = item % R;
  let chain = item / R / CHUNKS;
  let first = item / R % CHUNKS * CHUNK;
  let length = min(N, first + CHUNK) - first;
  var product = vec2<f32>(1f, 0f);
  var state = vec2<f32>();
  for (var j = 0u; j < length; j++) {
    let i = first + select(j, length - 1u - j, BACK);
    let g_i = pivot[chain * N + i];
    let factor = factor_at(i, g_i);
    product = multiply(factor, product);
    state = multiply(factor, state) + source_at(x[(chain * N + i) * R + column], g_i);
  }
  transfer[item] = vec4<f32>(product, state);
}

// One invocation per (chain, column).
@compute @workgroup_size(WORKGROUP)
fn carry(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (item >= COUNT) {
    return;
  }
  var state = vec2<f32>();
  for (var j = 0u; j < CHUNKS; j++) {
    let slot = (item / R * CHUNKS + select(j, CHUNKS - 1u - j, BACK)) * R + item % R;
    let run = transfer[slot];
    transfer[slot] = vec4<f32>(state, 0f, 0f);
    state = multiply(run.xy, state) + run.zw;
  }
}

// One invocation per (chain, run, column), which overwrites its part of x.
@compute @workgroup_size(WORKGROUP)
fn walk(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (item >= COUNT) {
    return;
  }
  let column = item % R;
  let chain = item / R / CHUNKS;
  let first = item / R % CHUNKS * CHUNK;
  let length = min(N, first + CHUNK) - first;
  var state = vec2<f32>();
  if (CHUNKS > 1u) {
    state = transfer[item].xy;
  }
  for (var j = 0u; j < length; j++) {
    let i = first + select(j, length - 1u - j, BACK);
    let at = (chain * N + i) * R + column;
    let g_i = pivot[chain * N + i];
    state = multiply(factor_at(i, g_i), state) + source_at(x[at], g_i);
    x[at] = state;
  }
}

// Sums of left_ia right_ib over the sites of a run; one invocation per (chain, run, a, b).
@compute @workgroup_size(WORKGROUP)
fn gram(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (item >= COUNT) {
    return;
  }
  let chain = item / (R * R) / CHUNKS;
  let first = item / (R * R) % CHUNKS * CHUNK;
  let last = min(N, first + CHUNK);
  let row = item / R % R;
  var total = vec2<f32>();
  for (var i = first; i < last; i++) {
    let value = right[(chain * N + i) * R + item % R];
    if (LEFT_COMPLEX) {
      let at = 2u * ((chain * N + i) * R + row);
      total += multiply(vec2<f32>(left[at], left[at + 1u]), value);
    } else {
      total += left[i * R + row] * value;
    }
  }
  partial[item] = total;
}

// One invocation per (chain, a, b).
@compute @workgroup_size(WORKGROUP)
fn gather(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (item >= COUNT) {
    return;
  }
  let chain = item / (R * R);
  var total = vec2<f32>();
  for (var run = 0u; run < CHUNKS; run++) {
    total += gathered[(chain * CHUNKS + run) * R * R + item % (R * R)];
  }
  small[(chain * SLOTS + SLOT) * R * R + item % (R * R)] = total;
}

fn swap_rows(matrix: u32, one: u32, other: u32) {
  for (var b = 0u; b < R; b++) {
    let kept = small[matrix + one * R + b];
    small[matrix + one * R + b] = small[matrix + other * R + b];
    small[matrix + other * R + b] = kept;
  }
}

// Puts D into slot 1 and destroys K in slot 0, by Gauss and Jordan's elimination; one invocation per chain.
@compute @workgroup_size(WORKGROUP)
fn invert(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let chain = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (chain >= COUNT) {
    return;
  }
  let m = chain * SLOTS * R * R;
  let d = m + R * R;
  for (var at = 0u; at < R * R; at++) {
    let unit = vec2<f32>(select(0f, 1f, at / R == at % R), 0f);
    small[d + at] = unit;
    small[m + at] = unit + sigma[at / R] * small[m + at];
  }
  for (var k = 0u; k < R; k++) {
    var best = k;
    for (var a = k + 1u; a < R; a++) {
      let other = small[m + a * R + k];
      let largest = small[m + best * R + k];
      best = select(best, a, dot(other, other) > dot(largest, largest));
    }
    swap_rows(m, k, best);
    swap_rows(d, k, best);
    let top = small[m + k * R + k];
    let reciprocal = vec2<f32>(top.x, -top.y) * (1f / dot(top, top));
    for (var b = 0u; b < R; b++) {
      small[m + k * R + b] = multiply(reciprocal, small[m + k * R + b]);
      small[d + k * R + b] = multiply(reciprocal, small[d + k * R + b]);
    }
    for (var a = 0u; a < R; a++) {
      let factor = select(small[m + a * R + k], vec2<f32>(), a == k);
      for (var b = 0u; b < R; b++) {
        small[m + a * R + b] -= multiply(factor, small[m + k * R + b]);
        small[d + a * R + b] -= multiply(factor, small[d + k * R + b]);
      }
    }
  }
}

// One invocation per (chain, site).
@compute @workgroup_size(WORKGROUP)
fn diagonal(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (item >= COUNT) {
    return;
  }
  let d = (item / N * SLOTS + 1u) * R * R;
  var total = vec2<f32>();
  for (var a = 0u; a < R; a++) {
    var row = vec2<f32>();
    for (var b = 0u; b < R; b++) {
      row += sigma[b] * multiply(small[d + a * R + b], x[item * R + b]);
    }
    total += multiply(x[item * R + a], row);
  }
  g[item] -= total;
}
