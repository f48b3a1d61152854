/** Entry point of a worker process of the local executor. */
import { openBackend } from "../open_backend.ts";
import { serveUnits } from "./serve_units.ts";

await serveUnits({ openBackend });
