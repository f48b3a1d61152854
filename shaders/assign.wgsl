// assign: target[i] = value[i]. Bits are copied, so any element type of four bytes will do.
// target, value: (COUNT). One invocation per element.
@group(0) @binding(0) var<storage, read_write> target_bits: array<u32>;
@group(0) @binding(1) var<storage, read_write> value_bits: array<u32>;
override COUNT: u32;
override WORKGROUP: u32 = 64;

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i < COUNT) {
    target_bits[i] = value_bits[i];
  }
}
