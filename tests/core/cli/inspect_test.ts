import { assert, assertEquals, assertRejects } from "@std/assert";
import { inspect } from "../../../core/cli/inspect.ts";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { UsageError } from "../../../core/errors.ts";
import { inFolder, saveSmallModel, SMALL_MODEL } from "./_saved_model.ts";

Deno.test("inspect() writes a page of the saved model and prints its values, a leaking one stamped", async () => {
  await inFolder(async (folder) => {
    const tokenizer = byteTokenizer;
    const paper = { ...SMALL_MODEL, mode: "paper" };
    for (const [settings, leaks] of [[SMALL_MODEL, false], [paper, true]] as const) {
      const path = saveSmallModel(`${folder}/m.safetensors`, { settings, tokenizer });
      const out = `${folder}/pages/page.html`;
      const lines: string[] = [];
      const print = (line: string): unknown => lines.push(line);
      const args = ["--checkpoint", path, "--text", "to be\né", "--out", out];
      await inspect([...args, "--json"], { print: (line) => print(line) });
      const values = JSON.parse(lines.join(""));
      assertEquals(values.labels, ["t", "o", "·", "b", "e", "\\n", "\\xc3", "\\xa9"]);
      assertEquals([values.leaks, values.layers.length, values.surprisal.length], [leaks, 1, 7]);
      const [{ heads, experts }] = values.layers;
      assertEquals([heads.length, heads[0].weights.length, experts.length], [3, 8, 8]);
      assertEquals(
        heads[0].weights[0].some((share: number, j: number) => j > 0 && share > 0),
        leaks,
      );
      const page = await Deno.readTextFile(out);
      assertEquals(page.includes("LEAKS"), leaks);
      assert(page.includes(`<h1>Inside ${path}</h1>`));
      await inspect([...args, "--heads", "2"], { print: (line) => print(line) });
      assertEquals(lines.at(-1), `Written: ${out}`);
      const one = await Deno.readTextFile(out);
      assertEquals(one.match(/Head \d,/g), ["Head 2,"]);
    }
  });
});

Deno.test("inspect() refuses texts without a readable column for each token, unknown heads, missing models", async () => {
  await inFolder(async (folder) => {
    const path = saveSmallModel(`${folder}/m.safetensors`, {
      settings: SMALL_MODEL,
      tokenizer: byteTokenizer,
    });
    const of = (text: string, ...more: readonly string[]) => () =>
      inspect(["--checkpoint", path, "--text", text, "--out", `${folder}/x.html`, ...more], {
        print: () => {},
      });
    await assertRejects(of("a".repeat(129)), UsageError, "129 byte tokens: expected 2 to 128");
    await assertRejects(of("a"), UsageError, "1 byte tokens");
    await assertRejects(of("ab", "--heads", "3"), UsageError, 'heads in 0..2, got "3"');
    await assertRejects(of("ab", "--heads", "x"), UsageError, 'got "x"');
    await assertRejects(
      () => inspect(["--checkpoint", `${folder}/none`, "--text", "ab"], { print: () => {} }),
      UsageError,
      "no such file",
    );
  });
});
