/** Takes the lock of the store at the first argument, prints "locked" and stays until it is killed. */
import { Store } from "../../../core/store/store.ts";

const store = Store.open(Deno.args[0], { create: true });
store.lockCampaign({ pid: Deno.pid, host: "here", startedAt: "2026-01-01T00:00:00Z" });
console.log("locked");
setInterval(() => {}, 1000);
