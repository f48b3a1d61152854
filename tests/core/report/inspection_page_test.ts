import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { inspectionPage, type InspectionPageInput } from "../../../core/report/inspection_page.ts";

/** Two heads over three tokens; numbers are no model's. */
const INPUT: InspectionPageInput = {
  title: 'Inside "a<b>"',
  facts: [["text", "to be & not"]],
  leaks: null,
  tokens: ["to", "be", "not"],
  rowHeads: [1],
  surprisal: Float64Array.of(1.5, 0.25),
  layers: ["block0", "block0/second"].map((place) => ({
    place,
    heads: [0.5, 2].map((scale) => ({
      greenRe: Float64Array.of(-0.2, 0.4, 0.1).map((x) => x * scale),
      greenIm: Float64Array.of(0.3, 0.7, 0.2).map((x) => x * scale),
      potential: Float64Array.of(1, -2, 0.5),
      eta: Float64Array.of(scale),
      weights: [[1, 0, 0], [0.25, 0.75, 0], [0.001, 0.3, 0.699]].map((row) =>
        Float64Array.from(row)
      ),
    })),
    experts: [[0, 0.9], [0.6, 0], [0, 0.8]].map((row) => Float64Array.from(row)),
  })),
};

/** Cells of the drawing whose figure caption has a text. */
function cellsOf(page: string, caption: string): number {
  const figure = page.split("<figure>").find((part) => part.includes(caption));
  if (figure === undefined) throw new Error(`no figure "${caption}"`);
  return figure.match(/aria-roledescription="rect mark"/g)?.length ?? 0;
}

Deno.test("inspectionPage() draws every head, token and expert, with units, and loads nothing", async () => {
  const page = await inspectionPage(INPUT);
  assertEquals(cellsOf(page, "Learned potential"), 6);
  assertEquals(cellsOf(page, "Real part"), 6);
  assertEquals(cellsOf(page, "Imaginary part"), 6);
  assertEquals(cellsOf(page, "Expert routing"), 6);
  // Six cells in and below the diagonal, of which one is below what is drawn.
  assertEquals(cellsOf(page, "Head 1, &eta; = 2.00"), 5);
  for (
    const unit of [
      "surprisal (nats)",
      "v (energy, bond = 1)",
      "Re G (1/energy)",
      "Im G (1/energy)",
      "eta (energy, bond = 1)",
      "share of the row (1)",
      "weight (1)",
    ]
  ) assertStringIncludes(page, `>${unit}<`);
  assertStringIncludes(page, "mean 0.875 nats per token");
  assertStringIncludes(page, "<h2>Block 0, second evaluation of its force</h2>");
  const addresses = page.match(/(https?:)?\/\/[^"\s]+/g) ?? [];
  assertEquals(addresses.filter((address) => !address.includes("www.w3.org")), []);
  assert(!page.includes("<script") && !page.includes("NaN"));
  assertEquals(await inspectionPage(INPUT), page);
});

Deno.test("inspectionPage() gives each drawing names of its own, and writes text as text", async () => {
  const page = await inspectionPage(INPUT);
  const ids = Array.from(page.matchAll(/\bid="([^"]*)"/g), ([, id]) => id);
  assertEquals(ids.length, new Set(ids).size);
  const used = Array.from(page.matchAll(/url\(#([^)]*)\)/g), ([, id]) => id);
  assert(used.length > 5);
  assertEquals(used.filter((id) => !ids.includes(id)), []);
  assertStringIncludes(page, "<title>Inside &#34;a&#60;b&#62;&#34;</title>");
  assertStringIncludes(page, "<dd>to be &#38; not</dd>");
});

Deno.test("inspectionPage() stamps a leaking model at the top and at every figure, and no other", async () => {
  const page = await inspectionPage({ ...INPUT, leaks: "later tokens are seen" });
  assertStringIncludes(page, "<b>LEAKS</b> later tokens are seen");
  const figures = page.match(/<figcaption>/g)?.length ?? 0;
  assertEquals(page.match(/<span class="stamp">LEAKS<\/span><\/figcaption>/g)?.length, figures);
  assert(!(await inspectionPage(INPUT)).includes("LEAKS"));
});
