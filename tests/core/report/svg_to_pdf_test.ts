import { assert, assertEquals, assertRejects } from "@std/assert";
import { IncompleteError, PaperError } from "../../../core/errors.ts";
import { svgToPdf } from "../../../core/report/svg_to_pdf.ts";

const SVG =
  `<svg xmlns="http://www.w3.org/2000/svg" width="100" height="50"><path d="M0,0L9,9"/></svg>`;

async function withSvg(
  text: string,
  test: (svg: string, pdf: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/a.svg`, text);
    await test(`${folder}/a.svg`, `${folder}/a.pdf`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function hasConverter(): Promise<boolean> {
  try {
    await new Deno.Command("rsvg-convert", { args: ["--version"], stdout: "null" }).output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const present = await hasConverter();
const skip = present ? "" : " [skipped: rsvg-convert is not installed]";

Deno.test("svgToPdf() says what to install and leaves the SVG", async () => {
  await withSvg(SVG, async (svg, pdf) => {
    await assertRejects(
      () => svgToPdf(svg, pdf, { program: "no-such-converter" }),
      IncompleteError,
      "PDF not built: no-such-converter not found; install librsvg2-bin",
    );
    assertEquals(await Deno.readTextFile(svg), SVG);
  });
});

Deno.test({
  name: `svgToPdf() gives one point per pixel and the same bytes twice${skip}`,
  ignore: !present,
  fn: async () => {
    await withSvg(SVG, async (svg, pdf) => {
      await svgToPdf(svg, pdf);
      const first = await Deno.readFile(pdf);
      assert(new TextDecoder("latin1").decode(first).startsWith("%PDF-"));
      assert(/MediaBox \[ ?0 0 100 50 ?\]/.test(new TextDecoder("latin1").decode(first)));
      await svgToPdf(svg, pdf);
      assertEquals(await Deno.readFile(pdf), first);
    });
  },
});

Deno.test({
  name: `svgToPdf() reports a file that is no SVG${skip}`,
  ignore: !present,
  fn: async () => {
    await withSvg("no picture", async (svg, pdf) => {
      await assertRejects(() => svgToPdf(svg, pdf), PaperError, "a.svg");
    });
  },
});
