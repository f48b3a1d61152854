// target_mask: mask[i] = 0 where targets[i] is IGNORED, else 1. targets: i32, mask: f32, both (COUNT).
// No sums, so no order to state.
@group(0) @binding(0) var<storage, read_write> targets: array<i32>;
@group(0) @binding(1) var<storage, read_write> mask: array<f32>;
override COUNT: u32;
override IGNORED: i32;
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
  mask[i] = select(1f, 0f, targets[i] == IGNORED);
}
