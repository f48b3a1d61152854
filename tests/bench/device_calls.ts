/** Watches the WebGPU calls of one step from outside the engine, by wrapping the methods for its length. */

export interface DeviceCalls {
  readonly dispatches: number;
  readonly passes: number;
  readonly submits: number;
  readonly writes: number;
  readonly finishMicroseconds: number;
  readonly submitMicroseconds: number;
}

interface Tally {
  count: number;
  microseconds: number;
}

/** Runs `body` and counts what it asks of the device. The wrapping makes it slower than usual. */
export function countCalls(body: () => void): DeviceCalls {
  const watched = [
    [GPUComputePassEncoder.prototype, "dispatchWorkgroups"],
    [GPUCommandEncoder.prototype, "beginComputePass"],
    [GPUCommandEncoder.prototype, "finish"],
    [GPUQueue.prototype, "submit"],
    [GPUQueue.prototype, "writeBuffer"],
  ] as const;
  const watches = watched.map(([owner, name]) => watch(owner, name));
  try {
    body();
  } finally {
    watches.forEach(({ restore }) => restore());
  }
  const [dispatches, passes, finish, submit, writes] = watches.map(({ tally }) => tally);
  return {
    dispatches: dispatches.count,
    passes: passes.count,
    submits: submit.count,
    writes: writes.count,
    finishMicroseconds: finish.microseconds,
    submitMicroseconds: submit.microseconds,
  };
}

function watch(owner: object, name: string): {
  readonly tally: Tally;
  readonly restore: () => void;
} {
  const tally: Tally = { count: 0, microseconds: 0 };
  const original: unknown = Reflect.get(owner, name);
  if (typeof original !== "function") throw new TypeError(`WebGPU has no method "${name}" here`);
  const wrapped = function (this: unknown, ...args: readonly unknown[]): unknown {
    const start = performance.now();
    const result: unknown = Reflect.apply(original, this, args);
    tally.microseconds += 1e3 * (performance.now() - start);
    tally.count++;
    return result;
  };
  Reflect.set(owner, name, wrapped);
  return { tally, restore: () => void Reflect.set(owner, name, original) };
}
