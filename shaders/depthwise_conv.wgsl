// depthwise_conv: y[b, t, c] = sum_j w[c, j] x[b, t - K + 1 + j, c], zeros before the first position; w[c, K - 1]
// belongs to the position itself, so the kernel is causal.
// Gradients: dx[b, t, c] = sum_j w[c, j] dy[b, t + K - 1 - j, c]; dw[c, j] = sum_{b, t} dy[b, t, c] x[b, t - K + 1 + j, c].
// x, y: (B, N, C); w: (C, K). One invocation per position and channel (or four channels: *_4), c fastest; taps
// ascending. `weights` gives sums over RUN positions of one sequence, positions ascending, (B, RUNS, C, K), one
// invocation per value.
@group(0) @binding(0) var<storage, read_write> w: array<f32>;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read_write> x4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(0) var<storage, read_write> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;
// Invocations; of B, N, C, K.
override COUNT: u32;
override N: u32;
// Channels, in fours for *_4.
override C: u32;
override K: u32;
// 1: the kernel looks ahead with its taps reversed, which is the gradient by x.
override IS_TRANSPOSED: bool = false;
override RUN: u32 = 1;
override RUNS: u32 = 1;
override WORKGROUP: u32 = 64;

// Position that tap j reads for position t; N or more where there is none.
fn tapped(t: u32, j: u32) -> u32 {
  if (IS_TRANSPOSED) {
    return t + K - 1u - j;
  }
  let before = K - 1u - j;
  return select(N, t - before, t >= before);
}

@compute @workgroup_size(WORKGROUP)
fn forward_1(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let c = i % C;
  let t = i / C % N;
  let row = i / C - t;
  var sum = 0f;
  for (var j = 0u; j < K; j++) {
    let place = tapped(t, j);
    let value = x[(row + min(place, N - 1u)) * C + c];
    sum += select(0f, w[c * K + j] * value, place < N);
  }
  y[i] = sum;
}

@compute @workgroup_size(WORKGROUP)
fn forward_4(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let c = i % C;
  let t = i / C % N;
  let row = i / C - t;
  var sum = vec4<f32>();
  for (var j = 0u; j < K; j++) {
    let place = tapped(t, j);
    let value = x4[(row + min(place, N - 1u)) * C + c];
    let at = 4u * c * K + j;
    let taps = vec4<f32>(w[at], w[at + K], w[at + 2u * K], w[at + 3u * K]);
    sum += select(vec4<f32>(), taps * value, place < N);
  }
  y4[i] = sum;
}

@compute @workgroup_size(WORKGROUP)
fn weights(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  // Neighbouring lanes are neighbouring channels, which read neighbouring values.
  let c = i % C;
  let j = i / C % K;
  let part = i / (C * K);
  let row = part / RUNS * N;
  let first = part % RUNS * RUN;
  var sum = 0f;
  for (var t = first; t < min(N, first + RUN); t++) {
    let place = tapped(t, j);
    let value = dy[(row + t) * C + c] * x[(row + min(place, N - 1u)) * C + c];
    sum += select(0f, value, place < N);
  }
  dw[(part * C + c) * K + j] = sum;
}
