// elementwise: y[i] = f(x0[i0], x1[i1], ...), with i_k = (i / inner_k) mod size_k for a broadcast operand.
// The one generated text: the recorder fills the marked lines from a typed expression
// (core/ops/elementwise.ts); T is f32 or vec4<f32>, and then i counts groups of four.
// A launch computes COUNT outputs from number FIRST on; whole operands are bound from there too.
// No sums, so no order to state.
alias T = TYPE_OF_T;
alias Bits = TYPE_OF_BITS;
//BINDINGS
override COUNT: u32;
override FIRST: u32 = 0;
override WORKGROUP: u32 = 64;

// log(1 + x) for x >= 0. Below 1: 2 artanh(s), s = x / (2 + x) <= 1/3, by its series to s^13.
fn own_log1p(x: T) -> T {
  let s = x / (x + T(2f));
  let q = s * s;
  var sum = q * T(1f / 13f) + T(1f / 11f);
  sum = sum * q + T(1f / 9f);
  sum = sum * q + T(1f / 7f);
  sum = sum * q + T(1f / 5f);
  sum = sum * q + T(1f / 3f);
  sum = sum * q + T(1f);
  return select(log(x + T(1f)), s * sum * T(2f), x < T(1f));
}

// tanh: odd Taylor polynomial to x^13 below 1/2 (truncation below 1e-7 relative), else from exp of a
// negative number, which cannot overflow.
fn own_tanh(x: T) -> T {
  let q = x * x;
  var sum = q * T(21844f / 6081075f) - T(1382f / 155925f);
  sum = sum * q + T(62f / 2835f);
  sum = sum * q - T(17f / 315f);
  sum = sum * q + T(2f / 15f);
  sum = sum * q - T(1f / 3f);
  sum = sum * q + T(1f);
  let e = exp(abs(x) * T(-2f));
  let large = (T(1f) - e) / (T(1f) + e);
  return select(select(large, -large, x < T(0f)), x * sum, abs(x) < T(0.5f));
}

// x where it is NaN, else 0. By bits, since comparisons may take NaN for granted not to occur.
fn own_nan(x: T) -> T {
  return select(T(0f), x, (bitcast<Bits>(x) & Bits(0x7fffffffu)) > Bits(0x7f800000u));
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
  let at = i + FIRST;
//LOADS
//BODY
}
