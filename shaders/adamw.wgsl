// adamw: m = BETA1 m + REST1 g; v = BETA2 v + REST2 g^2;
// parameter -= rate (m c1 / (sqrt(v c2) + EPSILON) + WEIGHT_DECAY parameter), the last term where i < DECAYED;
// g is the gradient, scaled to norm GRAD_CLIP where it is longer. All (SIZE) f32; schedule: rate, c1, c2.
// No sums. One invocation per element.
@group(0) @binding(0) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(1) var<storage, read_write> m: array<f32>;
@group(0) @binding(2) var<storage, read_write> v: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(4) var<storage, read_write> schedule: array<f32>;
@group(0) @binding(5) var<storage, read_write> norm: array<f32>;
override SIZE: u32;
override DECAYED: u32;
override BETA1: f32;
override BETA2: f32;
override REST1: f32;
override REST2: f32;
override EPSILON: f32;
override WEIGHT_DECAY: f32;
override GRAD_CLIP: f32;
override WORKGROUP: u32 = 64;

@compute @workgroup_size(WORKGROUP)
fn update(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= SIZE) {
    return;
  }
  var factor = 1f;
  if (norm[0] > GRAD_CLIP) {
    factor = GRAD_CLIP / norm[0];
  }
  let g = gradient[i] * factor;
  let first = BETA1 * m[i] + REST1 * g;
  let second = BETA2 * v[i] + REST2 * (g * g);
  m[i] = first;
  v[i] = second;
  var step = (first * schedule[1]) / (sqrt(second * schedule[2]) + EPSILON);
  if (i < DECAYED) {
    step += WEIGHT_DECAY * parameters[i];
  }
  parameters[i] = parameters[i] - schedule[0] * step;
}
