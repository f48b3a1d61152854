import { assertEquals, assertThrows } from "@std/assert";
import { StoreError } from "../../../core/errors.ts";
import { sha256Hex } from "../../../core/random/sha256.ts";
import { canonicalJson } from "../../../core/manifest/canonical_json.ts";
import { loadCampaign } from "../../../core/report/load_campaign.ts";
import type { OutputRef } from "../../../core/store/record.ts";
import { Store } from "../../../core/store/store.ts";
import { fixture } from "./_fixture.ts";

const TEXT = '{"name":"loss","step":1,"tokens":8,"value":2.5}\n';

/** A store with one sealed unit; the plan has a second one that is not there. */
function withStore(
  outputs: (store: Store) => readonly OutputRef[],
  test: (store: Store, key: string) => void,
): void {
  const root = Deno.makeTempDirSync();
  try {
    const store = Store.open(root, { create: true });
    const preimage = { unit: "made-up" };
    const key = sha256Hex(canonicalJson(preimage));
    const [record] = fixture().records;
    const attempt = store.beginAttempt(key, { name: record.name, preimage });
    store.seal(attempt, { ...record, key, outputs: outputs(store) });
    test(store, key);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

function planOf(key: string) {
  const { plan } = fixture();
  return { ...plan, units: [{ ...plan.units[0], key }, plan.units[1]] };
}

Deno.test("loadCampaign() reads sealed records and their curves, and leaves the missing out", () => {
  withStore((store) => {
    const digest = store.putBlob(new TextEncoder().encode(TEXT));
    return [{ name: "metrics.jsonl", digest, bytes: TEXT.length }];
  }, (store, key) => {
    const { records, curves } = loadCampaign(store, planOf(key));
    assertEquals(records.map((record) => record.key), [key]);
    assertEquals(curves.get(key), [{ name: "loss", step: 1, tokens: 8, value: 2.5 }]);
  });
});

Deno.test("loadCampaign() refuses a record without metrics", () => {
  withStore(() => [], (store, key) => {
    assertThrows(() => loadCampaign(store, planOf(key)), StoreError, 'expected "metrics.jsonl"');
  });
});
