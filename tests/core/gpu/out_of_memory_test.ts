import { assert, assertEquals, assertMatch } from "@std/assert";
import { findAdapter } from "../../../core/gpu/device.ts";

/** Bounds the address space: software adapters take memory only as it is touched, and so never refuse it. */
const BOUND = "ulimit -v 60000000 && ";

Deno.test({
  name:
    "Backend.compile() names arenas and bytes, device out of memory, and freed memory can be had again",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const { facts } = await findAdapter();
    const script = new URL("_fill_device.ts", import.meta.url).pathname;
    const command = `exec deno run -q --no-prompt --allow-read=. ` +
      `--allow-env=XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND,VK_DRIVER_FILES ${script}`;
    const bounded = facts.isFallbackAdapter ? BOUND + command : command;
    const { code, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", bounded] })
      .output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const found = JSON.parse(new TextDecoder().decode(stdout));
    assertEquals([found.name, found.exitCode], ["OutOfMemoryError", 3]);
    assert(found.programs > 0, "not even one program was compiled");
    // Sixteen results of 2^24 numbers.
    assertMatch(
      found.message,
      /out of memory for 1073741824 bytes in arenas of these bytes: param 0/,
    );
    assertMatch(found.message, /activation 1073741824, io 0, metric 0/);
    assertEquals(found.second, 2 * (1 - 7));
  },
});
