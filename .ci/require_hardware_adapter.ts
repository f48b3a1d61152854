/** Fails unless WebGPU hands out a hardware adapter, so that a GPU job cannot pass on a CPU. */
const adapter = await navigator.gpu?.requestAdapter() ?? null;
if (adapter === null) {
  console.error("No WebGPU adapter: check the driver of this runner");
  Deno.exit(1);
}
const { vendor, device, description, isFallbackAdapter } = adapter.info;
// Old drivers reach llvmpipe through OpenGL, and not every path marks it as a fallback.
const software = isFallbackAdapter ||
  /llvmpipe|lavapipe|swiftshader|basic render/i.test(description);
console.log(`${vendor} ${device} ${description}`);
if (software) {
  console.error(`Expected a hardware adapter, got the software adapter "${description}"`);
  Deno.exit(1);
}
