/** The real command and a real signal. */
import { assert, assertEquals } from "@std/assert";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { inFolder, saveSmallModel, SMALL_MODEL } from "./_saved_model.ts";

Deno.test("generate ends cleanly on Ctrl-C: what was written stays, exit code 130", async () => {
  await inFolder(async (folder) => {
    const path = saveSmallModel(`${folder}/m.safetensors`, {
      settings: SMALL_MODEL,
      tokenizer: byteTokenizer,
    });
    const child = new Deno.Command("deno", {
      args: [
        ...["run", "-q", "--no-prompt", "-P=op", "core/cli/generate.ts", "--checkpoint", path],
        ...["--prompt", "Call me", "--max-length", "1000000", "--temperature", "0"],
      ],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let text = "";
    const decoder = new TextDecoder();
    let asked = false;
    for await (const bytes of child.stdout) {
      text += decoder.decode(bytes, { stream: true });
      if (asked || text.length <= "Call me".length) continue;
      asked = true;
      child.kill("SIGINT");
    }
    const { code } = await child.status;
    const said = await new Response(child.stderr).text();
    assertEquals(code, 130, said);
    assert(text.startsWith("Call me") && text.endsWith("\n"), text);
    assert(/stopped after \d+ tokens/.test(said), said);
  });
});
