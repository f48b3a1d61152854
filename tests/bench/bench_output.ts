/** How every benchmark program hands over its result: a table on the terminal, JSON where it is asked for. */
import type { OptionSpecs } from "../../core/cli/option_spec.ts";

/** Options that every benchmark program has. */
export const OUTPUT_OPTIONS = {
  json: { kind: "boolean", description: "print JSON instead of tables" },
  out: { kind: "string", placeholder: "file.json", description: "also write the JSON there" },
} as const satisfies OptionSpecs;

export async function handOver(
  result: unknown,
  options: { readonly json: boolean; readonly out: string | undefined; readonly text: string },
): Promise<void> {
  const json = JSON.stringify(result, null, 2);
  if (options.out !== undefined) await Deno.writeTextFile(options.out, `${json}\n`);
  console.log(options.json ? json : options.text);
}

/** Columns padded to their widest cell: the first to the left, the others to the right. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
    ).join("  ").trimEnd()
  ).join("\n");
}
