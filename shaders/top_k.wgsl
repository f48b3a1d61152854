// top_k: the K largest of each row, largest first; equal values in order of their index.
// x: (COUNT, COLUMNS) f32 -> indices (COUNT, K) i32, values (COUNT, K) f32. One invocation per row:
// the maximum, K times, among what comes after the last pick. A row with NaN gives indices 0 .. K - 1 and NaN.
// backward: dx[r, c] = sum over n with indices[r, n] = c of dvalues[r, n], n ascending.
// indices: (rows, K), dvalues: (rows, K), dx: (rows, COLUMNS), COUNT = rows COLUMNS.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
@group(0) @binding(0) var<storage, read_write> picked: array<i32>;
@group(0) @binding(1) var<storage, read_write> dvalues: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
override COUNT: u32;
override COLUMNS: u32;
override K: u32;
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
  let first = row * COLUMNS;
  for (var c = 0u; c < COLUMNS; c++) {
    let v = x[first + c];
    if (is_nan(v)) {
      for (var n = 0u; n < K; n++) {
        indices[row * K + n] = i32(n);
        values[row * K + n] = v;
      }
      return;
    }
  }
  var last = 0f;
  var last_index = 0u;
  for (var n = 0u; n < K; n++) {
    var found = false;
    var best = 0f;
    var best_index = 0u;
    for (var c = 0u; c < COLUMNS; c++) {
      let v = x[first + c];
      let open = n == 0u || v < last || (v == last && c > last_index);
      if (open && (!found || v > best)) {
        found = true;
        best = v;
        best_index = c;
      }
    }
    indices[row * K + n] = i32(best_index);
    values[row * K + n] = best;
    last = best;
    last_index = best_index;
  }
}

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
  let row = i / COLUMNS;
  let column = i32(i % COLUMNS);
  var total = 0f;
  for (var n = 0u; n < K; n++) {
    if (picked[row * K + n] == column) {
      total += dvalues[row * K + n];
    }
  }
  dx[i] = total;
}
