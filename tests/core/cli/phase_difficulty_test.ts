import { assertEquals, assertRejects } from "@std/assert";
import { phaseDifficultyCommand } from "../../../core/cli/phase_difficulty.ts";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { UsageError } from "../../../core/errors.ts";
import { inFolder, saveSmallModel, SMALL_MODEL } from "./_saved_model.ts";

Deno.test("phaseDifficultyCommand() refuses a model that reads later tokens", async () => {
  await inFolder(async (folder) => {
    const path = saveSmallModel(`${folder}/m.safetensors`, {
      settings: { ...SMALL_MODEL, mode: "paper" },
      tokenizer: byteTokenizer,
    });
    const error = await assertRejects(
      () => phaseDifficultyCommand(["--checkpoint", path, "--device", "reference"]),
      UsageError,
      "expected causal pivots, and this model LEAKS",
    );
    assertEquals(error.exitCode, 2);
  });
});
