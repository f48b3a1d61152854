/** Modules of a user's own: found, identified, imported, and refused with file and key where something is wrong. */
import { assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ManifestError } from "../../../core/errors.ts";
import type { Unit } from "../../../core/experiment/unit.ts";
import type { Json } from "../../../core/manifest/json.ts";
import { loadedMixer } from "../../../core/models/loaded_mixers.ts";
import { loadMixer } from "../../../core/run/load_mixer.ts";
import {
  resolveMixer,
  resolveMixers,
  type UnitWithMixer,
} from "../../../core/run/resolve_mixers.ts";

function unitWith(module: Json): Unit {
  const model = { kind: "module", module, d_model: 8, n_layers: 1, tie_head: true };
  const names = { name: "e/p/mine/seq_len=16/seed=1", experiment: "e", profile: "p", arm: "mine" };
  return { ...names, cell: { seq_len: 16 }, seed: 1, config: { model } };
}

type Texts = Readonly<Record<string, string>>;

const GOOD: Texts = {
  "m.ts":
    'import { NAME } from "./lib/name.ts";\nexport const mixer = { source: NAME, forward: (x) => x };\n',
  "lib/name.ts": 'export const NAME = "the identity";\n',
};

const LIB: Texts = { "lib/name.ts": GOOD["lib/name.ts"] };

/** Resolves one unit with modules of these texts, in a folder of their own. */
async function resolved(
  texts: Texts,
  { module = "./m.ts", also }: { readonly module?: Json; readonly also?: Unit } = {},
): Promise<readonly UnitWithMixer[]> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/lib`);
    for (const [name, text] of Object.entries(texts)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const units = also ? [unitWith(module), also] : [unitWith(module)];
    return await resolveMixers(units, { file: `${folder}/mine.yaml` });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function refused(texts: Texts, says: readonly string[], module?: Json): Promise<void> {
  const { message } = await assertRejects(
    () => resolved(texts, module === undefined ? {} : { module }),
    ManifestError,
  );
  assertMatch(message, /mine\.yaml \(profile p, arm mine\): at model\.module: "\.\/m\.ts": /);
  for (const text of says) assertEquals(message.includes(text), true, message);
}

Deno.test("resolveMixers() gives path and digest, the same in every folder, and loads the mixer", async () => {
  const other: Unit = { ...unitWith("./m.ts"), config: { model: TRANSFORMER } };
  const [mine, without] = await resolved(GOOD, { also: other });
  const [again] = await resolved(GOOD);
  assertEquals(mine.unit.config, again.unit.config);
  const { sha256 } = mine.mixer!;
  assertEquals(mine.unit.config.model, {
    ...(unitWith("./m.ts").config.model as Record<string, Json>),
    module: { path: "./m.ts", sha256 },
  });
  assertMatch(sha256, /^[0-9a-f]{64}$/);
  assertEquals(Object.keys(mine.mixer!.files).length, 2);
  assertEquals(loadedMixer({ path: "./m.ts", sha256 }).source, "the identity");
  assertEquals(without, { unit: other });
});

const TRANSFORMER = { kind: "transformer", d_model: 8, n_layers: 1, tie_head: true, n_heads: 2 };

Deno.test("resolveMixers() gives another digest when an imported file changes, and refuses a pinned one", async () => {
  const [{ mixer: before }] = await resolved(GOOD);
  const changed = { ...GOOD, "lib/name.ts": 'export const NAME = "renamed";\n' };
  const [{ mixer: after }] = await resolved(changed);
  assertNotEquals(after!.sha256, before!.sha256);
  const pinned = { path: "./m.ts", sha256: before!.sha256 };
  const [{ mixer }] = await resolved(GOOD, { module: pinned });
  assertEquals(mixer!.sha256, before!.sha256);
  const says = [`pinned SHA-256 ${before!.sha256}, got ${after!.sha256}`];
  await refused(changed, says, pinned);
});

Deno.test("resolveMixers() refuses a module that is missing", async () => {
  await refused({}, ["expected a file, from the folder of the manifest", "got no such file"]);
});

Deno.test("resolveMixers() refuses a module without a mixer, and one whose mixer lacks a member", async () => {
  await refused({ "m.ts": "export const mixr = 1;\n" }, ['expected an export "mixer"', "got mixr"]);
  await refused({ "m.ts": 'export const mixer = { source: "s" };\n' }, [
    "expected mixer.forward to be a function, got undefined",
  ]);
});

Deno.test("resolveMixers() refuses a module that throws, cannot be parsed, or imports what is not there", async () => {
  await refused({ "m.ts": 'throw new RangeError("too wide");\n' }, ["got RangeError: too wide"]);
  await refused({ "m.ts": "export const mixer = {\n" }, ["got: Cannot identify the code of"]);
  await refused({ "m.ts": 'import "./lib/gone.ts";\n' }, ["got: Cannot identify the code of"]);
});

Deno.test("resolveMixers() refuses imports from outside the module's folder", async () => {
  const elsewhere = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const outside = { "m.ts": `import "file://${elsewhere}";\n` };
    await refused(outside, [
      "files in the module's folder, got: ",
      `file://${elsewhere}`,
      " or file://",
    ]);
  } finally {
    await Deno.remove(elsewhere);
  }
});

Deno.test("resolveMixers() takes any letters in the names of a module and of what it imports", async () => {
  const [{ mixer }] = await resolved({
    "m #1? 50%.ts": 'import { NAME } from "./lib/na%23me.ts";\n' +
      "export const mixer = { source: NAME, forward: (x) => x };\n",
    "lib/na#me.ts": 'export const NAME = "odd names";\n',
  }, { module: "./m #1? 50%.ts" });
  const names = Object.keys(mixer!.files).map((url) => fileURLToPath(url).replace(/^.*\//, ""));
  assertEquals(names.sort(), ["m #1? 50%.ts", "na#me.ts"]);
  assertEquals(loadedMixer(mixer!).source, "odd names");
});

Deno.test("resolveMixers() refuses a package that deno.lock has not, and leaves deno.lock alone", async () => {
  const before = await Deno.readTextFile("deno.lock");
  // Known to the lock under its full version alone.
  await refused({ "m.ts": `import "npm:simple-statistics@7";\n${GOOD["m.ts"]}`, ...LIB }, [
    'got: "npm:simple-statistics@7" is not in deno.lock',
    "names in deno.json",
  ]);
  assertEquals(await Deno.readTextFile("deno.lock"), before);
  const named = { ...LIB, "m.ts": `import "simple-statistics";\n${GOOD["m.ts"]}` };
  const [{ mixer }] = await resolved(named);
  assertNotEquals(mixer!.sha256, (await resolved(GOOD))[0].mixer!.sha256);
});

Deno.test("resolveMixer() refuses a module among the harness's own files, whose changes no digest of it would show", async () => {
  const place = { where: "here", folder: "core/models", from: "the folder of the test" };
  const { message } = await assertRejects(
    () => resolveMixer({ path: "./module_model.ts", sha256: null }, place),
    ManifestError,
  );
  assertMatch(message, /^here: at model\.module: .*expected a module outside of "core\/"/);
  assertMatch(message, /got "core\/models\/module_model\.ts"; move it/);
});

Deno.test("resolveMixer() digests the user's own files alone where it is asked to", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/lib`);
    for (const [name, text] of Object.entries(GOOD)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const mod = new URL("../../../mod.ts", import.meta.url);
    const own = async () => {
      const place = { where: "here", folder, from: "there", digestOf: "own files" } as const;
      return (await resolveMixer({ path: "./m.ts", sha256: null }, place)).sha256;
    };
    const digest = await own();
    // Definition: SHA-256 of the canonical JSON of SHA-256 by place; python3 hashlib over GOOD.
    assertEquals(digest, "3b734fceb1d324fa1eda21d8308ddbe415b196f1d02e4675a0de6ad3c18024bb");
    // With all of the harness in its reach the digest is still one of two files.
    await Deno.writeTextFile(`${folder}/lib/name.ts`, `import "${mod}";\n${GOOD["lib/name.ts"]}`);
    assertNotEquals(await own(), digest);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("loadMixer() refuses a file that changed after the campaign was planned", async () => {
  const [{ mixer }] = await resolved(GOOD);
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/m.ts`;
    await Deno.writeTextFile(path, GOOD["m.ts"]);
    const url = `file://${path}`;
    const moved = { ...mixer!, url, sha256: "f".repeat(64), files: { [url]: "e".repeat(64) } };
    const { message } = await assertRejects(() => loadMixer(moved), ManifestError);
    assertMatch(message, /m\.ts" changed after the campaign was planned: expected SHA-256 eee/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
