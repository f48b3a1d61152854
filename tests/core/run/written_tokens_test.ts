import { assert, assertEquals } from "@std/assert";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { loadModelFile } from "../../../core/run/model_file.ts";
import { writtenTokens } from "../../../core/run/written_tokens.ts";
import { inFolder, saveSmallModel, SMALL_MODEL } from "../cli/_saved_model.ts";

const backend = referenceBackend({ precision: "f64" });

Deno.test("writtenTokens() ends with one more token after the signal, and with what is left of a character", async () => {
  await inFolder(async (folder) => {
    const path = saveSmallModel(`${folder}/m.safetensors`, {
      settings: SMALL_MODEL,
      tokenizer: byteTokenizer,
    });
    const file = loadModelFile(path);
    const how = { prompt: "Call me", maxLength: 40 };
    const all = await Array.fromAsync(writtenTokens(file, { backend, how }));
    assertEquals(all.length, 40);
    let cut = 0; // times that the last token began a character
    for (let count = 0; count < 40; count++) {
      const stop = new AbortController();
      const written = [];
      if (count === 0) stop.abort();
      for await (const token of writtenTokens(file, { backend, how, signal: stop.signal })) {
        written.push(token);
        if (written.length === count) stop.abort();
      }
      const ids = written.map(({ id }) => id);
      assertEquals(ids, all.slice(0, count + 1).map(({ id }) => id));
      const text = written.map((token) => token.text).join("");
      // An untrained model writes bytes that are seldom UTF-8.
      assertEquals(
        text,
        new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(ids)),
      );
      if (written[count].text !== all[count].text) cut++;
    }
    assert(cut > 0, "no token began a character");
  });
});
