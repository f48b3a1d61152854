// swap_axes: y[o, c, r, i] = x[o, r, c, i]. x: (outer, M, N, INNER), y: (outer, N, M, INNER), f32.
// One invocation per output.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
override COUNT: u32;
override M: u32;
override N: u32;
override INNER: u32;
override WORKGROUP: u32 = 64;

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (at >= COUNT) {
    return;
  }
  let i = at % INNER;
  let r = (at / INNER) % M;
  let c = (at / (INNER * M)) % N;
  let o = at / (INNER * M * N);
  y[at] = x[((o * M + r) * N + c) * INNER + i];
}
