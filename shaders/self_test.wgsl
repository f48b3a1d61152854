// self_test: arithmetic whose right bits the host knows. x: pairs (a, b); y: seven numbers per pair:
// a + b, a - b, a * b, a / b, sqrt(|a|), a * b - BIAS, and 1 if the NaN stored behind the pairs is
// seen as one by its bits.
// No sums. One invocation per pair.
@group(0) @binding(0) var<storage, read_write> x: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
override COUNT: u32;
override BIAS: f32;
override WORKGROUP: u32 = 64;

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let a = x[i].x;
  let b = x[i].y;
  let at = i * 7u;
  y[at] = a + b;
  y[at + 1u] = a - b;
  y[at + 2u] = a * b;
  y[at + 3u] = a / b;
  y[at + 4u] = sqrt(abs(a));
  y[at + 5u] = a * b - BIAS;
  // NaN from memory: compilers may fold what would make one here, such as infinity minus infinity.
  let undefined = x[COUNT].x;
  y[at + 6u] = select(0f, 1f, (bitcast<u32>(undefined) & 0x7fffffffu) > 0x7f800000u);
}
