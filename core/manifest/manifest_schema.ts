import { modelParts } from "./model_schema.ts";
import {
  integer,
  name,
  number,
  objectOf,
  oneOf,
  optional,
  patchOf,
  type Read,
  recordOf,
  text,
} from "./schema.ts";
import {
  dataSchema,
  lengthsSchema,
  seedsSchema,
  targetSchema,
  trainSchema,
} from "./unit_config.ts";

const arm = objectOf({
  model: optional(patchOf(modelParts)),
  train: optional(patchOf(trainSchema)),
});

/** Directions, units and scales are said, so that a reader need not guess. */
const metrics = objectOf({
  val_loss: objectOf({ direction: oneOf("lower"), unit: oneOf("nats/token") }),
  /** Updates until the validation loss is at or below `target`, in nats per token; compared as a ratio. */
  steps_to_target: optional(objectOf({
    direction: oneOf("lower"),
    unit: oneOf("updates"),
    scale: oneOf("ratio"),
    target: targetSchema,
  })),
});

const analysis = objectOf({
  alpha: number({ above: 0, below: 1 }),
  family: oneOf("holm"),
  /** Metric of the family. Comparisons of the other metrics are shown without a verdict. */
  primary: oneOf("val_loss", "steps_to_target"),
  /** A diverged run counts as the worst of its comparison. There is no way to drop it. */
  on_divergence: oneOf("worst"),
  /** Pairs of arms, each tested at every length of the grid: difference a - b, or ratio a / b. */
  comparisons: recordOf(objectOf({ a: name, b: name })),
});

/** LaTeX main file, from the root of the project; without it an experiment has figures and tables alone. */
const paper = text({ pattern: /^(.+\/)?main\.tex$/, what: "a path that ends in main.tex" });

/** Sections that a profile, a base file or the command line may change. */
const settings = {
  data: dataSchema,
  engine: objectOf({ adapter: objectOf({ require: oneOf("any", "hardware") }) }),
  model: patchOf(modelParts),
  train: trainSchema,
  grid: objectOf({ seq_len: lengthsSchema }),
  arms: recordOf(arm),
  replicates: objectOf({ seeds: seedsSchema }),
  metrics,
  analysis,
  /** How units are run. Part of no key and no digest. */
  execution: objectOf({
    executor: oneOf("inline", "local"),
    workers: integer({ min: 1, max: 256 }),
  }),
};

const manifestShape = {
  apiVersion: oneOf("harness/v1"),
  kind: oneOf("Experiment"),
  metadata: objectOf({ name, title: text(), paper: optional(paper) }),
  ...settings,
};

/** A manifest after `extends` and a profile: everything is said, nothing is left to a default. */
export const manifestSchema = objectOf(manifestShape);

/** A manifest as it stands in a file; keys that another file or a profile adds may be missing. */
export const fileSchema = objectOf({
  extends: text(),
  profiles: recordOf(objectOf({ description: text(), ...settings })),
  ...manifestShape,
});

/** A resolved manifest in the names of the code. `model` and the arms stay patches in manifest keys. */
export type Manifest = Read<typeof manifestSchema>;
