// embedding: y[r, c] = table[ids[r], c]; NaN where the id is outside [0, VOCABULARY).
// table: (VOCABULARY, channels) f32, ids: (rows) i32, y: (rows, channels) f32.
// backward: dtable[v, c] = sum of dy[order[s], c] over slots s in [start[v], start[v + 1]).
// order: (rows), start: (VOCABULARY + 1) i32, dy: (rows, channels), dtable: (VOCABULARY, channels) f32.
// Order: slots ascending, one chain. One invocation per output, or per four channels; WIDTH is the
// number of them in a row and COUNT in the output.
// A launch has rows FIRST to FIRST + PART - 1 of what it gathers from, table or dy, and serves what lies there.
// Slots of one id are ascending rows of dy, so that launches in order of their parts add in that order.
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
override FIRST: u32;
override PART: u32;
// Whether dtable holds the sums over the parts before.
override CONTINUED: bool = false;
// The id of the first row of dtable that is bound.
override FIRST_ID: u32 = 0;
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
  let row = id - FIRST; // huge before the part
  if (row < PART) {
    y1[i] = table1[row * WIDTH + i % WIDTH];
  } else if (FIRST == 0u && id >= VOCABULARY) {
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
  let row = id - FIRST;
  if (row < PART) {
    y4[i] = table4[row * WIDTH + i % WIDTH];
  } else if (FIRST == 0u && id >= VOCABULARY) {
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
  let id = FIRST_ID + i / WIDTH;
  let last = start[id + 1u];
  var total = 0f;
  if (CONTINUED) {
    total = dtable1[i];
  }
  for (var slot = start[id]; slot < last; slot++) {
    let row = u32(order[slot]) - FIRST;
    if (row < PART) {
      total += dy1[row * WIDTH + i % WIDTH];
    }
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
  let id = FIRST_ID + i / WIDTH;
  let last = start[id + 1u];
  var total = vec4<f32>();
  if (CONTINUED) {
    total = dtable4[i];
  }
  for (var slot = start[id]; slot < last; slot++) {
    let row = u32(order[slot]) - FIRST;
    if (row < PART) {
      total += dy4[row * WIDTH + i % WIDTH];
    }
  }
  dtable4[i] = total;
}
