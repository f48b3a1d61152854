import type { Binding, Dispatch } from "../graph/op.ts";

/** A launch without tiles: one invocation per item. */
export interface ThreadLaunch {
  readonly source: string;
  readonly shader: string;
  /** @default "forward" */
  readonly entryPoint?: string;
  /** Items; the shader's override COUNT. */
  readonly threads: number;
  readonly overrides?: Readonly<Record<string, number>>;
  readonly bindings: readonly Binding[];
}

/** Eight registers of eight lanes on a software adapter, one or two waves on hardware. */
const WORKGROUP = 64;

/** The dispatch of a kernel whose entry point handles item `workgroup * WORKGROUP + lane` if below COUNT. */
export function dispatchThreads(launch: ThreadLaunch): Dispatch {
  const { source, shader, entryPoint = "forward", threads, overrides, bindings } = launch;
  return {
    source,
    shader,
    entryPoint,
    overrides: { ...overrides, COUNT: threads, WORKGROUP },
    bindings,
    workgroups: Math.ceil(threads / WORKGROUP),
  };
}
