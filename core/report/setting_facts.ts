/** Facts about what was run: settings, data, machine, counts. */
import { StoreError } from "../errors.ts";
import type { Json, RunRecord } from "../store/record.ts";
import { type Fact, makeFact } from "./fact.ts";
import type { Floor } from "./figure_curves.ts";
import { escapeLatex, latexNumber } from "./latex_text.ts";
import { fixedText, listText } from "./number_text.ts";
import type { ReportPlan } from "./report_plan.ts";

const FLOOR_DECIMALS = 3;
const PRINTED_DIGITS = 12;

/**
 * One fact per setting that all records share, "phase4/config/train/steps", and one per setting that
 * all records of an arm share, "phase4/resnet-bk/config/model/num_experts"; likewise for `data`. What
 * varies within an arm (length, seed) is not a setting.
 */
export function settingFacts(plan: ReportPlan, records: readonly RunRecord[]): readonly Fact[] {
  const common = sharedFacts(`${plan.experiment}`, records);
  const known = new Set(common.map((fact) => fact.key.slice(plan.experiment.length)));
  const perArm = plan.arms.flatMap((arm) => {
    const prefix = `${plan.experiment}/${arm}`;
    return sharedFacts(prefix, records.filter((record) => record.arm === arm))
      .filter((fact) => !known.has(fact.key.slice(prefix.length)));
  });
  return [...common, ...perArm];
}

/** Facts about the campaign as a whole. */
export function campaignFacts(plan: ReportPlan, records: readonly RunRecord[]): readonly Fact[] {
  const runs = records.map((record) => record.key);
  const texts: Readonly<Record<string, string>> = {
    "run/title": plan.title,
    "run/profile": plan.profile,
    "run/arms": plan.arms.join(", "),
    "run/lengths": listText(plan.lengths),
    "run/seeds": listText(plan.seeds),
    "run/backend": distinct(records, (record) => record.engine.backend),
    "run/preset": distinct(records, (record) => record.engine.preset),
    "run/adapter": distinct(records, adapterText),
    "run/adapter_kind": distinct(records, adapterKind),
    "run/deno": distinct(records, (record) => record.environment.deno),
    "run/os": distinct(records, ({ environment }) => `${environment.os} ${environment.arch}`),
    "run/revision": distinct(
      records,
      ({ code }) =>
        `${code.revision.slice(0, PRINTED_DIGITS)}${
          code.dirty ? " (with uncommitted changes)" : ""
        }`,
    ),
    "run/code": distinct(records, (record) => record.code.digest.slice(0, PRINTED_DIGITS)),
  };
  const counts: Readonly<Record<string, number>> = {
    "run/units_planned": plan.units.length,
    "run/units_sealed": records.length,
    "run/n_seeds": plan.seeds.length,
    "run/n_arms": plan.arms.length,
    "run/length_min": Math.min(...plan.lengths),
    "run/length_max": Math.max(...plan.lengths),
    "run/alpha": plan.alpha,
    "run/n_comparisons": plan.comparisons.length,
  };
  return [
    ...Object.entries(texts).map(([key, value]) =>
      makeFact(`${plan.experiment}/${key}`, { value, text: escapeLatex(value), runs })
    ),
    ...Object.entries(counts).map(([key, value]) =>
      makeFact(`${plan.experiment}/${key}`, { value, text: latexNumber(String(value)), runs })
    ),
  ];
}

/** N-gram floors of the records at one length, in the order of the record. */
export function floorsOf(records: readonly RunRecord[]): readonly Floor[] {
  const texts = new Set(records.map((record) => JSON.stringify(floorMember(record))));
  if (texts.size > 1) {
    throw new StoreError(
      `Records of one length disagree on data.floors: ${[...texts].join(" and ")}; ` +
        `they were made from different data`,
    );
  }
  const floors = JSON.parse([...texts][0] ?? "{}") as Readonly<Record<string, number>>;
  return Object.entries(floors).map(([label, value]) => ({ label, value }));
}

/** Share of targets that guessing gets right, where all records say the same; else null. */
export function chanceOf(records: readonly RunRecord[]): number | null {
  const found = new Set(records.map(({ data }) => isObject(data) ? data["chance"] : undefined));
  const [chance] = found;
  return found.size === 1 && typeof chance === "number" ? chance : null;
}

/** Floors as facts, "phase4/floor/2048/bigram". */
export function floorFacts(
  plan: ReportPlan,
  byLength: ReadonlyMap<number, readonly RunRecord[]>,
): readonly Fact[] {
  return [...byLength].flatMap(([seqLen, records]) =>
    floorsOf(records).map(({ label, value }) =>
      makeFact(`${plan.experiment}/floor/${seqLen}/${label}`, {
        value,
        text: fixedText(value, FLOOR_DECIMALS),
        runs: records.map((record) => record.key),
      })
    )
  );
}

function floorMember(record: RunRecord): Json {
  const data = record.data;
  const floors = isObject(data) ? data["floors"] : undefined;
  const sound = isObject(floors) &&
    Object.values(floors).every((value) => typeof value === "number" && Number.isFinite(value));
  if (floors === undefined || !sound) {
    throw new StoreError(
      `Record "${record.name}": at data.floors: expected n-gram floors in nats per token by name, ` +
        `got ${JSON.stringify(floors)}`,
    );
  }
  return floors;
}

function sharedFacts(prefix: string, records: readonly RunRecord[]): readonly Fact[] {
  if (records.length === 0) return [];
  const runs = records.map((record) => record.key);
  const leaves = records.map((record) =>
    new Map([...leavesOf(record.config, "config"), ...leavesOf(record.data, "data")])
  );
  return [...leaves[0]].flatMap(([path, value]) => {
    if (/^data\/floors\//.test(path) || path === "config/seed") return [];
    if (!leaves.every((other) => other.get(path) === value)) return [];
    const text = typeof value === "number" ? latexNumber(String(value)) : wordText(value);
    return [makeFact(`${prefix}/${path}`, { value, text, runs })];
  });
}

/** Numbers, words and switches of a JSON tree by path; lists are joined. */
function leavesOf(node: Json, path: string): readonly (readonly [string, number | string])[] {
  if (node === null) return [];
  if (typeof node === "number" || typeof node === "string") return [[path, node]];
  if (typeof node === "boolean") return [[path, node ? "yes" : "no"]];
  if (!isObject(node)) return [[path, node.map((item) => String(item)).join(", ")]];
  return Object.entries(node).flatMap(([key, value]) => leavesOf(value, `${path}/${key}`));
}

/** Long digests are cut for print; the fact's value keeps all digits. */
function wordText(value: string): string {
  return escapeLatex(/^[0-9a-f]{40,}$/.test(value) ? value.slice(0, PRINTED_DIGITS) : value);
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function distinct(records: readonly RunRecord[], read: (record: RunRecord) => string): string {
  return [...new Set(records.map(read))].sort().join("; ") || "none";
}

function adapterText({ engine }: RunRecord): string {
  if (engine.adapter === null) return "no adapter";
  const { description, device, vendor } = engine.adapter;
  return description || device || vendor || "unnamed adapter";
}

function adapterKind({ engine }: RunRecord): string {
  if (engine.adapter === null) return "reference interpreter";
  return engine.adapter.isFallbackAdapter ? "software adapter" : "hardware adapter";
}
