import { assertNever, UsageError } from "../errors.ts";
import { webGpuBackend } from "../gpu/backend.ts";
import { knownWords } from "../manifest/did_you_mean.ts";
import type { Backend } from "../plan/backend.ts";
import { referenceBackend } from "../reference/interpreter.ts";

/** Names of the backends that run plans. */
export const BACKEND_NAMES = ["webgpu", "reference"] as const;
export type BackendName = typeof BACKEND_NAMES[number];

/** What `--device` accepts; `auto` is webgpu, because the reference is never a fallback. */
export const DEVICE_CHOICES = ["auto", ...BACKEND_NAMES] as const;
export type DeviceChoice = typeof DEVICE_CHOICES[number];

/** @throws {UsageError} On another name, which would otherwise open some backend */
export function backendNameOf(device: DeviceChoice): BackendName {
  if (!DEVICE_CHOICES.includes(device)) { // `deno run` checks no types
    throw new UsageError(
      `Cannot open a backend: unknown device "${device}"; ${knownWords(device, DEVICE_CHOICES)}`,
    );
  }
  return device === "auto" ? "webgpu" : device;
}

/** Opens a backend. @throws {NoAdapterError} For webgpu without an adapter */
export async function openBackend(name: BackendName): Promise<Backend> {
  switch (name) {
    case "webgpu":
      return await webGpuBackend();
    case "reference":
      return referenceBackend({ precision: "f64" });
    default:
      return assertNever(name);
  }
}
