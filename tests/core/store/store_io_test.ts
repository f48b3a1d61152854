import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { StoreError } from "../../../core/errors.ts";
import { namesIn, readIfPresent, replaceFile } from "../../../core/store/store_io.ts";

function withFolder(use: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("replaceFile() writes over what a killed process with the same id left behind", () => {
  withFolder((folder) => {
    const path = `${folder}/record.json`;
    // In a fresh test file the first write takes one of these names.
    const leftovers = [1, 2, 3].map((n) => `${path}.${Deno.pid}.${n}.tmp`);
    for (const name of leftovers) Deno.writeTextFileSync(name, "torn", { mode: 0o444 });
    replaceFile(path, "new", { readOnly: true });
    assertEquals(Deno.readTextFileSync(path), "new");
    assertEquals(namesIn(folder).length, 3); // one leftover was used up
    replaceFile(path, "newer", { readOnly: true });
    assertEquals(Deno.readTextFileSync(path), "newer");
  });
});

Deno.test("replaceFile() leaves the old content and no temporary name, target cannot be replaced", () => {
  withFolder((folder) => {
    const path = `${folder}/taken`;
    Deno.mkdirSync(`${path}/inside`, { recursive: true });
    const error = assertThrows(() => replaceFile(path, "x"), StoreError);
    assertStringIncludes(error.message, `Cannot write "${path}": `);
    assertEquals(namesIn(folder), ["taken"]);
    assertStringIncludes(
      assertThrows(() => replaceFile(`${folder}/none/x`, "x"), StoreError).message,
      "nothing already sealed is touched",
    );
  });
});

Deno.test("readIfPresent() tells a missing file from one that cannot be read", () => {
  withFolder((folder) => {
    assertEquals(readIfPresent(`${folder}/none`), null);
    assertThrows(() => readIfPresent(folder), StoreError);
  });
});
