/** The tools of the side-by-side benchmark and how each is started. */

/** A tool and its command line up to the arguments that `runPeer` reads. */
export interface ToolSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Arguments after those. */
  readonly rest: readonly string[];
}

const HERE = new URL("./", import.meta.url).pathname;
const ROOT = new URL("../../", import.meta.url).pathname;

/** Name of the tool that all others are compared with. */
export const OURS = "ours webgpu";

/** Every tool, ours first. `folder` is the only one that a tool may write to. */
export function toolSpecs(
  { folder, python }: { readonly folder: string; readonly python: string },
): readonly ToolSpec[] {
  const deno = (config: string, script: string): Pick<ToolSpec, "command" | "args"> => ({
    command: "deno",
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      `--config=${config}`,
      "--allow-read",
      `--allow-write=${folder}`,
      "--allow-env",
      "--allow-sys",
      HERE + script,
    ],
  });
  const ours = deno(`${ROOT}deno.json`, "training_ours.ts");
  const jax = deno(`${HERE}peers/deno.json`, "peers/jax_js.ts");
  const tfjs = deno(`${HERE}peers/deno.json`, "peers/tfjs.ts");
  return [
    { name: OURS, ...ours, rest: [] },
    { name: "ours unfused", ...ours, rest: ["unfused"] },
    { name: "jax-js webgpu", ...jax, rest: ["webgpu"] },
    { name: "jax-js wasm", ...jax, rest: ["wasm"] },
    { name: "tfjs webgpu", ...tfjs, rest: ["webgpu"] },
    { name: "tfjs wasm", ...tfjs, rest: ["wasm"] },
    { name: "pytorch cpu", command: python, args: [`${HERE}peers/pytorch.py`], rest: [] },
    // The first row again: what other work on the machine did to the rows between shows here.
    { name: "ours again", ...ours, rest: [] },
  ];
}

/** Runs a tool once and returns what it wrote. @throws {Error} With the end of what it said, if it fails */
export async function runTool<Report>(spec: ToolSpec, options: {
  readonly folder: string;
  readonly extent: "full" | "digest";
  readonly timeoutSeconds: number;
}): Promise<Report> {
  const { folder, extent, timeoutSeconds } = options;
  const reportFile = `${folder}/report-${spec.name.replaceAll(" ", "-")}-${extent}.json`;
  const command = new Deno.Command(spec.command, {
    args: [...spec.args, folder, extent, reportFile, ...spec.rest],
    // Its absence makes the Vulkan loader print a line that reads like an error.
    env: { XDG_RUNTIME_DIR: Deno.env.get("XDG_RUNTIME_DIR") ?? folder, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(1000 * timeoutSeconds),
  });
  const { success, code, signal, stderr } = await command.output();
  if (!success) {
    const end = new TextDecoder().decode(stderr).trim().split("\n").slice(-12).join("\n");
    const how = signal === null ? `exit code ${code}` : `${signal} (limit ${timeoutSeconds} s)`;
    throw new Error(`${how}: ${end}`);
  }
  return JSON.parse(await Deno.readTextFile(reportFile));
}
