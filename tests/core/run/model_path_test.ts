import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import { modelPath } from "../../../core/run/model_path.ts";
import { inFolder } from "../cli/_saved_model.ts";

Deno.test("modelPath() names a file itself, and the model in a folder", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/checkpoint_final.safetensors`;
    await Deno.writeTextFile(path, "");
    assertEquals([modelPath(path), modelPath(folder), modelPath(`${folder}/`)], [path, path, path]);
  });
});

Deno.test("modelPath() refuses what is missing and folders without a model, with exit code 2", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    for (const path of [`${folder}/none`, `${folder}/file/below`]) {
      const error = assertThrows(() => modelPath(path), UsageError, `"${path}": no such file`);
      assertEquals(error.exitCode, 2);
    }
    const says = `the folder "${folder}": it has no "checkpoint_final.safetensors"; expected`;
    assertThrows(() => modelPath(folder), UsageError, says);
  });
});
