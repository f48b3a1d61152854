import { assertEquals, assertRejects } from "@std/assert";
import { IncompleteError, PaperError } from "../../../core/errors.ts";
import { compilePaper, lintPaper } from "../../../core/report/compile_paper.ts";

const SOURCE_DIR = new URL("../../../paper", import.meta.url).pathname;

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("compilePaper() without LaTeX says what to install and leaves no older PDF", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/main.pdf`, "older");
    const options = { sourceDir: SOURCE_DIR, paperDir: folder, program: "no-such-latex" };
    const error = await assertRejects(() => compilePaper(options), IncompleteError);
    assertEquals(
      error.message,
      "PDF not built: no-such-latex not found; install LaTeX with ./setup.sh --paper",
    );
    assertEquals(error.exitCode, 7);
    await assertRejects(() => Deno.stat(`${folder}/main.pdf`), Deno.errors.NotFound);
    assertEquals((await Deno.stat(`${folder}/harness.sty`)).isFile, true);
  });
});

Deno.test("lintPaper() names file, line and number", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/main.tex`;
    await Deno.writeTextFile(path, "\\begin{document}\nWe reach 1.23 nats.\n\\end{document}\n");
    const message = `${path}: 1 numbers typed by hand (line 2: "1.23"`;
    await assertRejects(() => lintPaper(path), PaperError, message);
  });
});

Deno.test("compilePaper() of a paper in a folder below takes the style and references from above", async () => {
  await inFolder(async (folder) => {
    const options = { paperDir: folder, program: "no-such-latex" };
    await assertRejects(
      () => compilePaper({ ...options, sourceDir: `${SOURCE_DIR}/recall` }),
      IncompleteError,
    );
    const text = (path: string): Promise<string> => Deno.readTextFile(path);
    assertEquals(await text(`${folder}/main.tex`), await text(`${SOURCE_DIR}/recall/main.tex`));
    assertEquals(await text(`${folder}/harness.sty`), await text(`${SOURCE_DIR}/harness.sty`));
  });
});
