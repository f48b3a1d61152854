/** The WebGPU device: found once, owned by one backend, destroyed explicitly. */
import { DeviceError, DeviceLostError, NoAdapterError } from "../errors.ts";
import type { AdapterFacts } from "../plan/adapter_facts.ts";
import { withQuietDriver } from "./quiet_driver.ts";

/** Limits that plans may exhaust; the device is given all that the adapter offers of these. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupsPerDimension",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupStorageSize",
] as const;

/** An open device with what is known about its adapter. */
export interface OpenDevice {
  readonly device: GPUDevice;
  readonly facts: AdapterFacts;
  /** @throws {DeviceLostError} If the device has been lost */
  assertAlive(): void;
}

/** How to get a driver, for users whose machine has none. */
const REMEDY = "install a GPU driver with Vulkan, Metal or D3D12, or a software one " +
  "(Debian, Ubuntu: apt-get install mesa-vulkan-drivers libvulkan1), or run ./setup.sh; " +
  "--device reference needs no adapter";

/** Facts about the adapter that would be used. @throws {NoAdapterError} If there is none */
export async function findAdapter(): Promise<
  { readonly adapter: GPUAdapter; readonly facts: AdapterFacts }
> {
  const gpu = navigator.gpu as GPU | undefined;
  const adapter = await withQuietDriver(async () =>
    await gpu?.requestAdapter({ powerPreference: "high-performance" })
  );
  if (!adapter) throw new NoAdapterError(`No WebGPU adapter found: ${REMEDY}`);
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const limits = Object.fromEntries(LIMITS.map((name) => [name, Number(adapter.limits[name])]));
  const features = [...adapter.features].sort();
  return {
    adapter,
    facts: { vendor, architecture, device, description, isFallbackAdapter, features, limits },
  };
}

/** Opens a device on the adapter at hand. @throws {NoAdapterError} If there is none */
export async function openDevice(): Promise<OpenDevice> {
  const { adapter, facts } = await findAdapter();
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({
      requiredLimits: { ...facts.limits },
      // Kernel times for profiles; nothing else depends on it.
      requiredFeatures: adapter.features.has("timestamp-query") ? ["timestamp-query"] : [],
    });
  } catch (cause) {
    throw new DeviceError(`Cannot open a device on "${facts.description}": ${String(cause)}`, {
      cause,
    });
  }
  let lost: string | undefined;
  device.lost.then((info) => lost = `${info.reason}: ${info.message}`);
  const assertAlive = (): void => {
    if (lost !== undefined) {
      throw new DeviceLostError(`Lost the device "${facts.description}" (${lost})`);
    }
  };
  return { device, facts, assertAlive };
}
