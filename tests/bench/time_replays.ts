/** Times a plan in blocks of replays, one readback per block, and subtracts nothing. */
import type { Backend, Program, StepInput } from "../../core/plan/backend.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { initialParameters } from "../../core/train/initial_parameters.ts";
import { FENCE, type KernelCase } from "./kernel_cases.ts";
import { type Quartiles, quartiles } from "./quartiles.ts";

/** Shortest block: a readback costs about 11 ms in Deno, so it stays below 4 percent. */
const BLOCK_SECONDS = 0.3;
const SEED = 3;

/** A kernel with its operands on the device. */
export interface ReadyKernel {
  /** Queues that many replays and waits for the last. */
  readonly replay: (count: number) => Promise<void>;
  readonly destroy: () => void;
}

export async function prepareKernel(backend: Backend, { plan }: KernelCase): Promise<ReadyKernel> {
  const program: Program = await backend.compile(plan);
  program.write("param", initialParameters(plan, SEED));
  const inputs = zeroInputs(plan);
  return {
    replay: async (count) => {
      for (let index = 0; index < count; index++) program.step(inputs);
      await program.read(FENCE);
    },
    destroy: () => program.destroy(),
  };
}

/** Inputs of these cases are class ids; which class it is does not change the work. */
function zeroInputs(plan: Plan): StepInput {
  return Object.fromEntries([...plan.inputs].map(([name, index]) => {
    const { shape, dtype } = plan.tensors[index].type;
    const size = shape.reduce((product, n) => product * n, 1);
    return [name, dtype === "i32" ? new Int32Array(size) : new Float32Array(size)];
  }));
}

export interface KernelTime {
  readonly name: string;
  readonly items: number;
  /** Launch-free estimates of the plan: arithmetic and bytes, each tensor counted once per op. */
  readonly flops: number;
  readonly bytes: number;
  /** Replays per block. */
  readonly replays: number;
  /** Seconds per replay, over blocks. */
  readonly seconds: Quartiles;
  /** At the median: 1e9 operations and 1e9 bytes per second, nanoseconds per item. */
  readonly gflops: number;
  readonly gbytes: number;
  readonly nanosecondsPerItem: number;
}

/** Median over `blocks` blocks of at least 0.3 s each. */
export async function timeKernel(
  backend: Backend,
  options: { readonly kernel: KernelCase; readonly blocks: number },
): Promise<KernelTime> {
  const { kernel, blocks } = options;
  return (await timeInTurn(backend, { kernels: [kernel], blocks }))[0];
}

/** The same for several kernels, a block of each in turn, so that what else the machine does hits all alike. */
export async function timeInTurn(
  backend: Backend,
  options: { readonly kernels: readonly KernelCase[]; readonly blocks: number },
): Promise<readonly KernelTime[]> {
  const { kernels, blocks } = options;
  const running: Running[] = [];
  try {
    for (const kernel of kernels) {
      const ready = await prepareKernel(backend, kernel);
      running.push({ kernel, ready, replays: await enoughReplays(ready), seconds: [] });
    }
    for (let block = 0; block < blocks; block++) {
      for (const { ready, replays, seconds } of running) {
        seconds.push(await secondsOf(ready, replays) / replays);
      }
    }
    return running.map(({ kernel, replays, seconds }) =>
      summary(kernel, { replays, seconds: quartiles(seconds) })
    );
  } finally {
    running.forEach(({ ready }) => ready.destroy());
  }
}

interface Running {
  readonly kernel: KernelCase;
  readonly ready: ReadyKernel;
  readonly replays: number;
  readonly seconds: number[];
}

async function secondsOf(ready: ReadyKernel, count: number): Promise<number> {
  const start = performance.now();
  await ready.replay(count);
  return (performance.now() - start) / 1000;
}

/** Doubles the count until a block is long enough; the first replay also compiles. */
async function enoughReplays(ready: ReadyKernel): Promise<number> {
  await ready.replay(1);
  for (let count = 1;; count *= 2) {
    if (await secondsOf(ready, count) >= BLOCK_SECONDS) return count;
  }
}

function summary(
  { name, items, plan }: KernelCase,
  { replays, seconds }: { readonly replays: number; readonly seconds: Quartiles },
): KernelTime {
  const costs = plan.steps.map(({ op, reads, writes, attributes }) =>
    op.cost({
      inputs: reads.map((index) => plan.tensors[index].type),
      outputs: writes.map((index) => plan.tensors[index].type),
      attributes,
    })
  );
  const flops = costs.reduce((sum, cost) => sum + cost.flops, 0);
  const bytes = costs.reduce((sum, cost) => sum + cost.bytes, 0);
  return {
    name,
    items,
    flops,
    bytes,
    replays,
    seconds,
    gflops: flops / seconds.median / 1e9,
    gbytes: bytes / seconds.median / 1e9,
    nanosecondsPerItem: (seconds.median / items) * 1e9,
  };
}
