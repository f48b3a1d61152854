// phase_quantiles: one update of running quantiles from a batch of phases.
// knots: (KNOTS) ascending, knot j at level (j + 1) / (KNOTS + 1); phases: (ROWS); updates: (1), how many were done.
// count: parts[b, j] = phases of block b below and up to knot j; parts[b, KNOTS] = least and largest of the block.
// total: the same over all blocks, blocks ascending. A phase that is NaN is counted nowhere.
// advance: next[j] = (1 - rate) knots[j] + rate q_j, with q_j the level's place on the line through the points
// (knot, count below) and (knot, count up to), from (least, 0) to (largest, ROWS); rate = max(RATE, 1 / n) where
// n = max(1, updates - FAST + 1). next_updates = updates + 1.
// One invocation per block and column, per column, and per knot. Counts are exact: no order to state.
@group(0) @binding(0) var<storage, read_write> phases: array<f32>;
@group(0) @binding(1) var<storage, read_write> knots: array<f32>;
@group(0) @binding(2) var<storage, read_write> parts: array<vec2<f32>>;
@group(0) @binding(0) var<storage, read_write> blocks: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> totals: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> updates: array<f32>;
@group(0) @binding(3) var<storage, read_write> next: array<f32>;
@group(0) @binding(4) var<storage, read_write> next_updates: array<f32>;
@group(0) @binding(0) var<storage, read_write> sums: array<vec2<f32>>;
override COUNT: u32;
override ROWS: u32;
override KNOTS: u32;
override BLOCK: u32;
override BLOCKS: u32;
override FAST: f32 = 0;
override RATE: f32 = 0;
override WORKGROUP: u32 = 64;
const FARTHEST = 1e30f;

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
  let column = i % (KNOTS + 1u);
  let first = (i / (KNOTS + 1u)) * BLOCK;
  let end = min(first + BLOCK, ROWS);
  if (column == KNOTS) {
    var extent = vec2<f32>(FARTHEST, -FARTHEST);
    for (var r = first; r < end; r++) {
      let phase = phases[r];
      extent.x = select(extent.x, phase, phase < extent.x);
      extent.y = select(extent.y, phase, phase > extent.y);
    }
    parts[i] = extent;
    return;
  }
  let knot = knots[column];
  var found = vec2<u32>(0u, 0u);
  for (var r = first; r < end; r++) {
    let phase = phases[r];
    found += select(vec2<u32>(0u), vec2<u32>(1u), vec2<bool>(phase < knot, phase <= knot));
  }
  parts[i] = vec2<f32>(found);
}

// Bindings: parts, totals.
@compute @workgroup_size(WORKGROUP)
fn total(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (column >= COUNT) {
    return;
  }
  var sum = blocks[column];
  for (var b = 1u; b < BLOCKS; b++) {
    let part = blocks[b * COUNT + column];
    let extent = vec2<f32>(min(sum.x, part.x), max(sum.y, part.y));
    sum = select(sum + part, extent, column + 1u == COUNT);
  }
  totals[column] = sum;
}

// Bindings: totals, knots, updates, next, next_updates.
@compute @workgroup_size(WORKGROUP)
fn advance(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let j = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (j >= COUNT) {
    return;
  }
  let done = updates[0];
  let rate = max(RATE, 1f / max(1f, done - FAST + 1f));
  let extent = sums[KNOTS];
  let rows = f32(ROWS);
  let level = rows * f32(j + 1u) / f32(KNOTS + 1u);
  var left = vec2<f32>(extent.x, 0f); // last point at or below the level
  var right = vec2<f32>(extent.y, rows);
  var found = false;
  for (var k = 0u; k < KNOTS; k++) {
    let x = clamp(knots[k], extent.x, extent.y);
    let counts = sums[k];
    if (!found && counts.x > level) {
      right = vec2<f32>(x, counts.x);
      found = true;
    }
    if (!found && counts.y >= level) {
      left = vec2<f32>(x, level);
      right = left;
      found = true;
    }
    if (!found) {
      left = vec2<f32>(x, counts.y);
    }
  }
  let rise = right.y - left.y;
  let share = select(0f, (level - left.y) / rise, rise > 0f);
  let place = left.x + (right.x - left.x) * share;
  let moved = (1f - rate) * knots[j] + rate * place;
  next[j] = select(knots[j], moved, extent.x <= extent.y);
  if (j == 0u) {
    next_updates[0] = done + 1f;
  }
}
