/** The depthwise convolution on the adapter by hand: which tap meets which position. */
import { assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { op } from "../../../core/ops/depthwise_conv.ts";
import { runOp } from "./_run_op.ts";

Deno.test("depthwise_conv() gives an impulse its taps from the last on, in its own channel", async () => {
  const backend = await webGpuBackend();
  try {
    // Two sequences of 5 positions and 2 channels; channel 0 of the first has an impulse at position 1.
    const x = new Array<number>(20).fill(0);
    x[2] = 1;
    const [y] = await runOp(backend, op, {
      inputs: [
        { type: f32(2, 5, 2), values: x },
        { type: f32(2, 3), values: [10, 20, 30, 1, 2, 3] },
      ],
      attributes: {},
    });
    assertEquals(y, [0, 0, 30, 0, 20, 0, 10, 0, 0, 0, ...new Array<number>(10).fill(0)]);
  } finally {
    backend.destroy();
  }
});
