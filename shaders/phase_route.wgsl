// phase_route: experts of a row from its phase. knots: quantiles of the phases at levels (j + 1) / (2 E), ascending.
// x = E F(phase) - 1/2 in [0, E - 1], F linear between knots; of several equal knots the middle counts.
// K = 2: experts l = min(floor(x), E - 2) and l + 1 with weights 1 - t and t, t = x - l.
// K = 1: expert e = floor(x + 1/2) with weight 1 - |x - e|. A phase that is NaN gives weights that are NaN.
// phases: (rows), knots: (KNOTS = 2 E - 1), indices: (rows, K) i32, weights: (rows, K).
// backward: dphases[r] = slope of x at the phase times the cotangent of x; 0 at a knot and outside all knots,
// and between knots that lie closer than MIN_WIDTH. dweights: (rows, K), dphases: (rows).
// One invocation per row; COUNT is the number of rows. No sums.
@group(0) @binding(0) var<storage, read_write> phases: array<f32>;
@group(0) @binding(1) var<storage, read_write> knots: array<f32>;
@group(0) @binding(2) var<storage, read_write> indices: array<i32>;
@group(0) @binding(3) var<storage, read_write> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> dweights: array<f32>;
@group(0) @binding(3) var<storage, read_write> dphases: array<f32>;
override COUNT: u32;
override KNOTS: u32 = 1;
override EXPERTS: u32 = 1;
override K: u32 = 1;
override MIN_WIDTH: f32 = 0;
override WORKGROUP: u32 = 64;

struct Place {
  x: f32,
  slope: f32,
}

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

fn place_of(phase: f32) -> Place {
  var below = 0u;
  var up_to = 0u;
  for (var j = 0u; j < KNOTS; j++) {
    let knot = knots[j];
    below += select(0u, 1u, knot < phase);
    up_to += select(0u, 1u, knot <= phase);
  }
  if (below != up_to) {
    return Place(0.25f * (f32(below + up_to) - 1f), 0f);
  }
  if (below == 0u || below == KNOTS) {
    return Place(select(f32(EXPERTS) - 1f, 0f, below == 0u), 0f);
  }
  let first = knots[below - 1u];
  let width = knots[below] - first;
  let share = (phase - first) / width;
  return Place(0.5f * (f32(below) - 1f + share), select(0f, 0.5f / width, width > MIN_WIDTH));
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
  let x = place_of(phase).x;
  if (K == 1u) {
    let e = min(floor(x + 0.5f), f32(EXPERTS) - 1f);
    indices[row] = i32(e);
    weights[row] = select(1f - abs(x - e), phase, is_nan(phase));
    return;
  }
  let lower = min(floor(x), f32(EXPERTS) - 2f);
  let t = select(x - lower, phase, is_nan(phase));
  indices[2u * row] = i32(lower);
  indices[2u * row + 1u] = i32(lower) + 1;
  weights[2u * row] = 1f - t;
  weights[2u * row + 1u] = t;
}

@compute @workgroup_size(WORKGROUP)
fn backward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (row >= COUNT) {
    return;
  }
  let place = place_of(phases[row]);
  if (K == 1u) {
    let e = min(floor(place.x + 0.5f), f32(EXPERTS) - 1f);
    dphases[row] = place.slope * select(dweights[row], -dweights[row], e < place.x);
    return;
  }
  dphases[row] = place.slope * (dweights[2u * row + 1u] - dweights[2u * row]);
}
