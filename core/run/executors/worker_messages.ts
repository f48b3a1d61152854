/** What driver and worker processes say to each other: one JSON document per line. */
import type { DataSettings } from "../../manifest/unit_config.ts";
import type { DataPlaces } from "../load_unit_data.ts";
import type { BackendName } from "../open_backend.ts";
import type { UnitJob } from "../run_unit.ts";
import type { UnitEvent } from "./executor.ts";

/** First line to a worker. */
export interface WorkerSetup {
  readonly store: string;
  readonly backend: BackendName;
  readonly data: DataSettings;
  readonly places: DataPlaces;
  readonly host: string;
}

export type ToWorker =
  | { readonly kind: "setup"; readonly setup: WorkerSetup }
  | { readonly kind: "run"; readonly job: UnitJob }
  | { readonly kind: "stop" };

/** A worker says `ready` once after its set-up; then one sealed, failed or stopped event per unit. */
export type FromWorker = { readonly kind: "ready" } | UnitEvent;

export function encodeLine(message: ToWorker | FromWorker): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(message)}\n`);
}

/** Splits a byte stream into lines and parses each. Both sides are this program, so the shape is trusted. */
export async function* decodeLines<T extends ToWorker | FromWorker>(
  bytes: ReadableStream<Uint8Array>,
): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") yield JSON.parse(line) as T;
  }
}
