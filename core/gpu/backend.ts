/** The WebGPU backend: compiles plans and replays them, one submission per step. */
import { HarnessError } from "../errors.ts";
import type { Preset } from "../graph/op.ts";
import type { Backend, BackendFacts } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import { requireSameLayout } from "../plan/require_same_layout.ts";
import { allocateArenas, type ArenaBuffers, destroyArenas } from "./arena_buffers.ts";
import { assertNotLost, type OpenDevice, openDevice } from "./device.ts";
import { GpuProgram } from "./gpu_program.ts";
import { testKernels } from "./kernel_self_test.ts";
import { needsOf, refuseBeyondLimits } from "./needs.ts";
import { PipelineCache } from "./pipeline.ts";
import { planLaunches } from "./plan_launches.ts";
import { recordPlan } from "./record_plan.ts";
import { testArithmetic } from "./self_test.ts";

/** Settings of the WebGPU backend. */
export interface WebGpuOptions {
  /** Tiles to use. @default "software-adapter" on a fallback adapter, else "gpu" */
  readonly preset?: Preset;
}

/**
 * Opens a device, proves its arithmetic with the self-test, and returns the backend.
 *
 * @throws {NoAdapterError} If there is no adapter
 * @throws {DeviceError} If the self-test fails
 */
export async function webGpuBackend(options: WebGpuOptions = {}): Promise<Backend> {
  return await backendOn(await openDevice(), options);
}

/** The backend on a device that is open. It owns the device from now on. @throws {DeviceError} If the self-test fails */
export async function backendOn(open: OpenDevice, options: WebGpuOptions = {}): Promise<Backend> {
  try {
    const preset = options.preset ?? (open.facts.isFallbackAdapter ? "software-adapter" : "gpu");
    const pipelines = new PipelineCache(open.device);
    const selfTest = {
      ...await testArithmetic(open.device, pipelines),
      ...await testKernels({
        compile: (plan, tiles) => compileOn(open, { plan, preset: tiles, pipelines }),
        description: open.facts.description,
      }),
    };
    const facts: BackendFacts = { name: "webgpu", preset, adapter: open.facts, selfTest };
    return {
      facts,
      compile: (plan, { parametersOf } = {}) => {
        if (parametersOf && !(parametersOf instanceof GpuProgram)) {
          throw new HarnessError("Cannot share parameters with a program of another backend");
        }
        if (parametersOf) requireSameLayout(parametersOf.plan, plan);
        const shared = parametersOf?.arenas;
        return compileOn(open, { plan, preset, pipelines, shared });
      },
      destroy: () => open.destroy(),
    };
  } catch (cause) {
    open.destroy();
    throw cause;
  }
}

interface CompileParts {
  readonly plan: Plan;
  readonly preset: Preset;
  readonly pipelines: PipelineCache;
  /** Arenas of another program, whose parameters and states are used instead of own ones. */
  readonly shared?: ArenaBuffers | undefined;
}

/** Refuses a plan beyond the adapter's limits before it allocates or compiles anything. */
async function compileOn(open: OpenDevice, parts: CompileParts): Promise<GpuProgram> {
  const { plan, preset, pipelines, shared } = parts;
  open.assertAlive();
  const planned = planLaunches(plan, preset);
  refuseBeyondLimits(needsOf(plan, planned), open.facts);
  const arenas = await allocateArenas(open.device, { plan, shared });
  try {
    const launches = await recordPlan(open.device, { planned, arenas, pipelines });
    return new GpuProgram(open, { plan, arenas, launches });
  } catch (cause) {
    destroyArenas(arenas);
    await assertNotLost(open); // a lost device compiles nothing: the shader is not to blame
    throw cause;
  }
}
