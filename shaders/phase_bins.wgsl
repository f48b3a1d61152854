// phase_bins: bins[r] = floor(BINS (phases[r] + pi) / (2 pi)), from 0 to BINS - 1; 0 for NaN.
// phases: (COUNT) f32, bins: (COUNT) i32. One invocation per row.
@group(0) @binding(0) var<storage, read_write> phases: array<f32>;
@group(0) @binding(1) var<storage, read_write> bins: array<i32>;
override COUNT: u32;
override BINS: u32;
override WORKGROUP: u32 = 64;

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (row >= COUNT) {
    return;
  }
  let phase = phases[row];
  let turn = (select(phase, 0f, is_nan(phase)) + 3.14159274f) * 0.159154943f;
  let bin = i32(clamp(floor(f32(BINS) * turn), 0f, f32(BINS) - 1f));
  bins[row] = select(bin, 0, is_nan(phase));
}
