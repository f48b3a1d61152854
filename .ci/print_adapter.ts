/**
 * Prints what the numbers of this machine depend on: the WebGPU adapter, Deno and V8.
 * Exit code 1 where there is no adapter. With `--quiet` only the exit code speaks.
 *
 * Needs no permission and no dependency, so that setup.sh can run it before anything is installed.
 */
const adapter = await navigator.gpu?.requestAdapter() ?? null;
const quiet = Deno.args.includes("--quiet");

if (!quiet) {
  const facts: readonly (readonly [string, string])[] = adapter === null ? [["adapter", "none"]] : [
    ["vendor", adapter.info.vendor],
    ["device", adapter.info.device],
    ["description", adapter.info.description],
    ["isFallbackAdapter", String(adapter.info.isFallbackAdapter)],
    ["storage buffers per stage", String(adapter.limits.maxStorageBuffersPerShaderStage)],
  ];
  const versions = [["Deno", Deno.version.deno], ["V8", Deno.version.v8]] as const;
  for (const [name, value] of [...facts, ...versions]) console.log(`${name}: ${value}`);
}
Deno.exit(adapter === null ? 1 : 0);
