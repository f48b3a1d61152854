// sum: y[o, c, i] = sum of x[o, t, i] over t in chunk c, c < CHUNKS; chunk c is [c CHUNK, (c + 1) CHUNK).
// x: (outer, TERMS, INNER), y: (outer, CHUNKS, INNER), f32. One invocation per output.
// Order: t ascending within a chunk, in runs of 32 terms whose sums are then added in order.
// A tail, f(y, t0, t1, ...) elementwise, is filled into the lines marked TAIL from a typed expression
// (core/ops/op_with_tail.ts); without one y is stored as it is.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
//TAIL_BINDINGS
override TERMS: u32;
override INNER: u32;
override CHUNKS: u32;
override CHUNK: u32;
override COUNT: u32;
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
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= COUNT) {
    return;
  }
  let i = index % INNER;
  let c = (index / INNER) % CHUNKS;
  let o = index / (INNER * CHUNKS);
  let last = min((c + 1u) * CHUNK, TERMS);
  var total = 0f;
  for (var t = c * CHUNK; t < last; t += RUN) {
    var run = 0f;
    for (var s = t; s < min(t + RUN, last); s++) {
      run += x[(o * TERMS + s) * INNER + i];
    }
    total += run;
  }
  y[index] = finish_1(total, index);
}
