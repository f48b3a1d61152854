// bk_core_local_vjp: dv_i from G_i and its cotangent dg_i alone, with w = Re dg - i Im dg (docs/mathematics.md §5.6):
//   theoretical  t = -Re(w G^2)
//   hypothesis7  h = -Re(w / (S + 1e-6)), S = G^2 with its modulus raised to 1e-4 where it is less
//   dv = (1 - ALPHA) t + ALPHA h
// g, dg: (COUNT) complex; dv: (COUNT). No sums. One invocation per output. NaN and infinity go through.
@group(0) @binding(0) var<storage, read_write> g: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> dg: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> dv: array<f32>;
override COUNT: u32;
override ALPHA: f32;
override WORKGROUP: u32 = 64;
const FLOOR = 1e-4f;
const SHIFT = 1e-6f;

fn square(x: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(x.x * x.x - x.y * x.y, 2f * x.x * x.y);
}

// G^2 with its modulus raised to FLOOR; 0 counts as of phase 0.
fn floored(x: vec2<f32>) -> vec2<f32> {
  let modulus = x.x * x.x + x.y * x.y;
  if (modulus == 0f) {
    return vec2<f32>(FLOOR, 0f);
  }
  if (modulus < FLOOR) {
    return square(x) * (FLOOR / modulus);
  }
  return square(x);
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
  let w = vec2<f32>(dg[i].x, -dg[i].y);
  var value = 0f;
  // A part of weight 0 is left out: 0 times infinity would be NaN.
  if (ALPHA < 1f) {
    let by = square(g[i]);
    value -= (1f - ALPHA) * (w.x * by.x - w.y * by.y);
  }
  if (ALPHA > 0f) {
    let by = floored(g[i]) + vec2<f32>(SHIFT, 0f);
    value -= ALPHA * ((w.x * by.x + w.y * by.y) / (by.x * by.x + by.y * by.y));
  }
  dv[i] = value;
}
