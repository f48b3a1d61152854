import { assertEquals, assertStringIncludes } from "@std/assert";
import { parseMetricLines } from "../../../core/store/metric_lines.ts";
import { Store } from "../../../core/store/store.ts";
import { verifyStore } from "../../../core/store/verify_store.ts";
import { keyOf, sealUnit } from "./_record.ts";

/** Limit on the size of a file in the child, in blocks of 512 bytes (POSIX `ulimit -f`). */
const BLOCKS = 2048;
const TOO_MANY_BYTES = 4 * 512 * BLOCKS;

interface Refusal {
  readonly what: string;
  readonly error: string | null;
  readonly exitCode: number;
}

/**
 * Runs `_fill_disk.ts` where the kernel refuses writes beyond the limit. A full disk is made
 * without privileges: SIGXFSZ is ignored, so that such a write fails with EFBIG ("File too
 * large") and takes the same path through the store as ENOSPC. /bin/sh may count blocks of 1024
 * bytes; TOO_MANY_BYTES is beyond either.
 */
function fillDisk(folder: string): readonly Refusal[] {
  const script = new URL("_fill_disk.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = new Deno.Command("sh", {
    args: [
      "-c",
      // A cache of its own: Deno's shared one must not meet the limit.
      `trap '' XFSZ; ulimit -f ${BLOCKS}; export DENO_DIR="$1/deno"; exec deno run --no-config ` +
      '--no-lock --allow-read="$1" --allow-write="$1" "$2" "$1/store" "$3"',
      "sh",
      folder,
      script,
      String(TOO_MANY_BYTES),
    ],
  }).outputSync();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}

Deno.test("Store turns refused writes into errors and loses nothing sealed, disk full", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const refusals = fillDisk(folder);
    assertEquals(
      refusals.map(({ what }) => what),
      ["blob", "checkpoint", "seal", "metrics", "metrics again"],
    );
    for (const { what, error, exitCode } of refusals.slice(0, 4)) {
      assertStringIncludes(error ?? `${what}: no error`, `Cannot write "${folder}/store/`);
      assertStringIncludes(error!, "File too large");
      assertStringIncludes(error!, "nothing already sealed is touched");
      assertEquals(exitCode, 3);
    }
    assertStringIncludes(refusals[4].error!, "it is closed");

    const store = Store.open(`${folder}/store`, { create: false });
    assertEquals(store.sealedKeys(), [keyOf(1)]);
    assertEquals(store.readRecord(keyOf(1)).seed, 1);
    assertEquals(verifyStore(store), { soundBlobs: 1, soundRecords: 1, problems: [] });
    assertEquals(store.findResumePoint(keyOf(2)), { point: null, rejected: [] });
    const path = `${store.paths.attempts(keyOf(2))}/2/metrics.jsonl`;
    const { lines } = parseMetricLines(Deno.readTextFileSync(path), { path });
    assertEquals(lines.map(({ step }) => step), lines.map((_, i) => i));

    sealUnit(store, 2); // with room again, the same unit runs to its end
    assertEquals(verifyStore(store).soundRecords, 2);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
