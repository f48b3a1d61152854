// unpack_f16: y[2 j] and y[2 j + 1] are the binary16 numbers in the lower and upper half of words[j], exactly,
// infinities and NaN among them. words: (ceil(SIZE / 2)), y: (SIZE) bits of f32. No sums, so no order to state.
// By bits, as WGSL lets unpack2x16float flush subnormal numbers. One invocation makes eight numbers.
@group(0) @binding(0) var<storage, read_write> words: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<u32>>;
override COUNT: u32;
override SIZE: u32;
override WORKGROUP: u32 = 64;

fn singles(pair: vec2<u32>) -> vec4<u32> {
  let half = (pair.xxyy >> vec4<u32>(0u, 16u, 0u, 16u)) & vec4<u32>(0xffffu);
  let sign = (half & vec4<u32>(0x8000u)) << vec4<u32>(16u);
  let size = half & vec4<u32>(0x7fffu);
  // A full exponent field stays full, any other is rebiased by 112.
  let bias = select(vec4<u32>(0x38000000u), vec4<u32>(0x70000000u), size >= vec4<u32>(0x7c00u));
  let normal = (size << vec4<u32>(13u)) + bias;
  // Units of 2^-24: at most 1023 of them, so the product is exact and no subnormal number of f32.
  let small = bitcast<vec4<u32>>(vec4<f32>(size) * (1f / 16777216f));
  return sign | select(normal, small, size < vec4<u32>(0x400u));
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
  let here = words[i];
  y[2u * i] = singles(here.xy);
  if (8u * i + 4u < SIZE) {
    y[2u * i + 1u] = singles(here.zw);
  }
}
