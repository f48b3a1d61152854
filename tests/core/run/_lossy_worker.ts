/**
 * Worker process whose device is lost in mid-run: once if the query says so ("?marker=<path>", a file that
 * remembers it), else always. retry_on_device_loss_test.ts gives it to the local executor.
 */
import { serveUnits } from "../../../core/run/executors/serve_units.ts";
import { openBackend } from "../../../core/run/open_backend.ts";
import { lossyBackend } from "./_lossy_backend.ts";
import { exists } from "./_tiny.ts";

const { searchParams } = new URL(import.meta.url);
const marker = searchParams.get("marker");
/** Steps before the loss: evaluation, two updates, evaluation, update 3. */
const LASTS_FOR = 5;

await serveUnits({
  openBackend: async (name) => {
    const backend = await openBackend(name);
    if (marker !== null && exists(marker)) return backend;
    if (marker !== null) Deno.writeTextFileSync(marker, "");
    return lossyBackend(backend, LASTS_FOR);
  },
});
