// chunked_cross_entropy, on the logits z: (ROWS, COLUMNS) of one chunk of rows:
//   logsumexp_i = log of the sum over c of exp(z_ic), loss_i = logsumexp_i - z_i,target_i.
// A row is cut into PIECES pieces of PIECE columns. `reduce`: one invocation per row and piece finds the
// piece's maximum and its sum of exp(z - maximum), into pieces: (ROWS, PIECES, 2). `combine`: one invocation
// per row merges them. `backward`: one invocation per logit replaces z_ic by
//   (dloss_i + dlogsumexp_i) exp(z_ic - logsumexp_i) - dloss_i [c = target_i], dloss_i = 0 where ignored.
// targets: (ROWS) i32; loss, logsumexp, dloss, dlogsumexp: (ROWS) f32.
// A target outside [0, COLUMNS) other than IGNORED makes the row's loss and logsumexp NaN.
// Order: columns ascending in runs of 32 whose sums are added in order; pieces ascending.
@group(0) @binding(0) var<storage, read_write> z: array<f32>;
@group(0) @binding(1) var<storage, read_write> pieces: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> targets: array<i32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;
@group(0) @binding(4) var<storage, read_write> logsumexp: array<f32>;
@group(0) @binding(1) var<storage, read_write> row_targets: array<i32>;
@group(0) @binding(2) var<storage, read_write> row_logsumexp: array<f32>;
@group(0) @binding(3) var<storage, read_write> dloss: array<f32>;
@group(0) @binding(4) var<storage, read_write> dlogsumexp: array<f32>;
override ROWS: u32;
override COLUMNS: u32;
override IGNORED: i32;
override WORKGROUP: u32 = 64;
const PIECE = 256u;
const RUN = 32u;
const NAN_BITS = 0x7fc00000u;

@compute @workgroup_size(WORKGROUP)
fn reduce(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  let count = (COLUMNS + PIECE - 1u) / PIECE;
  if (index >= ROWS * count) {
    return;
  }
  let row = (index / count) * COLUMNS;
  let first = row + (index % count) * PIECE;
  let last = min(first + PIECE, row + COLUMNS);
  var top = z[first];
  for (var s = first + 1u; s < last; s++) {
    top = max(top, z[s]);
  }
  var total = 0f;
  for (var t = first; t < last; t += RUN) {
    var run = 0f;
    for (var s = t; s < min(t + RUN, last); s++) {
      run += exp(z[s] - top);
    }
    total += run;
  }
  pieces[index] = vec2<f32>(top, total);
}

@compute @workgroup_size(WORKGROUP)
fn combine(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (row >= ROWS) {
    return;
  }
  let count = (COLUMNS + PIECE - 1u) / PIECE;
  var top = pieces[row * count].x;
  for (var p = 1u; p < count; p++) {
    top = max(top, pieces[row * count + p].x);
  }
  var total = 0f;
  for (var p = 0u; p < count; p++) {
    let piece = pieces[row * count + p];
    total += piece.y * exp(piece.x - top);
  }
  let spread = log(total);
  let target_ = targets[row];
  var own = 0f;
  var result = top + spread;
  if (target_ >= 0 && target_ < i32(COLUMNS)) {
    // (top - z) + spread keeps the digits that (top + spread) - z would round away.
    own = (top - z[row * COLUMNS + u32(target_)]) + spread;
  } else if (target_ != IGNORED) {
    own = bitcast<f32>(NAN_BITS | (u32(target_) & 1u)); // not a constant: compilers reject a constant NaN
    result = own;
  }
  loss[row] = own;
  logsumexp[row] = result;
}

@compute @workgroup_size(WORKGROUP)
fn backward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (index >= ROWS * COLUMNS) {
    return;
  }
  let row = index / COLUMNS;
  let target_ = row_targets[row];
  let own = select(dloss[row], 0f, target_ == IGNORED);
  let p = exp(z[index] - row_logsumexp[row]);
  let hit = select(0f, own, i32(index % COLUMNS) == target_);
  z[index] = (own + dlogsumexp[row]) * p - hit;
}
