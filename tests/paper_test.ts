/** The paper as LaTeX compiles it, from made-up records. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PaperError } from "../core/errors.ts";
import { buildReport } from "../core/report/build_report.ts";
import { lintPaper } from "../core/report/compile_paper.ts";
import { fixture, type FixtureOptions } from "./core/report/_fixture.ts";

const PAPER_DIR = new URL("../paper", import.meta.url).pathname;

async function firstMissing(programs: readonly string[]): Promise<string | undefined> {
  for (const program of programs) {
    try {
      await new Deno.Command(program, { args: ["-v"], stdout: "null", stderr: "null" }).output();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return program;
      throw error;
    }
  }
  return undefined;
}

const absent = await firstMissing(["latexmk", "rsvg-convert", "pdftotext"]);
const skip = absent === undefined ? "" : ` [skipped: ${absent} is not installed]`;

/** Builds a paper from made-up records; `edit` may change a copy of the sources first. */
async function withPaper(
  options: FixtureOptions & { readonly edit?: (source: string) => string },
  test: (pdf: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const paperDir = `${folder}/source`;
    await Deno.mkdir(paperDir);
    for (const name of ["main.tex", "harness.sty", "references.bib"]) {
      const text = await Deno.readTextFile(`${PAPER_DIR}/${name}`);
      await Deno.writeTextFile(
        `${paperDir}/${name}`,
        name === "main.tex" ? options.edit?.(text) ?? text : text,
      );
    }
    const outputDir = `${folder}/out`;
    const result = await buildReport({ ...fixture(options), outputDir, paperDir });
    assertEquals(result.notBuilt, []);
    await test(`${outputDir}/paper/main.pdf`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function textOf(pdf: string, page: number): Promise<string> {
  const { success, stdout } = await new Deno.Command("pdftotext", {
    args: ["-f", String(page), "-l", String(page), pdf, "-"],
    stdout: "piped",
  }).output();
  assert(success);
  return new TextDecoder().decode(stdout);
}

function paperTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `${name}${skip}`, ignore: absent !== undefined, fn });
}

for (const main of ["main.tex", "recall/main.tex", "gradients/main.tex"]) {
  Deno.test(`paper: ${main} has no number typed by hand`, async () => {
    await lintPaper(`${PAPER_DIR}/${main}`);
  });
}

Deno.test("paper: harness.sty raises an error for an unknown key instead of printing marks", async () => {
  const style = await Deno.readTextFile(`${PAPER_DIR}/harness.sty`);
  assertStringIncludes(style, "\\PackageError{harness}{Unknown #1");
});

paperTest("paper: a smoke run has the banner on page 1 and the stamp on every page", async () => {
  await withPaper({}, async (pdf) => {
    const first = await textOf(pdf, 1);
    assertEquals(first.match(/smoke: not evidence/g)?.length, 3); // head, box, verdict in the abstract
    assertStringIncludes(first, "Its numbers support no claim");
    for (const page of [2, 3]) assertStringIncludes(await textOf(pdf, page), "smoke: not evidence");
  });
});

paperTest("paper: other profiles have no banner and show missing cells", async () => {
  const missing: FixtureOptions["missing"] = ({ arm, seqLen }) =>
    arm === "transformer" && seqLen === 512;
  await withPaper({ profile: "cpu", missing }, async (pdf) => {
    const text = (await Promise.all([1, 2, 3].map((page) => textOf(pdf, page)))).join("");
    assert(!text.includes("not evidence"));
    assertStringIncludes(text, "NO DATA");
  });
});

paperTest("paper: an unknown fact stops the build and is named", async () => {
  const edit = (source: string) =>
    source.replace("\\section{Question}", "\\fact{phase4/no_such/key}\n$&");
  const error = await assertRejects(() => withPaper({ edit }, async () => {}), PaperError);
  assertStringIncludes(error.message, "Unknown fact `phase4/no_such/key'");
  assertEquals(error.exitCode, 6);
});

paperTest("paper: an unknown fact in a caption stops the build", async () => {
  const edit = (source: string) =>
    source.replace("\\caption{Loss", "\\caption{\\fact{phase4/gone} Loss");
  await assertRejects(() => withPaper({ edit }, async () => {}), PaperError, "phase4/gone");
});

paperTest("paper: a number typed by hand stops the build", async () => {
  const edit = (source: string) =>
    source.replace("\\section{Question}", "$&\nThe loss is 3.21 nats.");
  await assertRejects(() => withPaper({ edit }, async () => {}), PaperError, '"3.21"');
});

paperTest("paper: the same records give the same PDF in another folder", async () => {
  const bytes: Uint8Array[] = [];
  for (const _ of [1, 2]) {
    await withPaper({}, async (pdf) => void bytes.push(await Deno.readFile(pdf)));
  }
  assertEquals(bytes[0].length, bytes[1].length);
  assert(bytes[0].every((byte, i) => byte === bytes[1][i]));
});
