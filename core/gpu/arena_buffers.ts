/** The device buffers behind a plan's arenas. */
import { DeviceError, OutOfMemoryError } from "../errors.ts";
import { type ArenaName, ARENAS, type Plan } from "../plan/plan.ts";

/** Buffers by arena; `owned` says which of them `destroyArenas` frees. */
export interface ArenaBuffers {
  readonly buffers: Readonly<Record<ArenaName, GPUBuffer>>;
  readonly owned: readonly ArenaName[];
}

/**
 * Allocates every arena of a plan, zeroed; `param` is taken from `shared` when given.
 *
 * @throws {DeviceError} If an arena exceeds the adapter's limits
 * @throws {OutOfMemoryError} If the device refuses the memory
 */
export async function allocateArenas(device: GPUDevice, options: {
  readonly plan: Plan;
  readonly shared?: GPUBuffer | undefined;
}): Promise<ArenaBuffers> {
  const { plan, shared } = options;
  const limit = device.limits.maxBufferSize;
  const owned = ARENAS.filter((name) => !(name === "param" && shared));
  device.pushErrorScope("out-of-memory");
  const made = owned.map((name) => {
    const size = Math.max(256, plan.arenaBytes[name]);
    if (size > limit) {
      throw new DeviceError(
        `Cannot allocate arena "${name}": it needs ${size} bytes, the adapter allows ${limit}`,
      );
    }
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return [name, device.createBuffer({ label: name, size, usage })] as const;
  });
  const error = await device.popErrorScope();
  if (error) {
    made.forEach(([, buffer]) => buffer.destroy());
    const sizes = owned.map((name) => `${name} ${plan.arenaBytes[name]}`).join(", ");
    throw new OutOfMemoryError(
      `The device is out of memory for arenas of these bytes: ${sizes} (${error.message})`,
    );
  }
  const buffers = Object.fromEntries(made) as Record<ArenaName, GPUBuffer>;
  if (shared) buffers.param = shared;
  return { buffers, owned };
}

/** Frees the arenas that these buffers own. */
export function destroyArenas({ buffers, owned }: ArenaBuffers): void {
  for (const name of owned) buffers[name].destroy();
}
