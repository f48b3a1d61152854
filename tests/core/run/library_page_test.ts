/** docs/library.md: every code block runs, with a model and a text of the test's own. */
import { assert } from "@std/assert";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { inFolder, saveSmallModel, SMALL_MODEL } from "../cli/_saved_model.ts";

const ROOT = new URL("../../../", import.meta.url).href;
const page = await Deno.readTextFile(new URL("../../../docs/library.md", import.meta.url));
const blocks = [...page.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code);

Deno.test("docs/library.md: the page has its code blocks, and none is left out of the run", () => {
  assert(blocks.length >= 5, `found ${blocks.length} blocks`);
  assert(page.match(/^```/gm)!.length === 2 * blocks.length, "a block is not plain ts");
});

Deno.test("docs/library.md: every block checks its types and runs", async () => {
  await inFolder(async (folder) => {
    saveSmallModel(`${folder}/checkpoint_final.safetensors`, {
      settings: SMALL_MODEL,
      tokenizer: byteTokenizer,
    });
    await Deno.writeTextFile(`${folder}/speech.txt`, "My fellow citizens\n".repeat(250));
    for (const [index, block] of blocks.entries()) {
      const code = block.replaceAll('"../mod.ts"', `"${ROOT}mod.ts"`)
        .replaceAll("checkpoints/small_model", folder)
        .replaceAll("speech.txt", `${folder}/speech.txt`);
      await Deno.writeTextFile(`${folder}/block_${index + 1}.ts`, code);
    }
    const calls = blocks.map((_, index) => `await import("./block_${index + 1}.ts");\n`);
    const program = `${folder}/program.ts`;
    await Deno.writeTextFile(program, `${calls.join("")}console.error("all ran");\n`);
    const { success, stderr } = await new Deno.Command("deno", {
      args: ["run", "-q", "--check", "--no-prompt", "--config", "deno.json", "-P=op", program],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    const said = new TextDecoder().decode(stderr);
    assert(success && said.endsWith("all ran\n"), said);
  });
});
