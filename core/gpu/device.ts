/** The WebGPU device: found once, owned by one backend, destroyed explicitly. */
import { DeviceError, DeviceLostError, NoAdapterError, OutOfMemoryError } from "../errors.ts";
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
  /**
   * Refuses to go on with a device whose results cannot be trusted. `progress` ends the message of a loss: what
   * is known to be finished.
   *
   * @throws {DeviceLostError} If the device has been lost
   * @throws {DeviceError} If it reported an error outside of every error scope
   */
  assertAlive(progress?: string): void;
  /** Gives the device back. Programs on it are refused from now on. */
  destroy(): void;
}

/** Milliseconds in which the news of a loss follows the failure that it caused. */
const LOSS_NEWS_MS = 200;

/** How to get a driver, for users whose machine has none. */
const REMEDY = "install a GPU driver with Vulkan, Metal or D3D12, or a software one " +
  "(Debian, Ubuntu: apt-get install mesa-vulkan-drivers libvulkan1), or run ./setup.sh; " +
  'the device "reference" needs no adapter (--device reference)';

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
  return watch(device, facts);
}

/** Notes the loss of a device and the errors that no scope caught; both arrive as events. */
function watch(device: GPUDevice, facts: AdapterFacts): OpenDevice {
  let lost: string | undefined;
  let uncaught: GPUError | undefined;
  device.lost.then((info) => lost ??= `${info.reason}: ${info.message}`);
  device.addEventListener("uncapturederror", (event) => {
    // It is thrown at the next step or read; printing it as well would say it twice.
    event.preventDefault();
    uncaught ??= (event as GPUUncapturedErrorEvent).error;
  });
  const assertAlive = (progress = ""): void => {
    if (lost !== undefined) {
      throw new DeviceLostError(`Lost the device "${facts.description}" (${lost})${progress}`);
    }
    if (uncaught) {
      const Kind = uncaught instanceof GPUOutOfMemoryError ? OutOfMemoryError : DeviceError;
      throw new Kind(
        `The device "${facts.description}" reported an error that no call waited for: ${uncaught.message.trim()}`,
      );
    }
  };
  const destroy = (): void => {
    lost ??= "destroyed: its backend gave it back";
    device.destroy();
  };
  return { device, facts, assertAlive, destroy };
}

/**
 * Asked after a failure: throws the loss of the device that stands behind it, if there is one.
 *
 * @throws {DeviceLostError} If the device has been lost
 * @throws {DeviceError} If it reported an error outside of every error scope
 */
export async function assertNotLost(open: OpenDevice): Promise<void> {
  await within(LOSS_NEWS_MS, open.device.lost);
  open.assertAlive();
}

/** The same device, whose loss is reported together with what is known to be finished. */
export function withProgress(open: OpenDevice, progress: () => string): OpenDevice {
  return { ...open, assertAlive: () => open.assertAlive(progress()) };
}

/** Waits for a promise, but no longer than so many milliseconds. */
async function within(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, milliseconds));
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
