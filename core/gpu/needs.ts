/** What a plan asks of an adapter, and the refusal of one that asks too much, before anything is allocated. */
import { DeviceError } from "../errors.ts";
import type { Preset } from "../graph/op.ts";
import type { AdapterFacts } from "../plan/adapter_facts.ts";
import { type ArenaName, ARENAS, type Plan } from "../plan/plan.ts";
import { planLaunches, type PlannedLaunch } from "./plan_launches.ts";

/** Largest needs of a plan, each with the place where it arises. */
export interface PlanNeeds {
  readonly launches: number;
  readonly arenaBytes: Readonly<Record<ArenaName, number>>;
  /** Bytes of all arenas together: all the device memory that a program takes. */
  readonly totalBytes: number;
  /** Null for a plan without launches, as are the two below. */
  readonly largestBinding: {
    readonly label: string;
    readonly kernel: string;
    readonly tensor: string;
    readonly arena: ArenaName;
    readonly bytes: number;
  } | null;
  readonly mostBindings: {
    readonly label: string;
    readonly kernel: string;
    readonly bindings: number;
  } | null;
  readonly mostWorkgroups: {
    readonly label: string;
    readonly kernel: string;
    readonly workgroups: number;
  } | null;
  /** Loop rounds of one invocation. */
  readonly mostRounds:
    | { readonly label: string; readonly kernel: string; readonly rounds: number }
    | null;
}

/** Needs of a plan from its shapes alone; no adapter is asked. */
export function planNeeds(plan: Plan, preset: Preset): PlanNeeds {
  return needsOf(plan, planLaunches(plan, preset));
}

/** Needs of a plan whose launches are at hand. */
export function needsOf(plan: Plan, launches: readonly PlannedLaunch[]): PlanNeeds {
  const bindings = launches.flatMap(({ label, kernel, ranges }) =>
    ranges.map(({ tensor, size }) => ({
      label,
      kernel,
      tensor: tensor.label,
      arena: tensor.arena,
      bytes: size,
    }))
  );
  const kernels = launches.map(({ label, kernel, dispatch }) => ({ label, kernel, dispatch }));
  const widest = largest(kernels, ({ dispatch }) => dispatch.bindings.length);
  const longest = largest(kernels, ({ dispatch }) => dispatch.workgroups);
  const deepest = largest(launches, ({ rounds }) => rounds);
  return {
    mostRounds: deepest && { label: deepest.label, kernel: deepest.kernel, rounds: deepest.rounds },
    launches: launches.length,
    arenaBytes: plan.arenaBytes,
    totalBytes: ARENAS.reduce((sum, name) => sum + plan.arenaBytes[name], 0),
    largestBinding: largest(bindings, ({ bytes }) => bytes),
    mostBindings: widest && {
      label: widest.label,
      kernel: widest.kernel,
      bindings: widest.dispatch.bindings.length,
    },
    mostWorkgroups: longest && {
      label: longest.label,
      kernel: longest.kernel,
      workgroups: longest.dispatch.workgroups,
    },
  };
}

/** The first of the entries with the largest size. */
function largest<T>(entries: readonly T[], sizeOf: (entry: T) => number): T | null {
  let best: T | null = null;
  for (const entry of entries) {
    if (best === null || sizeOf(entry) > sizeOf(best)) best = entry;
  }
  return best;
}

/**
 * Refuses a plan that the adapter cannot run.
 *
 * @throws {DeviceError} With every limit that is exceeded: what needs it, how much, how much is allowed
 */
export function refuseBeyondLimits(needs: PlanNeeds, adapter: AdapterFacts): void {
  const problems = [...excesses(needs, adapter.limits), ...endlessLoops(needs, adapter)];
  if (problems.length === 0) return;
  throw new DeviceError(
    `Cannot run the plan on "${adapter.description}": ${problems.join("; ")} ` +
      `(all its arenas take ${needs.totalBytes} bytes, its step has ${needs.launches} launches); ` +
      "take fewer tokens per step or a smaller model",
  );
}

/** Rounds after which llvmpipe ends an invocation's loops without a word, with wrong numbers. */
const SOFTWARE_ROUNDS = 65_535;

function endlessLoops({ mostRounds }: PlanNeeds, adapter: AdapterFacts): readonly string[] {
  if (!adapter.isFallbackAdapter || !mostRounds || mostRounds.rounds <= SOFTWARE_ROUNDS) return [];
  const { label, kernel, rounds } = mostRounds;
  return [
    `"${label}" (${kernel}) loops up to ${rounds} times in one invocation, ` +
    `software adapters may stop at ${SOFTWARE_ROUNDS} and give wrong numbers`,
  ];
}

function excesses(needs: PlanNeeds, limits: AdapterFacts["limits"]): readonly string[] {
  const { largestBinding: binding, mostBindings: widest, mostWorkgroups: longest } = needs;
  const problems: string[] = [];
  const check = (what: string, at: { readonly needed: number; readonly limit: string }): void => {
    const allowed = limits[at.limit];
    if (at.needed <= allowed) return;
    problems.push(`${what} needs ${at.needed}, ${at.limit} is ${allowed}`);
  };
  for (const arena of ARENAS) {
    const needed = needs.arenaBytes[arena];
    check(`arena "${arena}" in bytes`, { needed, limit: "maxBufferSize" });
  }
  if (binding) {
    // Ops cut their launches far below what adapters allow wherever they can.
    const { label, kernel, tensor } = binding;
    check(
      `tensor "${tensor}", which "${label}" (${kernel}) cannot bind in smaller parts, in bytes`,
      {
        needed: binding.bytes,
        limit: "maxStorageBufferBindingSize",
      },
    );
  }
  if (widest) {
    check(`"${widest.label}" (${widest.kernel}) in storage bindings`, {
      needed: widest.bindings,
      limit: "maxStorageBuffersPerShaderStage",
    });
  }
  if (longest) {
    // A grid is folded into two dimensions.
    const limit = "maxComputeWorkgroupsPerDimension";
    const needed = Math.ceil(longest.workgroups / limits[limit]);
    check(
      `"${longest.label}" (${longest.kernel}), ${longest.workgroups} workgroups, in grid rows`,
      {
        needed,
        limit,
      },
    );
  }
  return problems;
}
