/** What every benchmark result says of where it was measured. */
import { cpus } from "node:os";

export interface MachineFacts {
  readonly cpu: string;
  readonly logicalCpus: number;
  readonly os: string;
  readonly deno: string;
  /** Runnable processes averaged over 1, 5 and 15 minutes; on a quiet machine the first is below 1. */
  readonly loadAverage: readonly number[];
  readonly date: string;
}

/** Needs the permissions `sys=cpus,loadavg,osRelease`. */
export function machineFacts(): MachineFacts {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? "unknown",
    logicalCpus: processors.length,
    os: `${Deno.build.os} ${Deno.osRelease()}`,
    deno: Deno.version.deno,
    loadAverage: Deno.loadavg(),
    date: new Date().toISOString(),
  };
}

/** One line for people. */
export function machineLine(facts: MachineFacts): string {
  return `${facts.cpu}, ${facts.logicalCpus} logical CPUs, ${facts.os}, Deno ${facts.deno}; ` +
    `load average ${loadText(facts.loadAverage)}`;
}

export function loadText(load: readonly number[]): string {
  return load.map((value) => value.toFixed(1)).join(" ");
}
