// embedding: y[r, c] = table[ids[r], c]; NaN where the id is outside [0, VOCABULARY).
// table: (VOCABULARY, channels) f32, ids: (rows) i32, y: (rows, channels) f32.
// backward: dtable[v, c] = sum of dy[order[s], c] over slots s in [start[v], start[v + 1]).
// order: (rows), start: (VOCABULARY + 1) i32, dy: (rows, channels), dtable: (VOCABULARY, channels) f32.
// Order: slots ascending, one chain. One invocation per output, or per four channels; WIDTH is the
// number of them in a row and COUNT in the output.
@group(0) @binding(0) var<storage, read_write> table1: array<f32>;
@group(0) @binding(0) var<storage, read_write> table4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> ids: array<i32>;
@group(0) @binding(2) var<storage, read_write> y1: array<f32>;
@group(0) @binding(2) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(0) var<storage, read_write> order: array<i32>;
@group(0) @binding(1) var<storage, read_write> start: array<i32>;
@group(0) @binding(2) var<storage, read_write> dy1: array<f32>;
@group(0) @binding(2) var<storage, read_write> dy4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dtable1: array<f32>;
@group(0) @binding(3) var<storage, read_write> dtable4: array<vec4<f32>>;
override COUNT: u32;
override WIDTH: u32;
override VOCABULARY: u32;
override WORKGROUP: u32 = 64;

fn not_a_number() -> f32 {
  var bits = 0x7fc00000u; // a variable, because a constant NaN is refused
  return bitcast<f32>(bits);
}

@compute @workgroup_size(WORKGROUP)
fn forward_1(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let id = u32(ids[i / WIDTH]); // a negative id becomes a huge one
  if (id < VOCABULARY) {
    y1[i] = table1[id * WIDTH + i % WIDTH];
  } else {
    y1[i] = not_a_number();
  }
}

@compute @workgroup_size(WORKGROUP)
fn forward_4(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let id = u32(ids[i / WIDTH]);
  if (id < VOCABULARY) {
    y4[i] = table4[id * WIDTH + i % WIDTH];
  } else {
    y4[i] = vec4<f32>(not_a_number());
  }
}

@compute @workgroup_size(WORKGROUP)
fn backward_1(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let id = i / WIDTH;
  let last = start[id + 1u];
  var total = 0f;
  for (var slot = start[id]; slot < last; slot++) {
    total += dy1[u32(order[slot]) * WIDTH + i % WIDTH];
  }
  dtable1[i] = total;
}

@compute @workgroup_size(WORKGROUP)
fn backward_4(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let id = i / WIDTH;
  let last = start[id + 1u];
  var total = vec4<f32>();
  for (var slot = start[id]; slot < last; slot++) {
    total += dy4[u32(order[slot]) * WIDTH + i % WIDTH];
  }
  dtable4[i] = total;
}
