// layer_norm: mean and variance of each row (divisor COLUMNS), inverse = 1 / sqrt(variance + EPSILON) and
// xhat = inverse (x - mean). backward: dx = inverse (dxhat - mean(dxhat) - xhat mean(dxhat xhat)).
// x, xhat, dxhat, dx: (ROWS, COLUMNS), inverse: (ROWS, 1), f32. One invocation per row; the variance is
// summed from differences to the mean in a second pass, so that a large mean costs no digits.
// Order: columns ascending, in runs of 32 terms whose sums are then added in order.
// A tail, f(xhat, t0, t1, ...) elementwise, is filled into the lines marked TAIL from a typed expression
// (core/ops/op_with_tail.ts); without one xhat is stored as it is.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> xhat_out: array<f32>;
@group(0) @binding(2) var<storage, read_write> inverse_out: array<f32>;
@group(0) @binding(0) var<storage, read_write> xhat: array<f32>;
@group(0) @binding(1) var<storage, read_write> inverse: array<f32>;
@group(0) @binding(2) var<storage, read_write> dxhat: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
//TAIL_BINDINGS
override ROWS: u32;
override COLUMNS: u32;
override EPSILON: f32 = 0f;
override WORKGROUP: u32 = 64;
const RUN = 32u;

// What is stored for the value x0 of element i of xhat.
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
  if (row >= ROWS) {
    return;
  }
  let first = row * COLUMNS;
  let last = first + COLUMNS;
  var total = 0f;
  for (var t = first; t < last; t += RUN) {
    var run = 0f;
    for (var s = t; s < min(t + RUN, last); s++) {
      run += x[s];
    }
    total += run;
  }
  let mean = total / f32(COLUMNS);
  var squares = 0f;
  for (var t = first; t < last; t += RUN) {
    var run = 0f;
    for (var s = t; s < min(t + RUN, last); s++) {
      let difference = x[s] - mean;
      run += difference * difference;
    }
    squares += run;
  }
  let r = 1f / sqrt(squares / f32(COLUMNS) + EPSILON);
  inverse_out[row] = r;
  for (var s = first; s < last; s++) {
    xhat_out[s] = finish_1(r * (x[s] - mean), s);
  }
}

@compute @workgroup_size(WORKGROUP)
fn backward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (row >= ROWS) {
    return;
  }
  let first = row * COLUMNS;
  let last = first + COLUMNS;
  var total = 0f;
  var products = 0f;
  for (var t = first; t < last; t += RUN) {
    var run = 0f;
    var products_run = 0f;
    for (var s = t; s < min(t + RUN, last); s++) {
      run += dxhat[s];
      products_run += dxhat[s] * xhat[s];
    }
    total += run;
    products += products_run;
  }
  let mean = total / f32(COLUMNS);
  let slope = products / f32(COLUMNS);
  let r = inverse[row];
  for (var s = first; s < last; s++) {
    dx[s] = r * (dxhat[s] - mean - xhat[s] * slope);
  }
}
