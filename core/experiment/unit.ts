import type { JsonObject } from "../manifest/json.ts";

/** One run of an experiment: one arm, at one point of the grid, with one seed. */
export interface Unit {
  /** Logical name, "phase4/smoke/resnet-bk/seq_len=128/seed=42". */
  readonly name: string;
  readonly experiment: string;
  readonly profile: string;
  readonly arm: string;
  /** Coordinates in the grid, {"seq_len": 128}. */
  readonly cell: { readonly seq_len: number };
  readonly seed: number;
  /** What the unit depends on and nothing else, in manifest keys; `readUnitConfig()` reads it. */
  readonly config: JsonObject;
}
