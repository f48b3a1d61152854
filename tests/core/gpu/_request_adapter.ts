/** Opens a device, and prints what XDG_RUNTIME_DIR is afterwards. */
import { openDevice } from "../../../core/gpu/device.ts";

const { device } = await openDevice();
device.destroy();
console.log(JSON.stringify(Deno.env.get("XDG_RUNTIME_DIR") ?? null));
