import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { generate } from "../../../core/cli/generate.ts";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { wordTokenizer } from "../../../core/data/word_tokenizer.ts";
import { UsageError } from "../../../core/errors.ts";
import { inFolder, saveSmallModel, SMALL_MODEL, SMALL_TRANSFORMER } from "./_saved_model.ts";

/** What the command wrote. */
interface Shown {
  readonly code: number;
  /** Standard output, piece by piece. */
  readonly written: readonly string[];
  readonly printed: readonly string[];
  readonly said: readonly string[];
}

async function shown(args: readonly string[], pieces = Infinity): Promise<Shown> {
  const [written, printed, said]: string[][] = [[], [], []];
  const code = await generate(args, {
    write: (text) => written.push(text) < pieces,
    print: (line) => printed.push(line),
    say: (line) => said.push(line),
  });
  return { code, written, printed, said };
}

Deno.test("generate() writes piece by piece what --json gives whole, the same for the same seed", async () => {
  await inFolder(async (folder) => {
    const path = saveSmallModel(`${folder}/m.safetensors`, {
      settings: SMALL_MODEL,
      tokenizer: byteTokenizer,
    });
    // Bytes of an untrained model are seldom UTF-8, so that characters are cut and completed.
    const args = ["--checkpoint", path, "--prompt", "Größe: ", "--max-length", "70"];
    const text = await shown(args);
    assertEquals(text.code, 0);
    assert(text.written.length > 20, `${text.written.length} pieces`);
    assertEquals(text.written[0], "Größe: ");
    assertEquals(text.printed, []);
    assert(text.said[0].includes("prompt of 9 byte tokens"), text.said[0]);
    const json = await shown([...args, "--json"]);
    assertEquals(json.written, []);
    const result = JSON.parse(json.printed.join(""));
    assertEquals(`Größe: ${result.text}\n`, text.written.join(""));
    assertEquals(result.tokens.length, 70);
    assertEquals(
      result.text,
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(result.tokens)),
    );
    assertEquals([result.temperature, result.top_k, result.top_p, result.seed, result.stopped], [
      0.8,
      null,
      0.9,
      42,
      false,
    ]);
    assertEquals((await shown(args)).written, text.written);
    const other = await shown([...args, "--json", "--seed", "43"]);
    assertNotEquals(JSON.parse(other.printed.join("")).tokens, result.tokens);
    // The folder of a run stands for the model in it.
    await Deno.rename(path, `${folder}/checkpoint_final.safetensors`);
    assertEquals((await shown(["--checkpoint", folder, ...args.slice(2)])).written, text.written);
  });
});

Deno.test("generate() stops when nobody reads any more, and puts spaces between words", async () => {
  await inFolder(async (folder) => {
    const words = ["<unk>", "<eod>", "call", "me", "Ishmael"];
    const path = saveSmallModel(`${folder}/m.safetensors`, {
      settings: { ...SMALL_MODEL, router: "scattering" },
      tokenizer: wordTokenizer({ text: "raw", words }),
    });
    const args = ["--checkpoint", path, "--prompt", "call me Ahab", "--max-length", "12"];
    const few = await shown(args, 4);
    assertEquals(few.written.length, 5); // the prompt, three words, the end of the line
    assert(few.said[0].includes("prompt of 3 word tokens, 1 of them unknown"), few.said[0]);
    assert(
      few.written.slice(1, 4).every((word) => /^( \S+|\n\n)$/.test(word)),
      few.written.join("|"),
    );
    const json = JSON.parse((await shown([...args, "--json"])).printed.join(""));
    assertEquals(json.prompt_tokens, [2, 3, 0]);
  });
});

Deno.test("generate() says that a transformer reads its window again, and writes beyond it", async () => {
  await inFolder(async (folder) => {
    const path = saveSmallModel(`${folder}/t.safetensors`, {
      settings: SMALL_TRANSFORMER,
      tokenizer: byteTokenizer,
    });
    // Trained at 16 tokens.
    const args = ["--checkpoint", path, "--prompt", "Call me Ishmael.", "--max-length", "30"];
    const text = await shown(args);
    assertEquals(text.said[1].slice(0, 45), "a window of 16 tokens is read again for every");
    const { tokens } = JSON.parse((await shown([...args, "--json"])).printed.join(""));
    assertEquals(tokens.length, 30);
  });
});

Deno.test("generate() refuses what it cannot do, with the reason", async () => {
  await inFolder(async (folder) => {
    const tokenizer = byteTokenizer;
    const path = saveSmallModel(`${folder}/m.safetensors`, { settings: SMALL_MODEL, tokenizer });
    const of = (checkpoint: string, ...more: readonly string[]) => () =>
      generate(["--checkpoint", checkpoint, "--prompt", "a", ...more], { say: () => {} });
    await assertRejects(of(`${folder}/none`), UsageError, "no such file");
    await assertRejects(
      of(path, "--temperature=-1"),
      UsageError,
      "--temperature: expected a number",
    );
    for (const topP of ["0", "2", "-1"]) {
      const says = `--top-p: expected a number > 0 and <= 1, got "${topP}"`;
      await assertRejects(of(path, `--top-p=${topP}`), UsageError, says);
    }
    for (const topK of ["0", "1.5"]) {
      await assertRejects(
        of(path, "--top-k", topK),
        UsageError,
        "--top-k: expected an integer >= 1",
      );
    }
    const settings = { ...SMALL_MODEL, mode: "paper" };
    const paper = saveSmallModel(`${folder}/p.safetensors`, { settings, tokenizer });
    await assertRejects(of(paper), UsageError, "its tokens see later ones");
    const words = wordTokenizer({ text: "raw", words: ["<unk>", "<eod>", "call"] });
    const silent = saveSmallModel(`${folder}/w.safetensors`, {
      settings: SMALL_MODEL,
      tokenizer: words,
    });
    for (const prompt of [" ", ""]) {
      await assertRejects(
        () => generate(["--checkpoint", silent, "--prompt", prompt], { say: () => {} }),
        UsageError,
        "no token of the word tokenizer",
      );
    }
  });
});
