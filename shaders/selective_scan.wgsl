// selective_scan: h_t = e^{z_t} h_{t-1} + f_t b_t x_t, y_t = sum_s c_{t,s} h_{t,s}, with z = delta a per channel and
// state s, and f = delta (euler) or (e^z - 1) / a = delta phi(z), phi(z) = (e^z - 1) / z (zoh). h_{-1} = 0.
// Gradient, with l_t = c_t dy_t + e^{z_{t+1}} l_{t+1}:
//   dc_s = sum_c dy h;  db_s = sum_c l f x;  dx = sum_s l f b;  w = l b x (cotangent of f), v = l h_{t-1} e^z (of z)
//   ddelta = sum_s v a + w (euler) or w e^z (zoh);  da = sum_t v delta (+ w delta^2 phi'(z), zoh)
// x, delta, y, dy, dx, ddelta: (B, N, D); a: (D, S); b, c: (B, N, S), S in fours up to 16. states: (B, CHUNKS, D, S),
// h before the first position of every chunk of CHUNK. da: (B, D, S). db, dc: (B, BLOCKS, N, S), sums over blocks
// of 64 channels. One invocation per sequence and channel, states in registers, positions in order; the gradient
// takes chunks from the last on, reruns each from its stored state and then goes back through it. Sums over
// states: the fours added in order, then (0 + 1) + (2 + 3); over channels: eights by halves, the eights in order;
// over positions: within a chunk from its end, chunks from the last.
// Length: one recurrence in quads, written out because arrays of states would not stay in registers.
// The walk of one launch covers chunks FIRST_CHUNK to LAST_CHUNK - 1: adapters may end long loops.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> delta: array<f32>;
@group(0) @binding(2) var<storage, read_write> a: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> b: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> c: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> states: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
// `backward` keeps to the eight buffers that every adapter binds. cells: (B, N, D) of x, delta, dy, 0 on entry and
// dx, ddelta, 0, 0 on return. parts: db, then dc. kept: (B, CHUNK, S / 4, D), states before each position of the
// chunk at hand; then l between two launches and da, (B, D, S / 4) each. dstates: cotangent of states, if any.
@group(0) @binding(0) var<storage, read_write> cells: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dstates: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> kept: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> parts: array<f32>;
// `pack`: x, delta, dy to cells. `unpack`: result[i] = packed[FIRST + STRIDE i].
@group(0) @binding(2) var<storage, read_write> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> packing: array<vec4<f32>>;
@group(0) @binding(0) var<storage, read_write> packed: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
override B: u32;
override N: u32;
override D: u32;
// S / 4.
override QUADS: u32;
override CHUNK: u32;
override CHUNKS: u32;
override FIRST_CHUNK: u32;
override LAST_CHUNK: u32;
override IS_ZOH: bool;
override HAS_DSTATES: bool = false;
override COUNT: u32 = 1;
override FIRST: u32 = 0;
override STRIDE: u32 = 1;
override WORKGROUP: u32 = 64;
// Channels per partial sum, and lanes of a workgroup of `backward`.
const BLOCK = 64u;
// Row of the table below: one value of every channel, and one more, so that lanes read different banks.
const ROW = 65u;
var<workgroup> table: array<f32, 2080>;

// Four quads of states.
struct Quads {
  q0: vec4<f32>,
  q1: vec4<f32>,
  q2: vec4<f32>,
  q3: vec4<f32>,
}

// (e^z - 1) / z: its series to z^8 where the difference would cancel.
fn phi(z: vec4<f32>) -> vec4<f32> {
  var sum = z * (1f / 9f) + 1f;
  sum = sum * z * (1f / 8f) + 1f;
  sum = sum * z * (1f / 7f) + 1f;
  sum = sum * z * (1f / 6f) + 1f;
  sum = sum * z * (1f / 5f) + 1f;
  sum = sum * z * (1f / 4f) + 1f;
  sum = sum * z * (1f / 3f) + 1f;
  sum = sum * z * (1f / 2f) + 1f;
  return select((exp(z) - 1f) / z, sum, abs(z) < vec4<f32>(0.5f));
}

// phi'(z) = (e^z - phi(z)) / z: its series, sum of z^k / (k! (k + 2)), where the difference would cancel.
fn phi_slope(z: vec4<f32>) -> vec4<f32> {
  var sum = z * (1f / 45360f) + 1f / 5760f;
  sum = sum * z + 1f / 840f;
  sum = sum * z + 1f / 144f;
  sum = sum * z + 1f / 30f;
  sum = sum * z + 1f / 8f;
  sum = sum * z + 1f / 3f;
  sum = sum * z + 1f / 2f;
  return select((exp(z) - phi(z)) / z, sum, abs(z) < vec4<f32>(0.5f));
}

// f.
fn gain(z: vec4<f32>, step: f32) -> vec4<f32> {
  if (IS_ZOH) {
    return step * phi(z);
  }
  return vec4<f32>(step);
}

// One position of one channel; `row` counts the B N positions.
struct Cell {
  row: u32,
  channel: u32,
  x: f32,
  delta: f32,
}

// h_t of one quad from h_{t-1}.
fn advanced(h: vec4<f32>, q: u32, at: Cell) -> vec4<f32> {
  let z = at.delta * a[at.channel * QUADS + q];
  return exp(z) * h + gain(z, at.delta) * (at.x * b[at.row * QUADS + q]);
}

fn advance(h: Quads, at: Cell) -> Quads {
  var next = h;
  next.q0 = advanced(h.q0, 0u, at);
  if (QUADS > 1u) {
    next.q1 = advanced(h.q1, 1u, at);
  }
  if (QUADS > 2u) {
    next.q2 = advanced(h.q2, 2u, at);
  }
  if (QUADS > 3u) {
    next.q3 = advanced(h.q3, 3u, at);
  }
  return next;
}

fn load_state(first: u32) -> Quads {
  var h = Quads();
  h.q0 = states[first];
  if (QUADS > 1u) {
    h.q1 = states[first + 1u];
  }
  if (QUADS > 2u) {
    h.q2 = states[first + 2u];
  }
  if (QUADS > 3u) {
    h.q3 = states[first + 3u];
  }
  return h;
}

fn store_state(first: u32, h: Quads) {
  states[first] = h.q0;
  if (QUADS > 1u) {
    states[first + 1u] = h.q1;
  }
  if (QUADS > 2u) {
    states[first + 2u] = h.q2;
  }
  if (QUADS > 3u) {
    states[first + 3u] = h.q3;
  }
}

fn with_cotangent(l: Quads, first: u32) -> Quads {
  if (!HAS_DSTATES) {
    return l;
  }
  var sum = l;
  sum.q0 += dstates[first];
  if (QUADS > 1u) {
    sum.q1 += dstates[first + 1u];
  }
  if (QUADS > 2u) {
    sum.q2 += dstates[first + 2u];
  }
  if (QUADS > 3u) {
    sum.q3 += dstates[first + 3u];
  }
  return sum;
}

fn total(v: vec4<f32>) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= B * D) {
    return;
  }
  let channel = index % D;
  let batch = index / D;
  var h = Quads();
  if (FIRST_CHUNK > 0u) {
    h = load_state(((batch * CHUNKS + FIRST_CHUNK) * D + channel) * QUADS);
  }
  for (var t = FIRST_CHUNK * CHUNK; t < min(N, LAST_CHUNK * CHUNK); t++) {
    if (t % CHUNK == 0u) {
      store_state(((batch * CHUNKS + t / CHUNK) * D + channel) * QUADS, h);
    }
    let row = batch * N + t;
    let cell = row * D + channel;
    h = advance(h, Cell(row, channel, x[cell], delta[cell]));
    var sum = c[row * QUADS] * h.q0;
    if (QUADS > 1u) {
      sum += c[row * QUADS + 1u] * h.q1;
    }
    if (QUADS > 2u) {
      sum += c[row * QUADS + 2u] * h.q2;
    }
    if (QUADS > 3u) {
      sum += c[row * QUADS + 3u] * h.q3;
    }
    y[cell] = total(sum);
  }
  if (LAST_CHUNK < CHUNKS) {
    store_state(((batch * CHUNKS + LAST_CHUNK) * D + channel) * QUADS, h);
  }
}

fn keep(first: u32, h: Quads) {
  kept[first] = h.q0;
  if (QUADS > 1u) {
    kept[first + D] = h.q1;
  }
  if (QUADS > 2u) {
    kept[first + 2u * D] = h.q2;
  }
  if (QUADS > 3u) {
    kept[first + 3u * D] = h.q3;
  }
}

fn recall(first: u32) -> Quads {
  var h = Quads();
  h.q0 = kept[first];
  if (QUADS > 1u) {
    h.q1 = kept[first + D];
  }
  if (QUADS > 2u) {
    h.q2 = kept[first + 2u * D];
  }
  if (QUADS > 3u) {
    h.q3 = kept[first + 3u * D];
  }
  return h;
}

// Channels beyond the last have a lane too, which adds nothing.
struct Place {
  cell: Cell,
  dy: f32,
  lane: u32,
  is_real: bool,
}

// What one quad gives back at one position.
struct Back {
  // e^z l, which enters the position before.
  l: vec4<f32>,
  da: vec4<f32>,
  dx: vec4<f32>,
  ddelta: vec4<f32>,
}

fn put(value: u32, at: Place, v: vec4<f32>) {
  let real = select(vec4<f32>(), v, at.is_real);
  table[value * ROW + at.lane] = real.x;
  table[(value + 1u) * ROW + at.lane] = real.y;
  table[(value + 2u) * ROW + at.lane] = real.z;
  table[(value + 3u) * ROW + at.lane] = real.w;
}

fn back(q: u32, at: Place, before: vec4<f32>, entering: vec4<f32>) -> Back {
  let factors = a[at.cell.channel * QUADS + q];
  let inputs = b[at.cell.row * QUADS + q];
  let step = at.cell.delta;
  let z = step * factors;
  let e = exp(z);
  let f = gain(z, step);
  let h = e * before + f * (at.cell.x * inputs);
  let l = c[at.cell.row * QUADS + q] * at.dy + entering;
  let w = l * (at.cell.x * inputs);
  let v = l * before * e;
  put(4u * q, at, l * f * at.cell.x);
  put(4u * (QUADS + q), at, at.dy * h);
  var result = Back(e * l, v * step, l * f * inputs, v * factors + w);
  if (IS_ZOH) {
    result.da += w * (step * step) * phi_slope(z);
    result.ddelta = v * factors + w * e;
  }
  return result;
}

fn eight(first: u32) -> f32 {
  let low = (table[first] + table[first + 1u]) + (table[first + 2u] + table[first + 3u]);
  let high = (table[first + 4u] + table[first + 5u]) + (table[first + 6u] + table[first + 7u]);
  return low + high;
}

// Sum of a row of the table over the channels of the block.
fn row_sum(value: u32) -> f32 {
  let first = value * ROW;
  var sum = eight(first);
  sum += eight(first + 8u);
  sum += eight(first + 16u);
  sum += eight(first + 24u);
  sum += eight(first + 32u);
  sum += eight(first + 40u);
  sum += eight(first + 48u);
  return sum + eight(first + 56u);
}

fn cell_at(row: u32, channel: u32) -> Cell {
  let values = cells[row * D + channel];
  return Cell(row, channel, values.x, values.y);
}

// Workgroups: (sequence, block of channels), without tiles to choose.
@compute @workgroup_size(64)
fn backward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let blocks = (D + BLOCK - 1u) / BLOCK;
  // Surplus workgroups of a folded grid repeat the last one's work and store nothing.
  let index = group.y * groups.x + group.x;
  let batch = min(index / blocks, B - 1u);
  let block = index % blocks;
  let is_real = index < B * blocks && block * BLOCK + lane < D;
  let channel = min(block * BLOCK + lane, D - 1u);
  let slots = batch * CHUNK * QUADS * D + channel;
  let held = (B * CHUNK + batch) * QUADS * D + channel;
  var l = Quads();
  var sums = Quads();
  if (LAST_CHUNK < CHUNKS) {
    l = recall(held);
  }
  for (var chunk = LAST_CHUNK; chunk > FIRST_CHUNK; chunk--) {
    let first = (chunk - 1u) * CHUNK;
    let last = min(N, chunk * CHUNK);
    let stored = ((batch * CHUNKS + chunk - 1u) * D + channel) * QUADS;
    var h = load_state(stored);
    for (var t = first; t < last; t++) {
      if (is_real) {
        keep(slots + (t - first) * QUADS * D, h);
      }
      h = advance(h, cell_at(batch * N + t, channel));
    }
    var run = Quads();
    for (var t = last; t > first; t--) {
      let row = batch * N + t - 1u;
      let at = Place(cell_at(row, channel), cells[row * D + channel].z, lane, is_real);
      let before = recall(slots + (t - 1u - first) * QUADS * D);
      let r0 = back(0u, at, before.q0, l.q0);
      var dx_sum = r0.dx;
      var ddelta_sum = r0.ddelta;
      l.q0 = r0.l;
      run.q0 += r0.da;
      if (QUADS > 1u) {
        let r1 = back(1u, at, before.q1, l.q1);
        dx_sum += r1.dx;
        ddelta_sum += r1.ddelta;
        l.q1 = r1.l;
        run.q1 += r1.da;
      }
      if (QUADS > 2u) {
        let r2 = back(2u, at, before.q2, l.q2);
        dx_sum += r2.dx;
        ddelta_sum += r2.ddelta;
        l.q2 = r2.l;
        run.q2 += r2.da;
      }
      if (QUADS > 3u) {
        let r3 = back(3u, at, before.q3, l.q3);
        dx_sum += r3.dx;
        ddelta_sum += r3.ddelta;
        l.q3 = r3.l;
        run.q3 += r3.da;
      }
      if (is_real) {
        cells[row * D + channel] = vec4<f32>(total(dx_sum), total(ddelta_sum), 0f, 0f);
      }
      workgroupBarrier();
      let place = ((batch * blocks + block) * N + t - 1u) * 4u * QUADS + lane;
      if (lane < 4u * QUADS && index < B * blocks) {
        parts[place] = row_sum(lane);
        parts[B * blocks * N * 4u * QUADS + place] = row_sum(lane + 4u * QUADS);
      }
      workgroupBarrier();
    }
    l = with_cotangent(l, stored);
    sums = Quads(sums.q0 + run.q0, sums.q1 + run.q1, sums.q2 + run.q2, sums.q3 + run.q3);
  }
  if (is_real) {
    keep(held, l);
    let first = (B * (CHUNK + 1u) * D + batch * D + channel) * QUADS;
    add_to(first, sums.q0);
    if (QUADS > 1u) {
      add_to(first + 1u, sums.q1);
    }
    if (QUADS > 2u) {
      add_to(first + 2u, sums.q2);
    }
    if (QUADS > 3u) {
      add_to(first + 3u, sums.q3);
    }
  }
}

// The first launch of the walk sets, later ones add.
fn add_to(at: u32, sum: vec4<f32>) {
  if (LAST_CHUNK == CHUNKS) {
    kept[at] = sum;
  } else {
    kept[at] = kept[at] + sum;
  }
}

@compute @workgroup_size(WORKGROUP)
fn pack(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i < COUNT) {
    packing[i] = vec4<f32>(x[i], delta[i], dy[i], 0f);
  }
}

@compute @workgroup_size(WORKGROUP)
fn unpack(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i < COUNT) {
    result[i] = packed[FIRST + STRIDE * i];
  }
}
