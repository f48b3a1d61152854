import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { StoreError } from "../../../core/errors.ts";
import { Store } from "../../../core/store/store.ts";
import { withStore } from "./_record.ts";

const OWNER = { pid: 4242, host: "here", startedAt: "2026-01-01T00:00:00Z" };

Deno.test("Store.lockCampaign() refuses a second driver and names the first", () => {
  withStore((store) => {
    const lock = store.lockCampaign(OWNER);
    const other = Store.open(store.root, { create: false });
    const error = assertThrows(() => other.lockCampaign({ ...OWNER, pid: 1 }), StoreError);
    assertStringIncludes(error.message, "process 4242 on here (since 2026-01-01T00:00:00Z)");
    lock.release();
    lock.release();
    other.lockCampaign({ ...OWNER, pid: 1 }).release();
  });
});

Deno.test("Store.lockCampaign() says what it can when the owner's file is torn", () => {
  withStore((store) => {
    using _lock = store.lockCampaign(OWNER);
    Deno.writeTextFileSync(store.paths.lockOwner, '{"pid":');
    const error = assertThrows(() => store.lockCampaign(OWNER), StoreError);
    assertStringIncludes(error.message, "another process drives a campaign on it");
  });
});

Deno.test("Store.lockCampaign() is free again after its driver was killed with SIGKILL", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const root = `${folder}/store`;
    const child = new Deno.Command("deno", {
      args: [
        "run",
        "--no-config",
        "--no-lock",
        `--allow-read=${folder}`,
        `--allow-write=${folder}`,
        new URL("_hold_lock.ts", import.meta.url).href,
        root,
      ],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read(); // it prints once it has the lock
    assertEquals(new TextDecoder().decode(value), "locked\n");
    const store = Store.open(root, { create: false });
    const error = assertThrows(() => store.lockCampaign(OWNER), StoreError);
    assertStringIncludes(error.message, `process ${child.pid} on here`);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    store.lockCampaign(OWNER).release();
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
