/** The device buffers behind a plan's arenas. */
import { OutOfMemoryError } from "../errors.ts";
import { BORROWED_ARENAS } from "../plan/backend.ts";
import { type ArenaName, ARENAS, type Plan } from "../plan/plan.ts";

/** Buffers by arena; `owned` says which of them `destroyArenas` frees. */
export interface ArenaBuffers {
  readonly buffers: Readonly<Record<ArenaName, GPUBuffer>>;
  readonly owned: readonly ArenaName[];
}

/**
 * Allocates every arena of a plan, zeroed; `param` and `state` are taken from `shared` when given. Sizes were checked
 * against the adapter's limits before (needs.ts), so that what is refused here is memory that is taken.
 *
 * @throws {OutOfMemoryError} If the device refuses the memory
 */
export async function allocateArenas(device: GPUDevice, options: {
  readonly plan: Plan;
  readonly shared?: ArenaBuffers | undefined;
}): Promise<ArenaBuffers> {
  const { plan, shared } = options;
  const owned = ARENAS.filter((name) => !(shared && BORROWED_ARENAS.includes(name)));
  device.pushErrorScope("out-of-memory");
  const made = owned.map((name) => {
    const size = Math.max(256, plan.arenaBytes[name]);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return [name, device.createBuffer({ label: name, size, usage })] as const;
  });
  const error = await device.popErrorScope();
  if (error) {
    made.forEach(([, buffer]) => buffer.destroy());
    const sizes = owned.map((name) => `${name} ${plan.arenaBytes[name]}`).join(", ");
    const total = owned.reduce((sum, name) => sum + plan.arenaBytes[name], 0);
    throw new OutOfMemoryError(
      `The device is out of memory for ${total} bytes in arenas of these bytes: ${sizes} ` +
        `(${error.message.trim()}); take fewer tokens per step or fewer workers, or free device memory`,
    );
  }
  const buffers = Object.fromEntries(made) as Record<ArenaName, GPUBuffer>;
  if (shared) BORROWED_ARENAS.forEach((name) => buffers[name] = shared.buffers[name]);
  return { buffers, owned };
}

/** Frees the arenas that these buffers own. */
export function destroyArenas({ buffers, owned }: ArenaBuffers): void {
  for (const name of owned) buffers[name].destroy();
}
