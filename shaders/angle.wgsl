// angle: y[i] = angle of the point (z[i].x, z[i].y) in (-pi, pi], by the polynomial of core/ops/atan2.ts.
// z: (COUNT) pairs, y: (COUNT). Zeros of both signs count as +0; the angle of (0, 0) is 0.
// A part that is NaN gives an angle that is NaN. Infinite parts give IEEE 754's angles: two of them lie on a diagonal.
// backward: dz[i] = dy[i] (-z.y, z.x) / (z.x^2 + z.y^2). One invocation per pair.
// Order: Horner from the highest coefficient.
@group(0) @binding(0) var<storage, read_write> z: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read_write> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dz: array<vec2<f32>>;
override COUNT: u32;
override WORKGROUP: u32 = 64;
const C0 = 0.9999993443489075f;
const C1 = -0.33329859375953674f;
const C2 = 0.19946566224098206f;
const C3 = -0.1390862911939621f;
const C4 = 0.0964219719171524f;
const C5 = -0.0559123270213604f;
const C6 = 0.02186295948922634f;
const C7 = -0.004054567310959101f;
const HALF_PI = 1.57079637f;
const PI = 3.14159274f;

// Of magnitudes.
fn both_infinite(v: vec2<f32>) -> bool {
  return all(bitcast<vec2<u32>>(v) == vec2<u32>(0x7f800000u));
}

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

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
  let at = z[i];
  let size = abs(at);
  let larger = max(size.x, size.y);
  let quotient = select(0f, min(size.x, size.y) / larger, larger > 0f);
  let r = select(quotient, 1f, both_infinite(size));
  let q = r * r;
  let high = ((C7 * q + C6) * q + C5) * q + C4;
  let low = r * ((((high * q + C3) * q + C2) * q + C1) * q + C0);
  let upper = select(low, HALF_PI - low, size.x < size.y);
  let half = select(upper, PI - upper, at.x < 0f);
  let known = select(half, -half, at.y < 0f);
  y[i] = select(select(known, at.y, is_nan(at.y)), at.x, is_nan(at.x));
}

// Bindings: z, dy, dz.
@compute @workgroup_size(WORKGROUP)
fn backward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let at = z[i];
  let factor = dy[i] / (at.x * at.x + at.y * at.y);
  dz[i] = vec2<f32>(-at.y, at.x) * factor;
}
