import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { StoreError } from "../../../core/errors.ts";
import { Store } from "../../../core/store/store.ts";
import { keyOf, nameOf, overwrite, preimageOf, recordOf, sealUnit, withStore } from "./_record.ts";

function refusalOf(body: () => unknown): string {
  return assertThrows(body, StoreError).message;
}

Deno.test("Store.open() refuses a store that is missing, foreign or of another version", () => {
  withStore((store) => {
    assertStringIncludes(
      refusalOf(() => Store.open(`${store.root}/none`, { create: false })),
      "there is none",
    );
    sealUnit(store, 1);
    Deno.removeSync(store.paths.version);
    assertStringIncludes(
      refusalOf(() => Store.open(store.root, { create: true })),
      'it has no VERSION file but holds "objects"',
    );
    Deno.writeTextFileSync(store.paths.version, "resnet-bk/store/v0\n");
    assertStringIncludes(
      refusalOf(() => Store.open(store.root, { create: true })),
      'expected version "resnet-bk/store/v1", got "resnet-bk/store/v0"',
    );
  });
});

Deno.test("Store.open() finds what an earlier process sealed", () => {
  withStore((store) => {
    for (const seed of [3, 1, 2]) sealUnit(store, seed);
    const again = Store.open(`${store.root}/`, { create: false });
    assertEquals(again.sealedKeys(), [1, 2, 3].map(keyOf).sort());
    const record = again.readRecord(keyOf(2));
    assertEquals(record, recordOf(2, record.outputs));
    assertEquals(
      new TextDecoder().decode(again.getBlob(record.outputs[0].digest)),
      '{"name":"loss","step":1,"tokens":16,"value":2.5}\n',
    );
    assertEquals(again.readPreimage(keyOf(2)), preimageOf(2));
  });
});

Deno.test("Store.putBlob() addresses by SHA-256, writes once and mends a damaged blob", () => {
  withStore((store) => {
    const bytes = new TextEncoder().encode("abc");
    // FIPS 180-4 sample "abc"
    const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assertEquals(store.putBlob(bytes), digest);
    const path = store.paths.blob(digest);
    assertEquals(path, `${store.root}/objects/ba/${digest.slice(2)}`);
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o444);
    const written = Deno.statSync(path).ino;
    store.putBlob(bytes);
    assertEquals(Deno.statSync(path).ino, written);
    overwrite(path, "abd");
    assertStringIncludes(refusalOf(() => store.getBlob(digest)), `expected SHA-256 ${digest}, got`);
    store.putBlob(bytes);
    assertEquals(store.getBlob(digest), bytes);
    assertStringIncludes(refusalOf(() => store.getBlob("00".repeat(32))), "no such blob");
    assertStringIncludes(refusalOf(() => store.getBlob("../VERSION")), "hexadecimal digits");
  });
});

Deno.test("Store.beginAttempt() numbers the tries and refuses sealed units and wrong keys", () => {
  withStore((store) => {
    const unit = { name: nameOf(1), preimage: preimageOf(1) };
    for (const number of [1, 2, 3]) {
      using attempt = store.beginAttempt(keyOf(1), unit);
      assertEquals(attempt.number, number);
    }
    assertEquals(store.isSealed(keyOf(1)), false);
    assertStringIncludes(refusalOf(() => store.readRecord(keyOf(1))), "the unit is not sealed");
    assertStringIncludes(refusalOf(() => store.beginAttempt(keyOf(2), unit)), "is not that of its");
    sealUnit(store, 1);
    assertStringIncludes(refusalOf(() => store.beginAttempt(keyOf(1), unit)), "is sealed");
  });
});

Deno.test("Store.seal() refuses foreign records, missing outputs and a second seal", () => {
  withStore((store) => {
    const attempt = store.beginAttempt(keyOf(1), { name: nameOf(1), preimage: preimageOf(1) });
    assertStringIncludes(refusalOf(() => store.seal(attempt, recordOf(2))), "at key: expected");
    const missing = [{ name: "metrics.jsonl", digest: "00".repeat(32), bytes: 3 }];
    assertStringIncludes(
      refusalOf(() => store.seal(attempt, recordOf(1, missing))),
      'expected output "metrics.jsonl"',
    );
    assertEquals(store.isSealed(keyOf(1)), false);
    store.seal(attempt, recordOf(1));
    assertStringIncludes(refusalOf(() => store.seal(attempt, recordOf(1))), "sealed already");
  });
});

Deno.test("Store.readRecord() refuses records that are torn or changed, naming the file", () => {
  withStore((store) => {
    sealUnit(store, 1);
    const path = store.paths.record(keyOf(1));
    const text = Deno.readTextFileSync(path);
    const damages: readonly (readonly [string, string])[] = [
      ["", "it is not JSON"],
      [text.slice(0, text.length / 2), "it is not JSON"],
      ["[]", "it is not a JSON object"],
      [text.replace("record/v2", "record/v1"), "another version of the harness wrote it"],
      [text.replace(keyOf(1), keyOf(2)), "at key: expected"],
      [text.replace('"value":2.5', '"value":2.4'), "at metrics: expected exact numbers"],
      [text.replace('"seed":1,"timing"', '"seed":"1","timing"'), "at seed: expected a number"],
      [text.replace('"kind":"ok"', '"kind":"fine"'), "at outcome: expected"],
      [text.replace('"leaks":false', '"leaks":0'), "at leak: expected leaks"],
      [text.replace('"gainNats":null', '"gain":null'), "at leak: expected leaks"],
      [text.replace('"host":"test"', '"host":"best"'), "it was changed after it was sealed"],
    ];
    for (const [damaged, problem] of damages) {
      assertEquals(damaged === text, false);
      overwrite(path, damaged);
      const message = refusalOf(() => store.readRecord(keyOf(1)));
      assertStringIncludes(message, problem);
      assertStringIncludes(message, path);
    }
    overwrite(path, text);
    assertEquals(store.readRecord(keyOf(1)).seed, 1);
  });
});

Deno.test("Store stays readable after a kill between any two files of a seal", () => {
  withStore((store) => {
    sealUnit(store, 1);
    const unit = { name: nameOf(2), preimage: preimageOf(2) };
    const attempt = store.beginAttempt(keyOf(2), unit);
    attempt.close();
    // The process ended after the digest was in place and while the record had a temporary name.
    const folder = store.paths.run(keyOf(2));
    Deno.writeTextFileSync(`${folder}/record.sha256`, `${"00".repeat(32)}\n`);
    Deno.writeTextFileSync(`${folder}/record.json.1.1.tmp`, '{"schema":"resn');
    Deno.writeTextFileSync(`${store.paths.objects}/ab.1.1.tmp`, "abc");
    const again = Store.open(store.root, { create: true });
    assertEquals(again.sealedKeys(), [keyOf(1)]);
    assertEquals(again.isSealed(keyOf(2)), false);
    sealUnit(again, 2);
    assertEquals(again.readRecord(keyOf(2)).seed, 2);
    assertEquals(again.attemptNumbers(keyOf(2)), [1, 2]);
  });
});

Deno.test("Store.keysOf() keeps the last 20 keys of a name, newest last", () => {
  withStore((store) => {
    const name = nameOf(0);
    const begin = (seed: number): void =>
      store.beginAttempt(keyOf(seed), { name, preimage: preimageOf(seed) }).close();
    for (let seed = 0; seed < 25; seed++) begin(seed);
    begin(7);
    const expected = [5, 6, ...Array.from({ length: 17 }, (_, i) => i + 8), 7].map(keyOf);
    assertEquals(store.keysOf(name), expected);
    assertEquals(store.keysOf(nameOf(1)), []);
    assertStringIncludes(refusalOf(() => store.keysOf("../../etc")), "Cannot look up the name");
  });
});
