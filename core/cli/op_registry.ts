/** Every op of the engine by name, found by its file, so that adding one touches no list. */
import type { Op } from "../graph/op.ts";

const FOLDER = new URL("../ops/", import.meta.url);

/** Imports every file of core/ops and keeps what exports `op`, sorted by file name. */
async function findOps(): Promise<Readonly<Record<string, Op>>> {
  const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
    .filter((name) => name.endsWith(".ts")).sort();
  const ops: Record<string, Op> = {};
  for (const file of files) {
    const module = await import(new URL(file, FOLDER).href) as { readonly op?: Op };
    if (module.op) ops[module.op.name] = module.op;
  }
  return ops;
}

/** The ops that `deno task op` runs. */
export const OPS: Readonly<Record<string, Op>> = await findOps();
