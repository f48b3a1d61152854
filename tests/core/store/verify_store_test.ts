import { assertEquals, assertStringIncludes } from "@std/assert";
import { verifyStore } from "../../../core/store/verify_store.ts";
import { keyOf, overwrite, sealUnit, withStore } from "./_record.ts";

Deno.test("verifyStore() finds nothing wrong in a sound store", () => {
  withStore((store) => {
    for (const seed of [1, 2, 3]) sealUnit(store, seed);
    // The three units have the same metrics, hence one blob.
    assertEquals(verifyStore(store), { soundBlobs: 1, soundRecords: 3, problems: [] });
  });
});

Deno.test("verifyStore() names every damaged file", () => {
  withStore((store) => {
    for (const seed of [1, 2]) sealUnit(store, seed);
    const [output] = store.readRecord(keyOf(1)).outputs;
    const blob = store.paths.blob(output.digest);
    const bytes = Deno.readFileSync(blob);
    bytes[0] ^= 1;
    overwrite(blob, bytes);
    const record = store.paths.record(keyOf(1));
    overwrite(record, Deno.readTextFileSync(record).replace('"host":"test"', '"host":"rest"'));
    overwrite(store.paths.preimage(keyOf(2)), "{}");
    const report = verifyStore(store);
    assertEquals([report.soundBlobs, report.soundRecords], [0, 1]);
    assertEquals(
      report.problems.map(({ path }) => path).sort(),
      [blob, record, store.paths.preimage(keyOf(2))].sort(),
    );
    Deno.removeSync(blob);
    assertStringIncludes(
      verifyStore(store).problems.map(({ problem }) => problem).join("\n"),
      'Output "metrics.jsonl" of',
    );
  });
});

Deno.test("verifyStore() does not take interrupted writes for damage", () => {
  withStore((store) => {
    sealUnit(store, 1);
    Deno.mkdirSync(`${store.paths.objects}/00`);
    Deno.writeTextFileSync(`${store.paths.objects}/00/11.1.1.tmp`, "x");
    const folder = `${store.paths.attempts(keyOf(1))}/1/checkpoint`;
    Deno.mkdirSync(folder);
    Deno.writeTextFileSync(`${folder}/step-000000000004.bin`, "torn");
    assertEquals(verifyStore(store).problems, []);
    Deno.writeTextFileSync(`${folder}/step-000000000004.bin.sha256`, "00".repeat(32));
    assertEquals(verifyStore(store).problems.length, 1);
  });
});
