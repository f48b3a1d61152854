import { assertEquals, assertStringIncludes } from "@std/assert";
import { runMain } from "../../../core/cli/main.ts";
import { DataError, HarnessError, StoreError, UsageError } from "../../../core/errors.ts";

async function outcomeOf(command: () => number | void, args: readonly string[] = []) {
  const out: string[] = [];
  const err: string[] = [];
  const codes: number[] = [];
  await runMain(command, {
    args,
    print: (text) => out.push(text),
    printError: (text) => err.push(text),
    exit: (code) => codes.push(code),
  });
  return { out, err, codes };
}

function failing(error: unknown): () => void {
  return () => {
    throw error;
  };
}

Deno.test("runMain() leaves a successful command alone and passes on its exit code", async () => {
  assertEquals(await outcomeOf(() => {}), { out: [], err: [], codes: [] });
  assertEquals((await outcomeOf(() => 0)).codes, []);
  assertEquals((await outcomeOf(() => 7)).codes, [7]);
});

Deno.test("runMain() prints a known error in one message, with its exit code", async () => {
  for (
    const [error, code] of [
      [new UsageError("Bad line"), 2],
      [new DataError("Bad bytes"), 2],
      [new StoreError("Full"), 3],
      [new HarnessError("Other"), 1],
    ] as const
  ) {
    const { out, err, codes } = await outcomeOf(failing(error));
    assertEquals({ out, err, codes }, {
      out: [],
      err: [`error: ${error.message}`],
      codes: [code],
    });
  }
});

Deno.test("runMain() shows the stack of anything else and calls it a bug", async () => {
  const { err, codes } = await outcomeOf(failing(new TypeError("oops")));
  assertEquals(codes, [1]);
  assertStringIncludes(err[0], "TypeError: oops\n    at ");
  assertStringIncludes(err[0], "This is a bug in the harness");
  assertStringIncludes((await outcomeOf(failing("text"))).err[0], "text");
});

Deno.test("runMain() prints errors as JSON on standard output with --json", async () => {
  const { out, err } = await outcomeOf(failing(new DataError('Bad "bytes"')), ["--json"]);
  assertEquals(JSON.parse(out[0]), {
    error: { kind: "DataError", message: 'Bad "bytes"', exit_code: 2 },
  });
  assertEquals(err, ['error: Bad "bytes"']);
});
