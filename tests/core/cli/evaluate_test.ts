import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { done, finished, inPlace } from "./_train.ts";

Deno.test("evaluate scores a saved model as training did, beside floors; a leak is stamped", async () => {
  await inPlace(async ({ folder, corpus, run }) => {
    await done("train", [...run("a"), "--mode", "paper", "--max-steps", "2"]);
    const rows = JSON.parse(await Deno.readTextFile(`${folder}/a/metrics.json`));
    const args = ["--checkpoint", `${folder}/a`, "--corpus", corpus];
    const text = (await done("evaluate", [...args, "--eval-tokens", "64"])).stdout;
    assertStringIncludes(text, `Loss: ${rows[1].val_loss.toFixed(4)}\n`);
    assertStringIncludes(text, `Perplexity: ${Math.exp(rows[1].val_loss).toFixed(2)}\n`);
    assertStringIncludes(text, "LEAKS: ");
    assertMatch(text, /floors {4}1-gram \d\.\d{4} .*2-gram \d\.\d{4}/);
    const result = JSON.parse(
      (await done("evaluate", [...args, "--split", "test", "--json"])).stdout,
    );
    assertEquals(result.perplexity, Math.exp(result.loss));
    // A token is a byte.
    assertEquals([result.bits_per_byte, result.tokens], [result.loss / Math.LN2, result.bytes]);
    assertEquals([result.leaks, result.unknown_rate, result.vocabulary_size], [true, null, 256]);

    const other = `${folder}/other.txt`;
    await Deno.writeTextFile(
      other,
      "Whenever it is a damp, drizzly November in my soul;\n".repeat(100),
    );
    const foreign = (await done("evaluate", [...args.slice(0, 3), other])).stdout;
    assertStringIncludes(foreign, "other.txt, all: 5184 tokens scored");
    assertStringIncludes(foreign, "floors    none");
    const missing = await finished("evaluate", args.slice(0, 2));
    assertEquals(missing.code, 2);
    assertStringIncludes(missing.stderr, "give it, or another text, with --corpus");
    const none = await finished("evaluate", ["--checkpoint", `${folder}/none`]);
    assertEquals(none.code, 3);
    assertStringIncludes(none.stderr, `Cannot read the model "${folder}/none": no such file`);
  });
});
