import { fileURLToPath } from "node:url";
import { UsageError } from "../errors.ts";
import { knownWords } from "../manifest/did_you_mean.ts";

const EXPERIMENTS = new URL("../../experiments/", import.meta.url);

/** A path stays as it is; a bare name is a manifest of the project. */
export function manifestPath(experiment: string): string {
  if (/\.ya?ml$/.test(experiment)) return experiment;
  const known = [...Deno.readDirSync(EXPERIMENTS)].map(({ name }) => name)
    .filter((name) => name.endsWith(".yaml")).map((name) => name.slice(0, -".yaml".length)).sort();
  if (known.includes(experiment)) return fileURLToPath(new URL(`${experiment}.yaml`, EXPERIMENTS));
  throw new UsageError(
    `Unknown experiment "${experiment}"; ${
      knownWords(experiment, known)
    }, or a path that ends in .yaml`,
  );
}
