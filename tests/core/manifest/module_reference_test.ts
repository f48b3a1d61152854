import { assertEquals, assertThrows } from "@std/assert";
import { ManifestError } from "../../../core/errors.ts";
import { moduleReference } from "../../../core/manifest/module_reference.ts";
import { readManifest } from "../../../core/manifest/read_manifest.ts";

const AT = { file: "mine.yaml", path: "model.module", patch: false };
const SHA256 = "0123456789abcdef".repeat(4);

Deno.test("moduleReference reads a path, or a path with the digest it must have", () => {
  assertEquals(moduleReference.read("./a/mixer.ts", AT), { path: "./a/mixer.ts", sha256: null });
  const pinned = { path: "../mixer.js", sha256: SHA256 };
  assertEquals(moduleReference.read(pinned, AT), pinned);
});

Deno.test("moduleReference refuses paths of one machine, addresses and other files", () => {
  for (const path of ["/home/me/m.ts", "m.ts", "https://a.b/m.ts", "./m.yaml", "./m.ts?x", 3]) {
    assertThrows(
      () => moduleReference.read(path, AT),
      ManifestError,
      "mine.yaml: at model.module: expected a relative path of a .ts, .js or .mjs file",
    );
  }
  assertThrows(
    () => moduleReference.read({ path: "./m.ts", sha256: "ab" }, AT),
    ManifestError,
    "at model.module.sha256: expected 64 lower-case hexadecimal digits",
  );
});

Deno.test("readManifest() counts paths of modules from the manifest, whatever file they stand in", () => {
  const texts: Readonly<Record<string, string>> = {
    "mine/a.yaml": "extends: ../base/b.yaml\narms: {own: {model: {module: ./own.ts}}}\n",
    "base/b.yaml": "extends: deep/c.yaml\nmodel: {module: ./shared.ts}\n" +
      `arms: {up: {model: {module: {path: ../up.ts, sha256: ${SHA256}}}}}\n`,
    "base/deep/c.yaml": "arms: {low: {model: {module: ./low.ts}}}\n",
  };
  const { document } = readManifest("mine/a.yaml", { readText: (path) => texts[path] });
  assertEquals(document, {
    model: { module: "../base/shared.ts" },
    arms: {
      low: { model: { module: "../base/deep/low.ts" } },
      up: { model: { module: { path: "../up.ts", sha256: SHA256 } } },
      own: { model: { module: "./own.ts" } },
    },
  });
});
