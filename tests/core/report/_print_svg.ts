/** Prints the SVG of the made-up campaign, for the test that compares two processes. */
import { FIGURE_SVG_PATH, reportFiles } from "../../../core/report/report_files.ts";
import { fixture } from "./_fixture.ts";

const { texts } = await reportFiles(fixture());
await Deno.stdout.write(new TextEncoder().encode(texts.get(FIGURE_SVG_PATH)));
