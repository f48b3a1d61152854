/**
 * Removes coverage profiles that are cut off: tests kill processes on purpose, and one that dies while it
 * writes its profile leaves half a file, which `deno coverage` refuses. Says how many were removed.
 *
 *   deno run --allow-read=coverage --allow-write=coverage .ci/drop_cut_profiles.ts coverage/profile
 */
const [folder] = Deno.args;
let cut = 0;
let kept = 0;
for (const { name } of [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".json"))) {
  const path = `${folder}/${name}`;
  try {
    JSON.parse(Deno.readTextFileSync(path));
    kept += 1;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    Deno.removeSync(path);
    cut += 1;
  }
}
console.log(`coverage: ${kept} profiles, ${cut} cut off by processes that tests killed`);
if (kept === 0) Deno.exit(1);
