/** Runs the real commands on a small text of the test's own. */
import { assertEquals } from "@std/assert";

/** What a command left behind. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Beginning of Moby-Dick (public domain), often enough for a validation part. */
const TEXT = "Call me Ishmael. Some years ago, never mind how long precisely,\n".repeat(100);

/** Settings of a model that takes milliseconds: 12 updates an epoch, two epochs. */
export const SETTINGS = `
model: { config_preset: baseline, d_model: 8, n_layers: 1, n_seq: 16, num_experts: 2 }
training: { batch_size: 2, num_epochs: 2, warmup_steps: 2, learning_rate: 3.0e-3, eval_tokens: 64 }
data: { tokenizer: byte, data_limit: 420 }
`;

/** A command as its file is named. */
export type CommandName = "train" | "evaluate" | "generate" | "inspect" | "audit_causality";

export function commandOf(name: CommandName, args: readonly string[]): Deno.Command {
  return new Deno.Command("deno", {
    args: ["run", "-q", "--no-prompt", "-P=op", `core/cli/${name}.ts`, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** A command to its end. */
export async function finished(
  name: CommandName,
  args: readonly string[],
): Promise<Finished> {
  const { code, stdout, stderr } = await commandOf(name, args).output();
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** A command to its end, which must be a good one. */
export async function done(
  name: CommandName,
  args: readonly string[],
): Promise<Finished> {
  const result = await finished(name, args);
  assertEquals(result.code, 0, result.stderr);
  return result;
}

/** What a test works with: a folder with a settings file and a text, and how a run in it is asked for. */
export interface Place {
  readonly folder: string;
  readonly config: string;
  readonly corpus: string;
  /** Arguments of a run that writes to `<folder>/<name>`. */
  readonly run: (name: string) => readonly string[];
}

/** Runs a test in a folder of its own. */
export async function inPlace(test: (place: Place) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const [config, corpus] = [`${folder}/my.yaml`, `${folder}/text.txt`];
  try {
    await Deno.writeTextFile(config, SETTINGS);
    await Deno.writeTextFile(corpus, TEXT);
    const run = (name: string) => [
      ...["--config", config, "--corpus", corpus, "--save-dir", `${folder}/${name}`],
      ...["--log-interval", "4"],
    ];
    await test({ folder, config, corpus, run });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The cells of a metrics.csv without those of times. */
export function timelessRows(path: string): readonly (readonly string[])[] {
  const [header, ...lines] = Deno.readTextFileSync(path).trim().split("\n");
  const times = header.split(",").map((name) => name.endsWith("_time"));
  return lines.map((line) => line.split(",").filter((_, i) => !times[i]));
}
