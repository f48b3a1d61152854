import { canonicalJson } from "../../../core/manifest/canonical_json.ts";
import type { JsonObject } from "../../../core/manifest/json.ts";
import { sha256Hex } from "../../../core/random/sha256.ts";
import { RECORD_SCHEMA, type RunRecord } from "../../../core/store/record.ts";
import { Store } from "../../../core/store/store.ts";

/** The pre-image of unit number `seed`. */
export function preimageOf(seed: number): JsonObject {
  return { v: 1, config: { seed } };
}

/** The key of unit number `seed`. */
export function keyOf(seed: number): string {
  return sha256Hex(canonicalJson(preimageOf(seed)));
}

/** The logical name of unit number `seed`. */
export function nameOf(seed: number): string {
  return `tiny/smoke/resnet-bk/seq_len=16/seed=${seed}`;
}

/** A sound record of unit number `seed`. */
export function recordOf(seed: number, outputs: RunRecord["outputs"] = []): RunRecord {
  return {
    schema: RECORD_SCHEMA,
    key: keyOf(seed),
    name: nameOf(seed),
    experiment: "tiny",
    profile: "smoke",
    arm: "resnet-bk",
    cell: { seq_len: 16 },
    seed,
    manifestDigest: "0a".repeat(32),
    config: { seed },
    data: { corpus: "0b".repeat(32) },
    code: { digest: "0c".repeat(32), revision: "unknown", dirty: false },
    environment: { deno: "2.9.6", v8: "15.0", typescript: "6.0.3", os: "linux", arch: "x86_64" },
    engine: {
      backend: "reference",
      preset: "reference",
      planDigest: "0d".repeat(32),
      shaderDigest: "0e".repeat(32),
      adapter: null,
      selfTest: null,
    },
    outcome: { kind: "ok" },
    // python3 -c "import struct; print(struct.pack('>d', 2.5).hex())" -> 4004000000000000
    metrics: { val_loss: { value: 2.5, bits: "4004000000000000" } },
    leak: { leaks: false, largestChange: 0, gainNats: null },
    parameters: { count: 10, digest: "0f".repeat(32) },
    outputs,
    warnings: [],
    timing: {
      startedAt: "2026-01-01T00:00:00.000Z",
      endedAt: "2026-01-01T00:00:01.000Z",
      wallSeconds: 1,
      trainSeconds: 0.75,
      evaluateSeconds: 0.25,
      tokensPerSecond: 100,
      host: "test",
      attempts: 1,
    },
  };
}

/** Runs unit number `seed` in a store: one metric line, one output, sealed. */
export function sealUnit(store: Store, seed: number): void {
  using attempt = store.beginAttempt(keyOf(seed), {
    name: nameOf(seed),
    preimage: preimageOf(seed),
  });
  attempt.appendMetric({ step: 1, tokens: 16, name: "loss", value: 2.5 });
  const bytes = attempt.metricsBytes();
  const digest = store.putBlob(bytes);
  store.seal(attempt, recordOf(seed, [{ name: "metrics.jsonl", digest, bytes: bytes.length }]));
}

/** Gives `use` a new store in a temporary folder, and removes the folder. */
export function withStore(use: (store: Store) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    use(Store.open(`${folder}/store`, { create: true }));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Replaces the content of a file of a store, read-only or not. */
export function overwrite(path: string, content: string | Uint8Array): void {
  Deno.chmodSync(path, 0o644);
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  Deno.writeFileSync(path, bytes);
}
