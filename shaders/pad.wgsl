// pad: y[o, r] = x[o, r - BEFORE] for BEFORE <= r < BEFORE + KEPT, 0 elsewhere. x: (outer, KEPT),
// y: (outer, WHOLE), f32; sizes from the padded axis inwards. One invocation per output.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
override COUNT: u32;
override WHOLE: u32;
override BEFORE: u32;
override KEPT: u32;
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
  let r = i % WHOLE;
  var value = 0f;
  if (r >= BEFORE && r - BEFORE < KEPT) {
    value = x[(i / WHOLE) * KEPT + r - BEFORE];
  }
  y[i] = value;
}
