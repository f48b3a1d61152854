/** The kernels of kernels.ts under `deno bench`: one iteration is a block of replays and one readback. */
import { webGpuBackend } from "../../core/gpu/backend.ts";
import { KERNEL_GROUPS } from "./kernel_cases.ts";
import { prepareKernel } from "./time_replays.ts";

/** Makes the readback's 11 ms a small part of an iteration for all but the shortest kernels. */
const REPLAYS = 16;

const backend = await webGpuBackend();

for (const [group, casesOf] of Object.entries(KERNEL_GROUPS)) {
  for (const kernel of casesOf()) {
    Deno.bench({
      name: `${kernel.name}, ${REPLAYS} replays`,
      group,
      n: 5,
      warmup: 1,
      fn: async (bench) => {
        const ready = await prepareKernel(backend, kernel);
        await ready.replay(1);
        bench.start();
        await ready.replay(REPLAYS);
        bench.end();
        ready.destroy();
      },
    });
  }
}
