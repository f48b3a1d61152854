// threefry: word[i] = first word of Threefry-2x32, 20 rounds, of counter (step, i) under key (key_0, key_1);
// docs/mathematics.md §9. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3"
// (SC 2011), section 4 and table 2. Additions, rotations and xors of u32 alone: the same bits everywhere.
// position: (3), key_0, key_1, step; word: (COUNT) bits; y: (COUNT) in [0, 1), the upper 23 bits over 2^23. One invocation per word.
@group(0) @binding(0) var<storage, read_write> position: array<u32>;
@group(0) @binding(1) var<storage, read_write> word: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
override COUNT: u32;
override WORKGROUP: u32 = 64;
// Key-schedule parity of Threefish with 32-bit words.
const PARITY = 0x1bd11bdau;

fn mixed(x: vec2<u32>, rotation: u32) -> vec2<u32> {
  let sum = x.x + x.y;
  return vec2<u32>(sum, ((x.y << rotation) | (x.y >> (32u - rotation))) ^ sum);
}

fn four(x: vec2<u32>, rotations: vec4<u32>) -> vec2<u32> {
  return mixed(mixed(mixed(mixed(x, rotations.x), rotations.y), rotations.z), rotations.w);
}

fn bits(index: u32) -> u32 {
  let key = vec3<u32>(position[0], position[1], PARITY ^ position[0] ^ position[1]);
  let even = vec4<u32>(13u, 15u, 26u, 6u);
  let odd = vec4<u32>(17u, 29u, 16u, 24u);
  var x = vec2<u32>(position[2], index) + key.xy;
  x = four(x, even) + key.yz + vec2<u32>(0u, 1u);
  x = four(x, odd) + key.zx + vec2<u32>(0u, 2u);
  x = four(x, even) + key.xy + vec2<u32>(0u, 3u);
  x = four(x, odd) + key.yz + vec2<u32>(0u, 4u);
  x = four(x, even) + key.zx + vec2<u32>(0u, 5u);
  return x.x;
}

@compute @workgroup_size(WORKGROUP)
fn words(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i < COUNT) {
    word[i] = bits(i);
  }
}

@compute @workgroup_size(WORKGROUP)
fn uniforms(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i < COUNT) {
    y[i] = bitcast<f32>((bits(i) >> 9u) | 0x3f800000u) - 1f;
  }
}
