import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { prepareData } from "../../../core/cli/prepare_data.ts";
import { CORPORA } from "../../../core/data/corpora.ts";
import { sha256Hex } from "../../../core/random/sha256.ts";
import { DataError, StoreError, UsageError } from "../../../core/errors.ts";
// python3 tests/golden/corpora.py > tests/golden/corpora.json
import golden from "../../golden/corpora.json" with { type: "json" };

function printed(args: readonly string[]): string {
  const lines: string[] = [];
  prepareData(args, (text) => lines.push(text));
  return lines.join("\n");
}

function inTemporaryFolder(use: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("prepareData() writes parts, facts and prints digests and floors", () => {
  inTemporaryFolder((folder) => {
    const text = printed(["--dataset", "moby-dick", "--output", `${folder}/new/parts`]);
    const facts = JSON.parse(Deno.readTextFileSync(`${folder}/new/parts/dataset.json`));
    for (const name of ["train", "valid", "test"] as const) {
      const pin = golden["moby-dick"].cut[name];
      assertEquals(sha256Hex(Deno.readFileSync(`${folder}/new/parts/${name}.txt`)), pin.sha256);
      assertEquals(facts.parts[name], pin);
      assertStringIncludes(text, pin.sha256);
    }
    assertEquals(facts.text, golden["moby-dick"].text);
    // python3: 2.4313730917203893 / math.log(2) is 3.50773 and so on for the four.
    assertStringIncludes(text, "valid  1-gram 3.1800 (4.5878)  2-gram 2.4314 (3.5077)");
    assertStringIncludes(text, "test   1-gram 3.1570 (4.5547)  2-gram 2.4148 (3.4838)");
    assertEquals([...Deno.readDirSync(`${folder}/new/parts`)].length, 4);
  });
});

Deno.test("prepareData() leaves equal files, refuses other ones, overwrites with --force", () => {
  inTemporaryFolder((folder) => {
    const args = ["--dataset", "moby-dick", "--output", folder, "--json", "--floors", "1"];
    assertEquals(JSON.parse(printed(args)).written.length, 4);
    assertEquals(JSON.parse(printed(args)).written, []);
    Deno.writeTextFileSync(`${folder}/valid.txt`, "precious");
    Deno.removeSync(`${folder}/train.txt`);
    assertThrows(() => printed(args), UsageError, '"valid.txt" exists with other content');
    assertEquals(Deno.readTextFileSync(`${folder}/valid.txt`), "precious");
    assertEquals([...Deno.readDirSync(folder)].some(({ name }) => name === "train.txt"), false);
    assertEquals(JSON.parse(printed([...args, "--force"])).written, ["train.txt", "valid.txt"]);
    assertEquals(JSON.parse(printed(args)).written, []);
  });
});

Deno.test("prepareData() hashes a user's text and verifies it against --sha256", () => {
  inTemporaryFolder((folder) => {
    const path = `${folder}/notes.txt`;
    Deno.writeTextFileSync(path, "a line of text\n".repeat(400));
    const run = (...more: string[]) =>
      JSON.parse(printed(["--corpus", path, "--output", `${folder}/out`, "--json", ...more]));
    const { text, id, split } = run();
    assertEquals([id, split, text.bytes], ["user", "lines", 6000]);
    assertEquals(run("--sha256", text.sha256).written, []);
    assertThrows(() => run("--sha256", CORPORA.sotu.text.sha256), DataError, text.sha256);
  });
});

Deno.test("prepareData() needs exactly one known text and an output", () => {
  const refuses = (args: string[], text: string) =>
    assertThrows(() => printed(args), UsageError, text);
  refuses([], "expected one of --dataset <id> or --corpus <path>, got neither");
  refuses(["--dataset", "sotu", "--corpus", "x"], "got both");
  refuses(["--dataset", "moby_dick", "--output", "x"], 'did you mean "moby-dick"?');
  refuses(["--dataset", "moby-dick"], "--output is required");
  refuses(["--corpus", "x", "--data-dir", "y", "--output", "x"], "--data-dir goes with --dataset");
  assertThrows(
    () => printed(["--dataset", "moby-dick", "--output", "x", "--split", "interleave"]),
    DataError,
    'no split "interleave"',
  );
});

Deno.test("prepareData() reports an output that cannot be written", () => {
  inTemporaryFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "");
    assertThrows(
      () => printed(["--dataset", "moby-dick", "--output", `${folder}/file`]),
      StoreError,
      `${folder}/file/`,
    );
  });
});

Deno.test("prepareData() lists the registry", () => {
  assertEquals(JSON.parse(printed(["--list", "--json"])).map(({ id }: { id: string }) => id), [
    "sotu",
    "moby-dick",
    "tinyshakespeare",
  ]);
  assertStringIncludes(printed(["--list"]), "splits  interleave (default), chronological");
});

Deno.test("prepare_data.ts ends with code 2 and one message when RESNET_BK_DATA holds bad bytes", () => {
  inTemporaryFolder((folder) => {
    Deno.mkdirSync(`${folder}/tinyshakespeare`);
    Deno.writeTextFileSync(`${folder}/tinyshakespeare/input.txt`, "hello world\n");
    const { code, stderr, stdout } = new Deno.Command("deno", {
      args: [
        "run",
        "--no-prompt",
        "--allow-read",
        "--allow-write",
        "--allow-env=RESNET_BK_DATA,NO_COLOR",
        new URL("../../../core/cli/prepare_data.ts", import.meta.url).href,
        "--dataset=tinyshakespeare",
        `--output=${folder}/out`,
        "--json",
      ],
      env: { RESNET_BK_DATA: folder },
    }).outputSync();
    assertEquals(code, 2);
    assertEquals(JSON.parse(new TextDecoder().decode(stdout)).error.kind, "DataError");
    // The digest of "hello world\n": sha256sum of that line.
    assertStringIncludes(
      new TextDecoder().decode(stderr),
      "a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447 (12 bytes)",
    );
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["tinyshakespeare"]);
  });
});
