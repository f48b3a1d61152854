import { webGpuBackend } from "../gpu/backend.ts";
import type { Backend } from "../plan/backend.ts";
import { referenceBackend } from "../reference/interpreter.ts";

/** Names of the backends that run plans. */
export const BACKEND_NAMES = ["webgpu", "reference"] as const;
export type BackendName = typeof BACKEND_NAMES[number];

/** What `--device` accepts; `auto` is webgpu, because the reference is never a fallback. */
export const DEVICE_CHOICES = ["auto", ...BACKEND_NAMES] as const;
export type DeviceChoice = typeof DEVICE_CHOICES[number];

export function backendNameOf(device: DeviceChoice): BackendName {
  return device === "auto" ? "webgpu" : device;
}

/** Opens a backend. @throws {NoAdapterError} For webgpu without an adapter */
export function openBackend(name: BackendName): Promise<Backend> {
  return name === "webgpu"
    ? webGpuBackend()
    : Promise.resolve(referenceBackend({ precision: "f64" }));
}
