import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { StoreError } from "../../../core/errors.ts";
import { latestCheckpoint, saveCheckpoint, setAside } from "../../../core/store/checkpoint.ts";
import { keyOf, nameOf, preimageOf, withStore } from "./_record.ts";

function withFolder(use: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    use(`${folder}/checkpoint`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const bytesOf = (step: number): Uint8Array<ArrayBuffer> => new Uint8Array([step, 1, 2, 3]);

Deno.test("saveCheckpoint() keeps the latest two with their digests", () => {
  withFolder((folder) => {
    for (const step of [1, 9, 10, 100]) saveCheckpoint(folder, { step, bytes: bytesOf(step) });
    assertEquals(Array.from(Deno.readDirSync(folder), (entry) => entry.name).sort(), [
      "step-000000000010.bin",
      "step-000000000010.bin.sha256",
      "step-000000000100.bin",
      "step-000000000100.bin.sha256",
    ]);
    assertEquals(latestCheckpoint(folder), {
      checkpoint: { step: 100, bytes: bytesOf(100) },
      rejected: [],
    });
  });
});

Deno.test("latestCheckpoint() passes over torn and damaged ones and says why", () => {
  withFolder((folder) => {
    for (const step of [1, 2]) saveCheckpoint(folder, { step, bytes: bytesOf(step) });
    const newest = `${folder}/step-000000000002.bin`;
    Deno.writeFileSync(newest, bytesOf(2).subarray(0, 3));
    const damaged = latestCheckpoint(folder);
    assertEquals(damaged.checkpoint, { step: 1, bytes: bytesOf(1) });
    assertEquals(damaged.rejected[0].path, newest);
    assertStringIncludes(damaged.rejected[0].reason, "expected SHA-256");
    Deno.removeSync(`${newest}.sha256`);
    assertStringIncludes(latestCheckpoint(folder).rejected[0].reason, "it has no digest");
    saveCheckpoint(folder, { step: 2, bytes: bytesOf(2) });
    assertEquals(latestCheckpoint(folder).checkpoint, { step: 2, bytes: bytesOf(2) });
  });
});

Deno.test("saveCheckpoint() keeps what it saved and the one before it, later unusable ones present", () => {
  withFolder((folder) => {
    for (const step of [45, 50]) {
      saveCheckpoint(folder, { step, bytes: bytesOf(step) });
      Deno.writeFileSync(`${folder}/step-0000000000${step}.bin`, bytesOf(0));
    }
    for (const step of [3, 6]) {
      saveCheckpoint(folder, { step, bytes: bytesOf(step) });
      assertEquals(latestCheckpoint(folder).checkpoint?.step, step);
    }
    assertEquals(
      Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) => /bin$/.test(name))
        .sort(),
      ["step-000000000003.bin", "step-000000000006.bin"],
    );
  });
});

Deno.test("setAside() keeps unusable checkpoints under another name and says which", () => {
  withFolder((folder) => {
    for (const step of [1, 2]) saveCheckpoint(folder, { step, bytes: bytesOf(step) });
    const newest = `${folder}/step-000000000002.bin`;
    Deno.writeFileSync(newest, bytesOf(3));
    const [{ path, reason }] = setAside(latestCheckpoint(folder).rejected);
    assertEquals(path, newest);
    assertStringIncludes(reason, `kept as "${newest}.damaged"`);
    assertEquals(Deno.readFileSync(`${newest}.damaged`), bytesOf(3));
    assertEquals(latestCheckpoint(folder), {
      checkpoint: { step: 1, bytes: bytesOf(1) },
      rejected: [],
    });
  });
});

Deno.test("latestCheckpoint() of an empty or missing folder is none", () => {
  withFolder((folder) => {
    assertEquals(latestCheckpoint(folder), { checkpoint: null, rejected: [] });
    assertThrows(() => saveCheckpoint(folder, { step: -1, bytes: bytesOf(1) }), StoreError);
  });
});

Deno.test("Store.findResumePoint() goes back to earlier tries", () => {
  withStore((store) => {
    const unit = { name: nameOf(1), preimage: preimageOf(1) };
    assertEquals(store.findResumePoint(keyOf(1)), { point: null, rejected: [] });
    using first = store.beginAttempt(keyOf(1), unit);
    first.saveCheckpoint({ step: 5, bytes: bytesOf(5) });
    using _second = store.beginAttempt(keyOf(1), unit);
    const { point } = store.findResumePoint(keyOf(1));
    assertEquals(point, { step: 5, bytes: bytesOf(5), attemptFolder: first.folder });
  });
});
