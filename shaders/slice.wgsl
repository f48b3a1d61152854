// slice: y[o, r] = x[o, FIRST + r] for r < KEPT. x: (outer, WHOLE), y: (outer, KEPT), f32; sizes from the cut
// axis inwards. One invocation per output.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
override COUNT: u32;
override WHOLE: u32;
override FIRST: u32;
override KEPT: u32;
override WORKGROUP: u32 = 64;

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i < COUNT) {
    y[i] = x[(i / KEPT) * WHOLE + FIRST + i % KEPT];
  }
}
