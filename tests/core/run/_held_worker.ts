/** The local executor's worker process, which holds units of the arms that its query names ("?resnet-bk"). */
import { serveUnits } from "../../../core/run/executors/serve_units.ts";
import { openBackend } from "../../../core/run/open_backend.ts";
import { holdUnits } from "./_hold_units.ts";

holdUnits(new URL(import.meta.url).search.slice(1).split(","));
await serveUnits({ openBackend });
