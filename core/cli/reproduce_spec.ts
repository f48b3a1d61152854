import type { CommandSpec, OptionSpecs, OptionValues } from "./option_spec.ts";
import { SHARED_OPTIONS } from "./shared_options.ts";

/** Command line of `deno task reproduce`. */
export const REPRODUCE = {
  name: "reproduce",
  summary:
    "Run an experiment to records, figures, tables and paper. The same command again resumes.",
  positionals: {
    placeholder: "experiment",
    description: "name of a manifest in experiments/, or a path to one",
    minimum: 1,
    maximum: 1,
  },
  options: {
    profile: {
      kind: "string",
      description: "profile of the manifest; without it, by the adapter",
      placeholder: "name",
    },
    device: SHARED_OPTIONS.device,
    executor: {
      kind: "string",
      description: "how units are run; the manifest says which without it",
      choices: ["inline", "local"],
    },
    workers: {
      kind: "number",
      description: "processes of the local executor",
      integer: true,
      minimum: 1,
      maximum: 256,
    },
    seeds: { kind: "list", description: "seeds instead of the manifest's", placeholder: "42,43,…" },
    corpus: {
      kind: "string",
      description: "your own text: a file or a folder of .txt files, pinned by its hash",
      placeholder: "path",
    },
    dataDir: SHARED_OPTIONS.dataDir,
    out: {
      kind: "string",
      description: "root of store, figures, tables and paper",
      placeholder: "folder",
      default: "results",
    },
    dryRun: { kind: "boolean", description: "print the plan with predicted times and stop" },
    profileKernels: {
      kind: "boolean",
      description:
        "time the kernels of each kind of unit first; tables here, JSON in <out>/profile",
    },
    failFast: { kind: "boolean", description: "stop at the first unit that fails" },
    quiet: { kind: "boolean", description: "no progress" },
    json: { kind: "boolean", description: "print one JSON document on standard output" },
  },
  examples: [
    "deno task reproduce phase4 --profile smoke",
    "deno task reproduce phase4 --dry-run",
    "deno task reproduce experiments/phase4.yaml --profile cpu --out results/cpu",
  ],
} as const satisfies CommandSpec<OptionSpecs>;

export type ReproduceOptions = OptionValues<typeof REPRODUCE.options>;
