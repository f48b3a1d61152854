import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import {
  inFolder,
  linesWritten,
  openStore,
  recordsOf,
  recordTimes,
  reproduce,
  reproduceWell,
  resultsOf,
  type Running,
  startReproduce,
  TINY,
  waitFor,
} from "./_tiny.ts";

const LOCAL = ["--executor", "local", "--workers", "2"];

/** Results of a run that nobody disturbed, made once for this file. */
let baseline: Promise<readonly string[]> | undefined;

function undisturbed(): Promise<readonly string[]> {
  return baseline ??= (async () => {
    let results: readonly string[] = [];
    await inFolder(async (out) => {
      await reproduceWell([TINY, "--out", out, "--executor", "inline"]);
      results = resultsOf(out);
    });
    return results;
  })();
}

const ARMS = ["resnet-bk", "transformer"];
const FIRST_UNIT = "tiny/cpu/resnet-bk/seq_len=16/seed=42";

/** Units that are in the midst of their updates: some lines are written, many are to come. */
function midUnits(out: string): ReturnType<typeof linesWritten> {
  return linesWritten(out).filter(({ lines, sealed }) => !sealed && lines > 8 && lines < 50);
}

/** The first arm's unit, once it is in the midst of its updates. */
function firstUnit(out: string, running: Running): Promise<ReturnType<typeof midUnits>[number]> {
  return waitFor(
    { what: "a unit at work", running },
    () => midUnits(out).find(({ key }) => openStore(out).keysOf(FIRST_UNIT).includes(key)),
  );
}

/** Kills the process that runs a try at a unit; Deno itself would need the permission to run anything. */
async function killRunnerOf(folder: string): Promise<void> {
  const { pid } = JSON.parse(Deno.readTextFileSync(`${folder}/status.json`));
  await new Deno.Command("sh", { args: ["-c", `kill -9 ${pid}`] }).output();
}

Deno.test("reproduce gives byte-identical records but for timing, run twice inline", async () => {
  await inFolder(async (out) => {
    await reproduceWell([TINY, "--out", out, "--executor", "inline"]);
    const results = resultsOf(out);
    assertEquals(results.length, 2);
    assertEquals(results, await undisturbed());
    for (const record of recordsOf(out).values()) {
      assertEquals(record.outcome, { kind: "ok" });
      assertEquals(record.outputs.map(({ name }) => name), ["metrics.jsonl"]);
      // ln 256: the loss of a model that knows nothing; these have learned something.
      assert(record.metrics.val_loss!.value < Math.log(256));
    }
    assertNotEquals(results[0].split("\n").at(-2), results[1].split("\n").at(-2));
  });
});

Deno.test("reproduce gives the same records with two workers, and runs nothing again", async () => {
  await inFolder(async (out) => {
    await reproduceWell([TINY, "--out", out, ...LOCAL]);
    assertEquals(resultsOf(out), await undisturbed());
    const times = recordTimes(out);
    const attempts = linesWritten(out).length;
    const { stdout } = await reproduceWell([TINY, "--out", out, "--executor", "inline", "--json"]);
    assertEquals(JSON.parse(stdout).sealed, 0);
    assertEquals(recordTimes(out), times);
    assertEquals(linesWritten(out).length, attempts);
  });
});

Deno.test("reproduce repeats no finished unit after its driver was killed, inline", async () => {
  await inFolder(async (out) => {
    const args = [TINY, "--out", out, "--executor", "inline"];
    await using running = startReproduce(args, { hold: ["transformer"] });
    const what = "a second unit at work";
    await waitFor({ what, running }, () => recordTimes0(out).size === 1 && midUnits(out)[0]);
    running.child.kill("SIGKILL");
    await running.ended;
    const before = recordTimes(out);
    assertEquals(before.size, 1);

    const { stderr } = await reproduceWell(args);
    assertStringIncludes(stderr, "2 planned, 1 of them done already");
    const [[key, time]] = [...before];
    assertEquals(recordTimes(out).get(key), time);
    assertEquals(openStore(out).attemptNumbers(key), [1]);
    assertEquals(linesWritten(out).length, 3);
    assertEquals(resultsOf(out), await undisturbed());
  });
});

/** As `recordTimes`, before there is a store too. */
function recordTimes0(out: string): ReadonlyMap<string, number | undefined> {
  return linesWritten(out).length === 0 ? new Map() : recordTimes(out);
}

Deno.test("reproduce's workers end with their killed driver, and the rerun is as undisturbed", async () => {
  await inFolder(async (out) => {
    const args = [TINY, "--out", out, ...LOCAL];
    await using running = startReproduce(args, { hold: ARMS });
    await waitFor({ what: "two units at work", running }, () => midUnits(out).length === 2);
    running.child.kill("SIGKILL");
    // A worker that does not notice is held for ever: the minute changes nothing for those that do.
    const outlived: string[] = [];
    const late = setTimeout(() => {
      for (const { folder } of midUnits(out)) {
        outlived.push(folder);
        void killRunnerOf(folder);
      }
    }, 60_000);
    const { stderr } = await running.ended; // workers hold standard error: its end is theirs
    clearTimeout(late);
    assertEquals(outlived, [], "workers outlived their driver by a minute");
    assert(!/uncaught|panicked/i.test(stderr), stderr);
    assertEquals(recordTimes(out).size, 0);

    await reproduceWell(args);
    for (const key of openStore(out).sealedKeys()) {
      assertEquals(openStore(out).attemptNumbers(key), [1, 2]);
    }
    assertEquals(resultsOf(out), await undisturbed());
  });
});

Deno.test({
  name: "reproduce tries a unit again whose worker was killed",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await inFolder(async (out) => {
      const args = [TINY, "--out", out, ...LOCAL];
      await using running = startReproduce(args, { hold: ["resnet-bk"] });
      const { folder, key } = await firstUnit(out, running);
      await killRunnerOf(folder);
      const { code, stderr } = await running.ended;
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, "its worker process died, try 2 of 3 begins");
      assertEquals(openStore(out).attemptNumbers(key), [1, 2]);
      assertEquals(openStore(out).readRecord(key).timing.attempts, 2);
      assertEquals(resultsOf(out), await undisturbed());
    });
  },
});

for (
  const [executor, signal, code] of [["inline", "SIGINT", 130], ["local", "SIGTERM", 143]] as const
) {
  Deno.test({
    name: `reproduce saves a checkpoint and stops with ${code}, on ${signal}, ${executor}`,
    ignore: Deno.build.os === "windows",
    fn: async () => {
      await inFolder(async (out) => {
        const args = [TINY, "--out", out, "--executor", executor, "--workers", "1"];
        await using running = startReproduce(args, { hold: ["resnet-bk"] });
        const { key } = await firstUnit(out, running);
        running.child.kill(signal);
        const stopped = await running.ended;
        assertEquals(stopped.code, code, stopped.stderr);
        assertStringIncludes(stopped.stderr, `To go on: deno task reproduce ${args.join(" ")}`);
        assertEquals(recordTimes(out).size, 0);
        const point = openStore(out).findResumePoint(key).point;
        if (point === null) throw new Error("No checkpoint was saved");
        assert(point.step > 2 && point.step < 24, `checkpoint of step ${point.step}`);
        // Stopped after the next evaluation, not later: the last line is that of the checkpoint's step.
        const lines = Deno.readTextFileSync(`${point.attemptFolder}/metrics.jsonl`).trim().split(
          "\n",
        );
        assertEquals(JSON.parse(lines.at(-1)!).name, "val_loss");
        assertEquals(JSON.parse(lines.at(-1)!).step, point.step);

        await reproduceWell(args);
        assertEquals(openStore(out).attemptNumbers(key), [1, 2]);
        assertEquals(resultsOf(out), await undisturbed());
      });
    },
  });
}

Deno.test("reproduce refuses a store that another driver uses, and touches nothing", async () => {
  await inFolder(async (out) => {
    await reproduceWell([TINY, "--profile", "short", "--device", "reference", "--out", out]);
    const before = resultsOf(out);
    using _lock = openStore(out).lockCampaign({ pid: 4242, host: "here", startedAt: "today" });
    const { code, stderr } = await reproduce([
      TINY,
      "--profile",
      "short",
      "--device",
      "reference",
      "--out",
      out,
    ]);
    assertEquals(code, 3);
    assertStringIncludes(stderr, "error: Cannot run in the store of");
    assertStringIncludes(stderr, "process 4242 on here (since today) drives a campaign on it");
    assertEquals(resultsOf(out), before);
  });
});
