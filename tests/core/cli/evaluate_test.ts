import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LEAK_STAMP } from "../../../core/cli/train_report.ts";
import { fitTokenizer } from "../../../core/data/fit_tokenizer.ts";
import { loadUserCorpus } from "../../../core/data/load_user_corpus.ts";
import { splitCorpus } from "../../../core/data/split_corpus.ts";
import { inFolder, saveSmallModel, SMALL_MODEL } from "./_saved_model.ts";
import { done, finished, inPlace } from "./_train.ts";

Deno.test("evaluate scores a saved model as training did, beside floors; a leak is stamped", async () => {
  await inPlace(async ({ folder, corpus, run }) => {
    const trained = await done("train", [...run("a"), "--mode", "paper", "--max-steps", "2"]);
    const printed = trained.stdout.trim().split("\n");
    assertEquals([printed[0], printed.at(-1)], [LEAK_STAMP, LEAK_STAMP]);
    const losses = printed.filter((line) => line.includes("PPL"));
    assertEquals(losses.map((line) => /Step|Validation|Final/.exec(line)?.[0]), [
      ...["Step", "Validation", "Final"],
    ]);
    for (const line of losses) assertMatch(line, / \[LEAKS\]$/);
    assertMatch(
      trained.stderr,
      /first 64 validation tokens, counted on 420 training tokens/,
    );
    const rows = JSON.parse(await Deno.readTextFile(`${folder}/a/metrics.json`));
    assertEquals(rows.map(({ leaks }: { leaks: boolean }) => leaks), [true, true]);
    const { largest_earlier_change: change } = rows[1];
    assert(change > 0, `largest change ${change}`);
    assertMatch(
      trained.stderr,
      /^audit {5}LEAKS: .* by up to [\d.]+(e-\d+)?; later tokens are worth -?\d/m,
    );
    assertStringIncludes(trained.stderr, `by up to ${change};`);
    const saved = await Deno.readFile(`${folder}/a/checkpoints/step-000000000002.bin`);
    const head = new TextDecoder().decode(saved.subarray(0, saved.indexOf(0x0a)));
    assertEquals(JSON.parse(head).leaks, true);
    const args = ["--checkpoint", `${folder}/a`, "--corpus", corpus];
    const few = await finished("evaluate", [...args, "--eval-tokens", "10"]);
    assertEquals(few.code, 2);
    assertStringIncludes(few.stderr, "--eval-tokens: expected at least one window of 16 tokens");
    const text = (await done("evaluate", [...args, "--eval-tokens", "64"])).stdout;
    assertStringIncludes(text, `Loss: ${rows[1].val_loss.toFixed(4)}\n`);
    assertStringIncludes(text, `Perplexity: ${Math.exp(rows[1].val_loss).toFixed(2)}\n`);
    assertStringIncludes(text, "LEAKS: ");
    assertMatch(text, /floors {4}1-gram \d\.\d{4} .*2-gram \d\.\d{4}/);
    // The model was trained on the first 420 of the bytes that the floors are counted on.
    const { bytes } = splitCorpus(loadUserCorpus(corpus)).train;
    assert(bytes.length > 420);
    assertStringIncludes(text, `counted on all ${bytes.length} tokens of the training part`);
    const result = JSON.parse(
      (await done("evaluate", [...args, "--split", "test", "--json"])).stdout,
    );
    assertEquals(result.perplexity, Math.exp(result.loss));
    assertEquals(result.floor_tokens, bytes.length);
    // A token is a byte.
    assertEquals([result.bits_per_byte, result.tokens], [result.loss / Math.LN2, result.bytes]);
    assertEquals(result.largest_earlier_change, change);
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
    assertEquals(none.code, 2);
    assertStringIncludes(none.stderr, `Cannot read the model "${folder}/none": no such file`);
    const empty = await finished("evaluate", ["--checkpoint", folder]);
    assertEquals(empty.code, 2);
    assertStringIncludes(empty.stderr, `"${folder}": it has no "checkpoint_final.safetensors"`);
  });
});

Deno.test("evaluate calls bits per byte of words a lower bound, on paper and in JSON", async () => {
  await inFolder(async (folder) => {
    const train = { bytes: new TextEncoder().encode("the cat the dog"), documentEnds: [] };
    const tokenizer = fitTokenizer({ kind: "word", vocab: 8, text: "raw" }, train);
    const path = saveSmallModel(`${folder}/m.safetensors`, {
      settings: SMALL_MODEL,
      tokenizer,
      corpusId: "user",
    });
    await Deno.writeTextFile(`${folder}/t.txt`, `the${" cow cat cat the".repeat(300)}\n`);
    const args = ["--checkpoint", path, "--corpus", `${folder}/t.txt`, "--device", "reference"];
    const { stdout } = await done("evaluate", [...args, "--eval-tokens", "16"]);
    assertMatch(
      stdout,
      /^Bits per byte: >= \d\.\d{4} \(a lower bound: 25\.00 % of tokens are unknown, white space is not predicted\)$/m,
    );
    const result = JSON.parse((await done("evaluate", [...args, "--json"])).stdout);
    assertEquals(result.bits_per_byte_is_lower_bound, true);
  });
});
