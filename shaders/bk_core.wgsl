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
override A: f32;
override N: u32;
override CHAINS: u32;
override HEADS: u32;
// 1 where p, eta or lambda has one value per site or head, 0 where one value serves all.
override P_STEP: u32;
override ETA_STEP: u32;
override LAMBDA_STEP: u32;
override WORKGROUP: u32 = 64;

fn inverse(x: vec2<f32>) -> vec2<f32> {
  let s = 1f / (x.x * x.x + x.y * x.y);
  return vec2<f32>(x.x * s, -x.y * s);
}

// d_i of a chain.
fn site(chain: u32, i: u32) -> vec2<f32> {
  let head = chain % HEADS;
  return vec2<f32>(A + v[chain * N + i] - lambda[head * LAMBDA_STEP], -eta[head * ETA_STEP]);
}

@compute @workgroup_size(WORKGROUP)
fn causal(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let chain = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (chain >= CHAINS) {
    return;
  }
  var previous = inverse(site(chain, 0u));
  g[chain * N] = previous;
  for (var i = 1u; i < N; i++) {
    previous = inverse(site(chain, i) - p[(i - 1u) * P_STEP] * previous);
    g[chain * N + i] = previous;
  }
}

// First the left pivots go into g; then, from the right, each is overwritten by G_i, which needs g_{i-1} only.
@compute @workgroup_size(WORKGROUP)
fn bidirectional(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let chain = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (chain >= CHAINS) {
    return;
  }
  let first = chain * N;
  var previous = inverse(site(chain, 0u));
  g[first] = previous;
  for (var i = 1u; i < N; i++) {
    previous = inverse(site(chain, i) - p[(i - 1u) * P_STEP] * previous);
    g[first + i] = previous;
  }
  var from_right = vec2<f32>();
  for (var j = 0u; j < N; j++) {
    let i = N - 1u - j;
    var right = site(chain, i);
    if (i + 1u < N) {
      right = right - p[i * P_STEP] * from_right;
    }
    var whole = right;
    if (i > 0u) {
      whole = whole - p[(i - 1u) * P_STEP] * g[first + i - 1u];
    }
    g[first + i] = inverse(whole);
    from_right = inverse(right);
  }
}
