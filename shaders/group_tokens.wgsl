// group_tokens: a stable counting sort of tokens by id, eight bits of the id per pass, low bits first.
// start[g] = tokens with an id below g; order[slot] = token in that slot; rank[token] = its slot.
// ids: (TOKENS), start: (GROUPS + 1), order, rank: (TOKENS), counts: (BLOCKS, DIGITS), all i32. Ids beyond
// [0, GROUPS) count as the nearest group. Passes read the tokens in the order `source` and write `order`.
// No atomics: blocks of BLOCK slots count and place their tokens in slot order, so the order is fixed.
@group(0) @binding(0) var<storage, read_write> identity: array<i32>;
@group(0) @binding(0) var<storage, read_write> ids: array<i32>;
@group(0) @binding(1) var<storage, read_write> source: array<i32>;
@group(0) @binding(2) var<storage, read_write> counts: array<i32>;
@group(0) @binding(3) var<storage, read_write> order: array<i32>;
@group(0) @binding(0) var<storage, read_write> offsets: array<i32>;
@group(0) @binding(2) var<storage, read_write> start: array<i32>;
@group(0) @binding(3) var<storage, read_write> rank: array<i32>;
override COUNT: u32;
override TOKENS: u32;
override GROUPS: u32;
override DIGITS: u32;
override SHIFT: u32;
override BLOCK: u32;
override WORKGROUP: u32 = 64;
var<workgroup> totals: array<i32, 256>;

fn group_of(token: i32) -> u32 {
  return u32(clamp(ids[token], 0, i32(GROUPS) - 1));
}

fn digit_of(slot: u32) -> u32 {
  return (group_of(source[slot]) >> SHIFT) & 255u;
}

@compute @workgroup_size(WORKGROUP)
fn begin(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i < COUNT) {
    identity[i] = i32(i);
  }
}

// One invocation per (block, digit): tokens of the block with that digit.
@compute @workgroup_size(WORKGROUP)
fn count(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let block = i / DIGITS;
  let digit = i % DIGITS;
  var found = 0;
  for (var slot = block * BLOCK; slot < min((block + 1u) * BLOCK, TOKENS); slot++) {
    found += select(0, 1, digit_of(slot) == digit);
  }
  counts[i] = found;
}

// One workgroup turns counts into first slots, digit by digit and block by block. COUNT = BLOCKS.
@compute @workgroup_size(256)
fn scan(@builtin(local_invocation_index) digit: u32) {
  var total = 0;
  if (digit < DIGITS) {
    for (var block = 0u; block < COUNT; block++) {
      total += offsets[block * DIGITS + digit];
    }
  }
  totals[digit] = total;
  workgroupBarrier();
  var next = 0;
  for (var d = 0u; d < digit; d++) {
    next += totals[d];
  }
  if (digit < DIGITS) {
    for (var block = 0u; block < COUNT; block++) {
      let at = block * DIGITS + digit;
      let here = offsets[at];
      offsets[at] = next;
      next += here;
    }
  }
}

// One invocation per (block, digit): its tokens, in slot order, to their places.
@compute @workgroup_size(WORKGROUP)
fn place(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  let block = i / DIGITS;
  let digit = i % DIGITS;
  var next = counts[i];
  for (var slot = block * BLOCK; slot < min((block + 1u) * BLOCK, TOKENS); slot++) {
    if (digit_of(slot) == digit) {
      order[next] = source[slot];
      next++;
    }
  }
}

// COUNT = max(TOKENS, GROUPS + 1); `source` is the finished order. start[g] by bisection: the first slot
// whose token has an id of at least g.
@compute @workgroup_size(WORKGROUP)
fn finish(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= COUNT) {
    return;
  }
  if (i < TOKENS) {
    rank[source[i]] = i32(i);
  }
  if (i <= GROUPS) {
    var low = 0u;
    var high = TOKENS;
    while (low < high) {
      let middle = (low + high) / 2u;
      if (group_of(source[middle]) < i) {
        low = middle + 1u;
      } else {
        high = middle;
      }
    }
    start[i] = i32(low);
  }
}
