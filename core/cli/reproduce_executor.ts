import type { Clock } from "../run/clock.ts";
import type { Executor } from "../run/executors/executor.ts";
import { inlineExecutor } from "../run/executors/inline.ts";
import { localExecutor } from "../run/executors/local.ts";
import { openBackend } from "../run/open_backend.ts";
import type { Store } from "../store/store.ts";
import type { Reproduction } from "./reproduce_setup.ts";

/** Environment that chooses adapter and driver; workers may read these names and no others. */
const WORKER_ENVIRONMENT = [
  "DENO_WEBGPU_BACKEND",
  "VK_DRIVER_FILES",
  "LP_NUM_THREADS",
  "RESNET_BK_DATA",
  "XDG_RUNTIME_DIR",
];

/** The executor that the resolved manifest names. */
export function makeExecutor(
  setup: Reproduction,
  { store, clock }: { readonly store: Store; readonly clock: Clock },
): Executor {
  const { executor, workers } = setup.resolved.manifest.execution;
  const { backend, data, places, host } = setup;
  if (executor === "inline") {
    return inlineExecutor({ store, data, clock, host, openBackend: () => openBackend(backend) });
  }
  return localExecutor({
    workers,
    environment: WORKER_ENVIRONMENT,
    setup: { store: store.root, backend, data: setup.resolved.manifest.data, places, host },
  });
}
