/** Opens the WebGPU backend and prints its preset, or the error it is refused with. */
import { HarnessError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";

try {
  const backend = await webGpuBackend();
  console.log(JSON.stringify({ preset: backend.facts.preset }));
  backend.destroy();
} catch (error) {
  if (!(error instanceof HarnessError)) throw error;
  const { name, exitCode, message } = error;
  console.log(JSON.stringify({ name, exitCode, message }));
}
