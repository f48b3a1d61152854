// gradient_norm: norm = sqrt(sum x_i^2), non_finite = number of chunks that hold a NaN or an infinity.
// x: (SIZE) f32; partial: (CHUNKS, 2); norm, non_finite: (1). Partials: one invocation per chunk of CHUNK
// elements; total: one invocation. Order: runs of 64 elements in order, run sums in order, chunks in order.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> partial_out: array<vec2<f32>>;
@group(0) @binding(0) var<storage, read_write> partial_in: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> norm: array<f32>;
@group(0) @binding(2) var<storage, read_write> non_finite: array<f32>;
override SIZE: u32;
override CHUNK: u32;
override CHUNKS: u32;
override WORKGROUP: u32 = 64;
const RUN = 64u;

@compute @workgroup_size(WORKGROUP)
fn partials(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let chunk = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (chunk >= CHUNKS) {
    return;
  }
  let last = min((chunk + 1u) * CHUNK, SIZE);
  var total = 0f;
  var bad = 0f;
  for (var first = chunk * CHUNK; first < last; first += RUN) {
    var run = 0f;
    for (var i = first; i < min(first + RUN, last); i++) {
      let value = x[i];
      run += value * value;
      // All exponent bits set: NaN or infinity. Comparing floats would be folded away.
      if ((bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) {
        bad = 1f;
      }
    }
    total += run;
  }
  partial_out[chunk] = vec2<f32>(total, bad);
}

@compute @workgroup_size(WORKGROUP)
fn total(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  if ((group.y * groups.x + group.x) * WORKGROUP + lane > 0u) {
    return;
  }
  var sum = vec2<f32>();
  for (var chunk = 0u; chunk < CHUNKS; chunk += RUN) {
    var run = vec2<f32>();
    for (var c = chunk; c < min(chunk + RUN, CHUNKS); c++) {
      run += partial_in[c];
    }
    sum += run;
  }
  norm[0] = sqrt(sum.x);
  non_finite[0] = sum.y;
}
