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

/** Microseconds from the creation of the first command encoder to the return of the last submission of `body`. */
export function encodingTime(body: () => void): number {
  let first = Infinity;
  let last = -Infinity;
  const restores = [
    wrap(GPUDevice.prototype, "createCommandEncoder", (call) => {
      first = Math.min(first, performance.now());
      return call();
    }),
    wrap(GPUQueue.prototype, "submit", (call) => {
      const result = call();
      last = performance.now();
      return result;
    }),
  ];
  try {
    body();
  } finally {
    restores.forEach((restore) => restore());
  }
  return 1e3 * (last - first);
}

function watch(owner: object, name: string): {
  readonly tally: Tally;
  readonly restore: () => void;
} {
  const tally: Tally = { count: 0, microseconds: 0 };
  const restore = wrap(owner, name, (call) => {
    const start = performance.now();
    const result = call();
    tally.microseconds += 1e3 * (performance.now() - start);
    tally.count++;
    return result;
  });
  return { tally, restore };
}

/** Puts `round` about every call of a method; gives back what undoes it. */
function wrap(owner: object, name: string, round: (call: () => unknown) => unknown): () => void {
  const original: unknown = Reflect.get(owner, name);
  if (typeof original !== "function") throw new TypeError(`WebGPU has no method "${name}" here`);
  Reflect.set(owner, name, function (this: unknown, ...args: readonly unknown[]): unknown {
    return round(() => Reflect.apply(original, this, args));
  });
  return () => void Reflect.set(owner, name, original);
}
