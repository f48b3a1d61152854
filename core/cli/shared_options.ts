import { DEVICE_CHOICES } from "../run/open_backend.ts";
import type { OptionSpecs } from "./option_spec.ts";

/** Options that several commands have, with the same words and defaults in each. */
export const SHARED_OPTIONS = {
  checkpoint: {
    kind: "string",
    description: "model that train saved, or its folder",
    placeholder: "path",
    required: true,
  },
  experiment: {
    kind: "string",
    description: "name of a manifest in experiments/, or a path to one",
    placeholder: "name",
    default: "phase4",
  },
  profile: {
    kind: "string",
    description: "profile of the manifest",
    placeholder: "name",
    default: "smoke",
  },
  gridLength: {
    kind: "number",
    description: "length of the grid; the first without it",
    integer: true,
    minimum: 1,
  },
  dataDir: {
    kind: "string",
    description: "folder searched for corpora first; also RESNET_BK_DATA",
    placeholder: "folder",
  },
  device: {
    kind: "string",
    description: "backend that runs the plans; auto is webgpu, never a fallback",
    choices: DEVICE_CHOICES,
    default: "auto",
  },
  json: { kind: "boolean", description: "print one JSON document" },
} as const satisfies OptionSpecs;
