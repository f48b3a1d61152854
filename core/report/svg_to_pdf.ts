/** Turns an SVG file into a one-page vector PDF with rsvg-convert. */
import { IncompleteError, PaperError } from "../errors.ts";

/** How the converter is found. */
export interface SvgToPdfOptions {
  /**
   * Name or path of the program.
   *
   * @default {"rsvg-convert"}
   */
  readonly program?: string;
}

/**
 * Converts one file; 1 px of the SVG is 1 pt of the PDF.
 *
 * @throws {IncompleteError} If rsvg-convert is not installed; the SVG stays as it is
 * @throws {PaperError} If rsvg-convert refuses the file
 */
export async function svgToPdf(
  svgPath: string,
  pdfPath: string,
  options: SvgToPdfOptions = {},
): Promise<void> {
  const program = options.program ?? "rsvg-convert";
  const command = new Deno.Command(program, {
    args: ["-f", "pdf", "--dpi-x", "72", "--dpi-y", "72", "-o", pdfPath, svgPath],
    env: { SOURCE_DATE_EPOCH: "0" },
    stdout: "piped",
    stderr: "piped",
  });
  let output: Deno.CommandOutput;
  try {
    output = await command.output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new IncompleteError(
      `PDF not built: ${program} not found; install librsvg2-bin (the figure stays as "${svgPath}")`,
    );
  }
  if (!output.success) {
    const stderr = new TextDecoder().decode(output.stderr).trim();
    throw new PaperError(
      `Cannot convert "${svgPath}" to PDF: ${program} exit code ${output.code}: ${stderr}`,
    );
  }
}
