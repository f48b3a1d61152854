/** `reproduce` with mixers from modules: the worked example runs in a worker, a leaking one is refused. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  changedManifest,
  inFolder,
  openStore,
  recordsOf,
  refused,
  reproduceWell,
} from "../run/_tiny.ts";

const ROOT = new URL("../../../", import.meta.url).href;
const TRANSFORMER_ARM = "  transformer: { model: { kind: transformer } }\n";
const MINE_ARM = "  transformer: { model: { kind: module, module: ./mixers/mine.ts } }\n";

/** The tiny manifest in `folder`, with a module of this text in the place of the transformer. */
function manifestAround(folder: string, module: string): string {
  Deno.mkdirSync(`${folder}/mixers`);
  Deno.writeTextFileSync(`${folder}/mixers/mine.ts`, module);
  const path = changedManifest(folder, [TRANSFORMER_ARM, MINE_ARM]);
  const text = Deno.readTextFileSync(path).replace("  n_heads: 2\n", "");
  Deno.writeTextFileSync(path, text);
  return path;
}

/** Every position reads the one after it. */
const LEAKING = `
import { concat, slice } from "${ROOT}mod.ts";
export const mixer = {
  source: "a look ahead",
  forward: (x) => {
    const n = x.type.shape[1];
    const later = slice(x, { axis: 1, from: 1, to: n });
    return concat([later, slice(x, { axis: 1, from: 0, to: 1 })], { axis: 1 });
  },
};
`;

Deno.test("reproduce refuses a mixer that reads later tokens, and seals nothing", async () => {
  await inFolder(async (folder) => {
    const manifest = manifestAround(folder, LEAKING);
    const out = `${folder}/out`;
    await refused([manifest, "--profile", "short", "--out", out, "--quiet"], {
      code: 2,
      says: [
        `${manifest} (profile short, arm transformer): at model.module: "./mixers/mine.ts": `,
        'fails the check "causality to the bit": expected no earlier logit to change with the tokens from',
        "nothing was trained",
      ],
    });
    assertEquals(openStore(out).startedKeys(), []);
  });
});

Deno.test("reproduce refuses a module that is not there, before it times anything", async () => {
  await inFolder(async (folder) => {
    const manifest = manifestAround(folder, "");
    Deno.removeSync(`${folder}/mixers/mine.ts`);
    await refused([manifest, "--profile", "short", "--dry-run", "--out", `${folder}/out`], {
      code: 2,
      says: [`at model.module: "./mixers/mine.ts": expected a file`, "got no such file"],
    });
  });
});

Deno.test("reproduce checks and trains a mixer from a module in a worker process", async () => {
  await inFolder(async (folder) => {
    const example = Deno.readTextFileSync("docs/examples/my_mixer.ts");
    const text = example.replace('"../../mod.ts"', `"${ROOT}mod.ts"`);
    const manifest = manifestAround(folder, text);
    const out = `${folder}/out`;
    const { stderr } = await reproduceWell(
      [manifest, "--profile", "short", "--out", out, "--executor", "local", "--workers", "1"],
    );
    assertStringIncludes(stderr, 'checked   mixer "./mixers/mine.ts": finite logits');
    const records = [...recordsOf(out).values()];
    assertEquals(records.map(({ outcome }) => outcome.kind), ["ok", "ok"]);
    const mine = records.find(({ arm }) => arm === "transformer")!;
    const { model } = mine.config as { model: { module: { path: string; sha256: string } } };
    assertEquals(model.module.path, "./mixers/mine.ts");
    assertMatch(model.module.sha256, /^[0-9a-f]{64}$/);
    assertEquals(
      JSON.stringify(mine).includes(folder),
      false,
      "a path of this machine is recorded",
    );
  });
});
