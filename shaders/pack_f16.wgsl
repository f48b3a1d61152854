// pack_f16: words[j] = half(x[2 j]) | half(x[2 j + 1]) << 16, where half(x) are the bits of the binary16 number
// nearest to x, ties to the even one. |x| >= 65520 gives an infinity, NaN gives 0x7e00; behind the last
// element stands 0. x: (SIZE) bits of f32, words: (ceil(SIZE / 2)). No sums, so no order to state.
// In integers throughout: WGSL leaves the direction of rounding and what becomes of overflow open in
// pack2x16float, and lets subnormal numbers be flushed. One invocation makes eight halves.
@group(0) @binding(0) var<storage, read_write> x: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> words: array<vec4<u32>>;
override COUNT: u32;
override SIZE: u32;
override WORKGROUP: u32 = 64;

fn halves(bits: vec4<u32>) -> vec4<u32> {
  let sign = (bits >> vec4<u32>(16u)) & vec4<u32>(0x8000u);
  let size = bits & vec4<u32>(0x7fffffffu);
  // 13 bits of the fraction go; a carry moves on into the exponent, whose bias shrinks by 112. Whatever
  // reaches 65520 becomes 65536 = 2^16, whose exponent field is that of infinity.
  let capped = min(size, vec4<u32>(0x47800000u));
  let parity = (capped >> vec4<u32>(13u)) & vec4<u32>(1u);
  let normal = (capped + parity + vec4<u32>(0xfffu) - vec4<u32>(0x38000000u)) >> vec4<u32>(13u);
  // Below 2^-14 a half counts units of 2^-24, and 24 bits of fraction count units of 2^(exponent - 150).
  let fraction = (size & vec4<u32>(0x7fffffu)) | vec4<u32>(0x800000u);
  let exponent = vec4<i32>(size >> vec4<u32>(23u));
  let shift = vec4<u32>(clamp(vec4<i32>(126i) - exponent, vec4<i32>(1i), vec4<i32>(25i)));
  let tie = (vec4<u32>(1u) << (shift - vec4<u32>(1u))) - vec4<u32>(1u);
  let small = (fraction + tie + ((fraction >> shift) & vec4<u32>(1u))) >> shift;
  let finite = sign | select(normal, small, size < vec4<u32>(0x38800000u));
  return select(finite, vec4<u32>(0x7e00u), size > vec4<u32>(0x7f800000u));
}

// Halves of the four elements from `first` on, two to a word.
fn pairs(bits: vec4<u32>, first: u32) -> vec2<u32> {
  let index = vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u);
  let half = select(vec4<u32>(0u), halves(bits), index < vec4<u32>(SIZE));
  return half.xz | (half.yw << vec2<u32>(16u));
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
  let last = (SIZE - 1u) / 4u;
  let lower = pairs(x[2u * i], 8u * i);
  let upper = pairs(x[min(2u * i + 1u, last)], 8u * i + 4u);
  words[i] = vec4<u32>(lower, upper);
}
