/** Environment variable that names a folder of corpora. */
export const DATA_VARIABLE = "RESNET_BK_DATA";

/**
 * Folders to search for corpora: `--data-dir` first, then the folder in RESNET_BK_DATA; needs the
 * permission `--allow-env=RESNET_BK_DATA`.
 */
export function dataDirectories(option: string | undefined): readonly string[] {
  return [option, Deno.env.get(DATA_VARIABLE)].flatMap((folder) => folder ? [folder] : []);
}
