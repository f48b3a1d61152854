// concat: y[o, r] = a[o, r] for r < LEFT, b[o, r - LEFT] beyond. a: (outer, LEFT), b: (outer, RIGHT),
// y: (outer, LEFT + RIGHT), f32; LEFT and RIGHT are the sizes from the joined axis inwards.
// One invocation per output.
@group(0) @binding(0) var<storage, read_write> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
override COUNT: u32;
override LEFT: u32;
override RIGHT: u32;
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
  let outer = i / (LEFT + RIGHT);
  let r = i % (LEFT + RIGHT);
  if (r < LEFT) {
    y[i] = a[outer * LEFT + r];
  } else {
    y[i] = b[outer * RIGHT + r - LEFT];
  }
}
