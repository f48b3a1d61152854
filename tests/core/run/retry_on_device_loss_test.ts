/** Units whose device is lost or full begin again on another device, a few times. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OutOfMemoryError } from "../../../core/errors.ts";
import { readManifest } from "../../../core/manifest/read_manifest.ts";
import { resolveManifest } from "../../../core/manifest/resolve_manifest.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { type Clock, systemClock } from "../../../core/run/clock.ts";
import type { Executor, UnitEvent } from "../../../core/run/executors/executor.ts";
import { inlineExecutor } from "../../../core/run/executors/inline.ts";
import { localExecutor } from "../../../core/run/executors/local.ts";
import { loadUnitData } from "../../../core/run/load_unit_data.ts";
import { openBackend } from "../../../core/run/open_backend.ts";
import { planCampaign, type PlannedJob } from "../../../core/run/plan_campaign.ts";
import { Store } from "../../../core/store/store.ts";
import { lossyBackend } from "./_lossy_backend.ts";
import { inFolder, TINY } from "./_tiny.ts";

const RESOLVED = resolveManifest(readManifest(TINY), { profile: "short" });
const PLACES = { dataDirs: [], userCorpus: null };
const DATA = loadUnitData(RESOLVED.manifest.data, PLACES);

/** Half a minute passes at every look, so that a checkpoint is due after every evaluation. */
function fastClock(): Clock {
  let now = 0;
  return { timestamp: systemClock.timestamp, seconds: () => now += 31 };
}

interface Run {
  readonly store: Store;
  readonly jobs: readonly PlannedJob[];
  readonly events: readonly UnitEvent[];
}

/** Runs both units of the manifest, or the first `count`, in a new store and looks at what happened. */
async function runUnits(
  { executorOn, count }: {
    readonly executorOn: (store: Store) => Executor;
    readonly count?: number;
  },
  look: (run: Run) => void,
): Promise<void> {
  await inFolder(async (folder) => {
    const store = Store.open(folder, { create: true });
    const campaign = await planCampaign(RESOLVED, { store, backend: "webgpu" });
    const jobs = campaign.jobs.slice(0, count);
    const events: UnitEvent[] = [];
    const signal = new AbortController().signal;
    await executorOn(store).run(jobs, { signal, onEvent: (event) => events.push(event) });
    look({ store, jobs, events });
  });
}

/** The inline executor; `open` is told how many backends were opened before. */
function inline(store: Store, open: (opened: number) => Promise<Backend>): Executor {
  let opened = 0;
  return inlineExecutor({
    store,
    data: DATA,
    clock: fastClock(),
    host: "here",
    openBackend: () => open(opened++),
  });
}

function local(store: Store, query: string): Executor {
  return localExecutor({
    workers: 1,
    environment: ["DENO_WEBGPU_BACKEND", "VK_DRIVER_FILES", "XDG_RUNTIME_DIR", "RESNET_BK_DATA"],
    setup: {
      store: store.root,
      backend: "webgpu",
      data: RESOLVED.manifest.data,
      places: PLACES,
      host: "here",
    },
    worker: new URL(`_lossy_worker.ts${query}`, import.meta.url),
  });
}

/** Records by name without what may differ. */
function resultsOf({ store, jobs }: Run): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    jobs.map(({ key, unit }) => [unit.name, { ...store.readRecord(key), timing: null }]),
  );
}

/** Steps before the loss: evaluation, two updates and their checkpoint, evaluation, update 3. */
const LASTS_FOR = 5;

let baseline: Promise<Readonly<Record<string, unknown>>> | undefined;

/** Records of a run that nothing disturbed, made once for this file. */
function undisturbed(): Promise<Readonly<Record<string, unknown>>> {
  return baseline ??= (async () => {
    let results = {};
    const executorOn = (store: Store): Executor => inline(store, () => openBackend("webgpu"));
    await runUnits({ executorOn }, (run) => {
      const kinds = run.events.map(({ kind }) => kind).filter((kind) => kind !== "progress");
      assertEquals(kinds, ["sealed", "sealed"]);
      results = resultsOf(run);
    });
    return results;
  })();
}

Deno.test("inlineExecutor() finishes a unit on a new device after a loss, from its checkpoint", async () => {
  const want = await undisturbed();
  let opened = 0;
  const open = async (count: number): Promise<Backend> => {
    opened = count + 1;
    const backend = await openBackend("webgpu");
    return count === 0 ? lossyBackend(backend, LASTS_FOR) : backend;
  };
  await runUnits({ executorOn: (store) => inline(store, open) }, (run) => {
    const { events, jobs, store } = run;
    assertEquals(
      events.filter(({ key }) => key === jobs[0].key).map((event) =>
        event.kind === "progress" ? event.step : event.kind
      ),
      [2, "retried", 4, "sealed"],
    );
    const [retried] = events.flatMap((event) => event.kind === "retried" ? [event.message] : []);
    assertStringIncludes(retried, "Lost the device");
    assertStringIncludes(retried, "try 2 of 3 begins");
    assertEquals(opened, 2);
    assertEquals(store.attemptNumbers(jobs[0].key), [1, 2]);
    assertEquals(resultsOf(run), want);
  });
});

Deno.test("inlineExecutor() takes a new device after memory ran out", async () => {
  const want = await undisturbed();
  const open = async (count: number): Promise<Backend> => {
    const backend = await openBackend("webgpu");
    if (count > 0) return backend;
    return { ...backend, compile: () => Promise.reject(new OutOfMemoryError("no memory left")) };
  };
  await runUnits({ executorOn: (store) => inline(store, open) }, (run) => {
    const messages = run.events.flatMap((event) => event.kind === "retried" ? [event.message] : []);
    assertEquals(messages, ["no memory left, try 2 of 3 begins"]);
    assertEquals(resultsOf(run), want);
  });
});

Deno.test("inlineExecutor() gives a unit up after three lost devices, and tries the next", async () => {
  const open = async (): Promise<Backend> => lossyBackend(await openBackend("webgpu"), 0);
  await runUnits({ executorOn: (store) => inline(store, open) }, ({ events, jobs, store }) => {
    assertEquals(events.map(({ kind }) => kind), [
      ...["retried", "retried", "failed"],
      ...["retried", "retried", "failed"],
    ]);
    for (const event of events) {
      if (event.kind !== "failed") continue;
      assertEquals([event.error, event.exitCode, event.fatal], ["DeviceLostError", 3, false]);
    }
    assertEquals(store.attemptNumbers(jobs[1].key), [1, 2, 3]);
    assertEquals(store.sealedKeys(), []);
  });
});

Deno.test("localExecutor() gives the unit of a worker that lost its device to a new worker", async () => {
  const want = await undisturbed();
  const started = (store: Store): string => `?marker=${store.root}/lost_once`;
  await runUnits({ executorOn: (store) => local(store, started(store)) }, (run) => {
    const [first, second] = run.jobs;
    const kinds = (key: string): readonly string[] =>
      run.events.filter((event) => event.key === key && event.kind !== "progress")
        .map(({ kind }) => kind);
    assertEquals(kinds(first.key), ["retried", "sealed"]);
    assertEquals(kinds(second.key), ["sealed"]);
    const pids = run.store.attemptNumbers(first.key).map((number) =>
      JSON.parse(
        Deno.readTextFileSync(`${run.store.paths.attempts(first.key)}/${number}/status.json`),
      )
        .pid
    );
    assertEquals(pids.length, 2);
    assert(pids[0] !== pids[1], "the same process went on");
    assertEquals(resultsOf(run), want);
  });
});

Deno.test("localExecutor() gives a unit up after three workers that lost their devices", async () => {
  await runUnits({ executorOn: (store) => local(store, ""), count: 1 }, ({ events }) => {
    assertEquals(events.filter(({ kind }) => kind === "retried").length, 2);
    const last = events.at(-1);
    assert(last?.kind === "failed" && last.error === "DeviceLostError" && !last.fatal);
  });
});
