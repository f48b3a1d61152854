// record_metric: ring[slot mod SLOTS, COLUMN + i] = values[i], i < COUNT. ring: (SLOTS, COLUMNS) f32.
// One invocation per value.
@group(0) @binding(0) var<storage, read_write> ring: array<f32>;
@group(0) @binding(1) var<storage, read_write> slot: array<i32>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
override SLOTS: u32;
override COLUMNS: u32;
override COLUMN: u32;
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
    ring[(u32(slot[0]) % SLOTS) * COLUMNS + COLUMN + i] = values[i];
  }
}
