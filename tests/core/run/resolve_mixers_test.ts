/** Modules of a user's own: found, identified, imported, and refused with file and key where something is wrong. */
import { assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { ManifestError } from "../../../core/errors.ts";
import type { Unit } from "../../../core/experiment/unit.ts";
import type { Json } from "../../../core/manifest/json.ts";
import { loadedMixer } from "../../../core/models/loaded_mixers.ts";
import { loadMixer } from "../../../core/run/load_mixer.ts";
import { resolveMixers, type UnitWithMixer } from "../../../core/run/resolve_mixers.ts";

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
