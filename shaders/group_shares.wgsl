// group_shares: y[g] = (start[g + 1] - start[g]) / start[COUNT], the share of all tokens that lie in group g.
// start: (COUNT + 1) i32, y: (COUNT) f32. One invocation per group.
@group(0) @binding(0) var<storage, read_write> start: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
override COUNT: u32;
override WORKGROUP: u32 = 64;

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let g = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (g >= COUNT) {
    return;
  }
  y[g] = f32(start[g + 1u] - start[g]) / f32(start[COUNT]);
}
