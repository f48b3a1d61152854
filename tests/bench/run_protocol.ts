/** The loop that every peer written in TypeScript runs: warm up, time blocks, read rarely, hash once. */
import process from "node:process";
import { type LoadedCase, readCase } from "./training_case.ts";

/** One tool with the case compiled into it. */
export interface TrainingTool {
  /** Runs update `index`, from 0. It need not wait for the device. */
  step(index: number): void;
  /** Waits, and gives the loss of the latest update in nats per token, taken before that update. */
  readLoss(): Promise<number>;
  /** All parameters, in the order of the case. */
  readParameters(): Promise<Float32Array<ArrayBuffer>>;
  destroy(): void;
}

/** What a tool says of itself. */
export interface ToolFacts {
  readonly version: string;
  /** Device and adapter, with its number of threads where that is known. */
  readonly device: string;
}

/** Result of one process. */
export interface TrainingReport extends ToolFacts {
  /** Seconds from the start of the first update to the end of the first readback: compilation, mostly. */
  readonly firstReadSeconds: number;
  /** Seconds per timed block. */
  readonly blockSeconds: readonly number[];
  /** Loss of update `step` = 1, 2, … at each readback. */
  readonly losses: readonly { readonly step: number; readonly loss: number }[];
  /** SHA-256 of all parameters after `protocol.digestStep` updates. */
  readonly digest: string;
  readonly peakRssBytes: number;
}

export interface OpenTool {
  readonly tool: TrainingTool;
  readonly facts: ToolFacts;
}

/**
 * Entry point of a peer's process. Arguments: folder of the case, "full" or "digest" (stop once the
 * parameters are hashed), file for the report, and what else the tool wants.
 */
export async function runPeer(
  open: (task: LoadedCase, rest: readonly string[]) => Promise<OpenTool>,
): Promise<void> {
  const [folder, extent, reportFile, ...rest] = Deno.args;
  const task = await readCase(folder);
  const { tool, facts } = await open(task, rest);
  const run = await runProtocol(tool, { task, digestOnly: extent === "digest" });
  tool.destroy();
  // Kibibytes, as getrusage has them on Linux.
  const peakRssBytes = process.resourceUsage().maxRSS * 1024;
  const report: TrainingReport = { ...facts, ...run, peakRssBytes };
  await Deno.writeTextFile(reportFile, JSON.stringify(report));
  // Worker pools of some tools never end by themselves.
  Deno.exit(0);
}

async function runProtocol(
  tool: TrainingTool,
  { task, digestOnly }: { readonly task: LoadedCase; readonly digestOnly: boolean },
): Promise<Omit<TrainingReport, keyof ToolFacts | "peakRssBytes">> {
  const { warmup, blocks, blockSteps, readEvery, digestStep } = task.protocol;
  const losses: { step: number; loss: number }[] = [];
  const blockSeconds: number[] = [];
  const train = async (from: number, to: number): Promise<void> => {
    for (let index = from; index < to; index++) {
      tool.step(index);
      const done = index + 1;
      if (done % readEvery === 0 || done === to) {
        losses.push({ step: done, loss: await tool.readLoss() });
      }
    }
  };
  const start = performance.now();
  await train(0, digestStep);
  const firstReadSeconds = (performance.now() - start) / 1000;
  const digest = await sha256(await tool.readParameters());
  if (digestOnly) return { firstReadSeconds, blockSeconds, losses, digest };
  await train(digestStep, warmup);
  for (let block = 0; block < blocks; block++) {
    const begin = performance.now();
    await train(warmup + block * blockSteps, warmup + (block + 1) * blockSteps);
    blockSeconds.push((performance.now() - begin) / 1000);
  }
  return { firstReadSeconds, blockSeconds, losses, digest };
}

async function sha256(values: Float32Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", values);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
