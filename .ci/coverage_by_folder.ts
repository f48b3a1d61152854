/** Prints percentages of covered lines and branches for each folder of core, from an LCOV file. */
interface Coverage {
  readonly lines: number;
  readonly linesHit: number;
  readonly branches: number;
  readonly branchesHit: number;
}

const NOTHING: Coverage = { lines: 0, linesHit: 0, branches: 0, branchesHit: 0 };

function sum(a: Coverage, b: Coverage): Coverage {
  return {
    lines: a.lines + b.lines,
    linesHit: a.linesHit + b.linesHit,
    branches: a.branches + b.branches,
    branchesHit: a.branchesHit + b.branchesHit,
  };
}

/** `/home/a/project/core/gpu/device.ts` → `core/gpu`, `.../core/errors.ts` → `core`; else undefined. */
function folderOf(path: string): string | undefined {
  if (/[\\/]tests[\\/]core[\\/]/.test(path)) return undefined;
  const inside = /.*\/(core\/.+)$/.exec("/" + path.replaceAll("\\", "/"))?.[1];
  return inside?.split("/").slice(0, -1).slice(0, 2).join("/");
}

/**
 * Sums of an LCOV report by folder of core, folders sorted.
 *
 * @throws {Error} If no file of core is in the report
 */
export function coverageByFolder(lcov: string): ReadonlyMap<string, Coverage> {
  const folders = new Map<string, Coverage>();
  for (const record of lcov.split("end_of_record")) {
    const path = /^SF:(.*)$/m.exec(record)?.[1].trim();
    const folder = path === undefined ? undefined : folderOf(path);
    if (folder === undefined) continue;
    const count = (key: string): number =>
      Number(new RegExp(`^${key}:(\\d+)`, "m").exec(record)?.[1] ?? 0);
    folders.set(
      folder,
      sum(folders.get(folder) ?? NOTHING, {
        lines: count("LF"),
        linesHit: count("LH"),
        branches: count("BRF"),
        branchesHit: count("BRH"),
      }),
    );
  }
  if (folders.size === 0) throw new Error("Expected files of core/ in the LCOV report, got none");
  return new Map([...folders].sort(([a], [b]) => a < b ? -1 : 1));
}

function percentage(hit: number, found: number): string {
  return found === 0 ? "-" : `${(100 * hit / found).toFixed(1)} %`;
}

/** One line per folder and a line for all of them. */
export function coverageTable(folders: ReadonlyMap<string, Coverage>): string {
  const all: readonly (readonly [string, Coverage])[] = [
    ...folders,
    ["all of core", [...folders.values()].reduce(sum, NOTHING)],
  ];
  const row = (name: string, lines: string, branches: string): string =>
    name.padEnd(20) + lines.padStart(9) + branches.padStart(10);
  return [
    row("folder", "lines", "branches"),
    ...all.map(([name, c]) =>
      row(name, percentage(c.linesHit, c.lines), percentage(c.branchesHit, c.branches))
    ),
  ].join("\n");
}

if (import.meta.main) {
  console.log(coverageTable(coverageByFolder(await Deno.readTextFile(Deno.args[0]))));
}
