/**
 * Seals unit 1 in the store at the first argument, then runs into the limit on file sizes that its
 * parent has set: once in each way the store writes. Prints one line of JSON per way.
 */
import { StoreError } from "../../../core/errors.ts";
import { Store } from "../../../core/store/store.ts";
import { keyOf, nameOf, preimageOf, recordOf, sealUnit } from "./_record.ts";

const [root, bytes] = [Deno.args[0], Number(Deno.args[1])];
const store = Store.open(root, { create: true });
sealUnit(store, 1);

const big = new Uint8Array(bytes).fill(7);
using attempt = store.beginAttempt(keyOf(2), { name: nameOf(2), preimage: preimageOf(2) });

function attemptTo(what: string, body: () => void): void {
  try {
    body();
    console.log(JSON.stringify({ what, error: null }));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    console.log(JSON.stringify({ what, error: error.message, exitCode: error.exitCode }));
  }
}

attemptTo("blob", () => void store.putBlob(big));
attemptTo("checkpoint", () => attempt.saveCheckpoint({ step: 1, bytes: big }));
attemptTo("seal", () => store.seal(attempt, { ...recordOf(2), warnings: ["w".repeat(bytes)] }));
using next = store.beginAttempt(keyOf(2), { name: nameOf(2), preimage: preimageOf(2) });
attemptTo("metrics", () => {
  for (let step = 0; step < bytes; step++) {
    next.appendMetric({ step, tokens: step, name: "loss", value: 1 });
  }
});
attemptTo("metrics again", () => next.appendMetric({ step: 0, tokens: 0, name: "loss", value: 1 }));
