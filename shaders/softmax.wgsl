// softmax: y[r, c] = exp(x[r, c] - max_c x[r, c]) / sum_c exp(x[r, c] - max_c x[r, c])
// backward: dx[r, c] = y[r, c] (dy[r, c] - sum_c y[r, c] dy[r, c])
// x, y, dy, dx: (COUNT, COLUMNS), f32. One invocation per row, in both presets.
// Order: c ascending, in runs of 32 terms whose sums are then added in order.
// A tail, f(y, t0, t1, ...) elementwise, is filled into the lines marked TAIL from a typed expression
// (core/ops/op_with_tail.ts); without one y is stored as it is.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(0) var<storage, read_write> result: array<f32>;
@group(0) @binding(1) var<storage, read_write> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
//TAIL_BINDINGS
override COUNT: u32;
override COLUMNS: u32;
override WORKGROUP: u32 = 64;
const RUN = 32u;

// What is stored for the value x0 of element i of y.
fn finish_1(x0: f32, i: u32) -> f32 {
//TAIL_1
  return x0;
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
  let first = row * COLUMNS;
  let last = first + COLUMNS;
  var largest = x[first];
  for (var i = first + 1u; i < last; i++) {
    largest = max(largest, x[i]);
  }
  var total = 0f;
  for (var i = first; i < last; i += RUN) {
    var run = 0f;
    for (var j = i; j < min(i + RUN, last); j++) {
      let e = exp(x[j] - largest);
      y[j] = e;
      run += e;
    }
    total += run;
  }
  for (var i = first; i < last; i++) {
    y[i] = finish_1(y[i] / total, i);
  }
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
  let first = row * COLUMNS;
  let last = first + COLUMNS;
  var total = 0f;
  for (var i = first; i < last; i += RUN) {
    var run = 0f;
    for (var j = i; j < min(i + RUN, last); j++) {
      run = run + result[j] * dy[j];
    }
    total += run;
  }
  for (var i = first; i < last; i++) {
    dx[i] = result[i] * (dy[i] - total);
  }
}
