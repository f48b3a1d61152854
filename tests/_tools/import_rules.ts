/** Rules about who may import whom. Each function gives one line per violation. */
import type { Import } from "./source_tree.ts";

/** Lowest first. An import may point to the same folder or to a lower layer, never up. */
export const LAYERS = [
  "errors",
  "random",
  "stats",
  "spectral",
  "graph",
  "ops",
  "plan",
  "gpu",
  "simd",
  "reference",
  "layers",
  "models",
  "data",
  "train",
  "evaluate",
  "compress",
  "manifest",
  "experiment",
  "store",
  "run",
  "report",
  "export",
  "serve",
  "cli",
] as const;

/** Layers that may import less than their height allows. */
const WALLS: Readonly<Record<string, readonly string[]>> = {
  stats: ["errors", "random"],
  spectral: ["errors", "random", "stats"],
  report: ["errors", "stats", "store"],
};

/** `core/gpu/device.ts` → `gpu`, `core/errors.ts` → `errors`; undefined outside core. */
export function layerOf(path: string): string | undefined {
  return /^core\/([^/]+?)(\.ts)?(\/|$)/.exec(path)?.[1];
}

/** Files of core that stand in no layer. */
export function layerViolations(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => path.startsWith("core/") && path.endsWith(".ts"))
    .filter((path) => !(LAYERS as readonly string[]).includes(layerOf(path) ?? ""))
    .map((path) => `${path}: "${layerOf(path)}" is not in the list of layers`);
}

/** Imports that point up, and imports of core from core that leave it for tests. */
export function directionViolations(imports: readonly Import[]): readonly string[] {
  const height = (path: string): number =>
    (LAYERS as readonly string[]).indexOf(layerOf(path) ?? "");
  return imports.flatMap(({ from, to }) => {
    if (to === undefined || !from.startsWith("core/")) return [];
    if (/^(tests\/|mod\.ts$|\.ci\/)/.test(to)) {
      return [`${from} imports ${to}, which is above core`];
    }
    if (!to.startsWith("core/") || height(to) <= height(from)) return [];
    return [`${from} imports ${to}: ${layerOf(from)} stands below ${layerOf(to)}`];
  });
}

/** Imports through the walls of `stats`, `spectral` and `report`. */
export function wallViolations(imports: readonly Import[]): readonly string[] {
  return imports.flatMap(({ from, to }) => {
    const source = layerOf(from);
    const target = to === undefined ? undefined : layerOf(to);
    const allowed = source === undefined ? undefined : WALLS[source];
    if (allowed === undefined || target === undefined || target === source) return [];
    if (allowed.includes(target)) return [];
    return [`${from} imports ${to}: ${source} may import only ${allowed.join(", ")}`];
  });
}

/** Shortest chains by which a file of layer `source` reaches layer `target`, directly or not. */
export function reachViolations(
  imports: readonly Import[],
  { source, target }: { readonly source: string; readonly target: string },
): readonly string[] {
  const starts = new Set(imports.map((edge) => edge.from).filter((p) => layerOf(p) === source));
  return [...starts].flatMap((start) => {
    const chain = chainTo(imports, { start, target });
    return chain === undefined ? [] : [`${source} reaches ${target}: ${chain.join(" -> ")}`];
  });
}

function chainTo(
  imports: readonly Import[],
  { start, target }: { readonly start: string; readonly target: string },
): readonly string[] | undefined {
  const queue: (readonly string[])[] = [[start]];
  const seen = new Set([start]);
  for (let chain = queue.shift(); chain !== undefined; chain = queue.shift()) {
    const last = chain[chain.length - 1];
    if (layerOf(last) === target) return chain;
    for (const { from, to } of imports) {
      if (from !== last || to === undefined || seen.has(to)) continue;
      seen.add(to);
      queue.push([...chain, to]);
    }
  }
  return undefined;
}

/** Specifiers that name a registry or a host instead of a name of the import map, and broken ones. */
export function specifierViolations(imports: readonly Import[]): readonly string[] {
  return imports.flatMap(({ from, specifier, to }) => {
    if (/^(npm|jsr|https?):/.test(specifier)) {
      return [`${from} imports "${specifier}": map a canonical name in deno.json instead`];
    }
    return to === undefined ? [`${from} imports "${specifier}", which does not exist`] : [];
  });
}
