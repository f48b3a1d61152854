/** What `reproduce` says before anything starts: machine, data, what there is to do. */
import { feasibility } from "../experiment/feasibility.ts";
import { formatSeconds } from "../run/format_seconds.ts";
import type { Campaign } from "../run/plan_campaign.ts";
import type { TextUnitData } from "../run/load_unit_data.ts";
import type { Reproduction } from "./reproduce_setup.ts";

/** The header, one line each. */
export function headerLines(
  setup: Reproduction,
  { campaign, out }: { readonly campaign: Campaign; readonly out: string },
): readonly string[] {
  const { manifest } = setup.resolved;
  const { metadata, execution } = manifest;
  const done = campaign.jobs.filter((job) => job.sealed).length;
  const workers = execution.executor === "local"
    ? ` with ${count(execution.workers, "worker")}`
    : "";
  return [
    `${metadata.title} (${metadata.name})`,
    `  profile   ${setup.choice.profile}: ${setup.choice.reason}`,
    `  backend   ${backendText(setup)}`,
    ...dataLines(setup),
    `  results   ${out}`,
    `  units     ${campaign.jobs.length} planned, ${done} of them done already; ` +
    `executor ${execution.executor}${workers}`,
    ...testLines(setup),
    ...changeLines(campaign),
  ];
}

function dataLines({ data }: Pick<Reproduction, "data">): readonly string[] {
  if (data.kind === "task") {
    const { facts: { id, groups, chance }, vocabularySize, floors: { guessing } } = data;
    return [
      `  task      ${id}, V = ${vocabularySize}, groups ${
        groups.join(", ")
      }; guessing gets ${chance} right, ` +
      `${guessing.toFixed(4)} nats per target`,
    ];
  }
  const { unigram, bigram } = data.floors;
  return [
    `  corpus    ${data.facts.id}, sha256 ${data.facts.text.sha256}`,
    ...tokenLines(data),
    `  floors    unigram ${unigram.toFixed(4)}, bigram ${bigram.toFixed(4)} nats per token`,
  ];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function backendText({ backend, adapter }: Reproduction): string {
  if (!adapter) return backend;
  const { description, device, isFallbackAdapter } = adapter;
  const warning = " (software adapter: its speed says nothing about GPUs)";
  return `${backend}, ${description || device}${isFallbackAdapter ? warning : ""}`;
}

/** Tokenizer, V and unknown words, without which a perplexity says nothing; bytes need no line. */
export function tokenLines(
  { facts, tokenizer }: Pick<TextUnitData, "facts" | "tokenizer">,
): readonly string[] {
  if (facts.tokenization === undefined) return [];
  const { bytes_per_token, unknown_rate } = facts.tokenization.valid;
  const unknown = unknown_rate === null ? "none" : `${(100 * unknown_rate).toFixed(2)} %`;
  return [
    `  tokens    ${tokenizer.kind}, V = ${tokenizer.vocabularySize}; of the validation text ` +
    `${bytes_per_token.toFixed(2)} bytes per token, ${unknown} unknown`,
  ];
}

function testLines({ resolved: { manifest } }: Reproduction): readonly string[] {
  const { analysis, grid, replicates } = manifest;
  const tests = Object.keys(analysis.comparisons).length * grid.seqLen.length;
  if (tests === 0) return [];
  const family = { seeds: replicates.seeds.length, tests, alpha: analysis.alpha };
  return [`  tests     ${feasibility(family).message}`];
}

/** Why units that were run before are run again. */
function changeLines(campaign: Campaign): readonly string[] {
  const moved = new Set(campaign.jobs.flatMap((job) => job.changes.map((change) => change.path)));
  if (moved.size === 0) return [];
  return [`  changed   since the last run: ${[...moved].sort().join(", ")}`];
}

/** The plan of `--dry-run`, one line per unit. */
export function planLines(
  campaign: Campaign,
  predicted: ReadonlyMap<string, number>,
): readonly string[] {
  return campaign.jobs.map(({ key, unit, sealed }) => {
    const seconds = predicted.get(key);
    const cost = sealed || seconds === undefined ? "" : `, ${formatSeconds(seconds)}`;
    return `${sealed ? "done" : "run "} ${key.slice(0, 12)} ${unit.name}${cost}`;
  });
}

/** The plan of `--dry-run --json`. */
export function planJson(
  { resolved, choice, backend }: Reproduction,
  at: { readonly campaign: Campaign; readonly predicted: ReadonlyMap<string, number> },
): Record<string, unknown> {
  return {
    experiment: resolved.manifest.metadata.name,
    profile: choice.profile,
    backend,
    units: at.campaign.jobs.map(({ key, unit, sealed, changes }) => ({
      key,
      name: unit.name,
      state: sealed ? "done" : "run",
      predicted_seconds: sealed ? 0 : at.predicted.get(key) ?? null,
      changed: changes.map((change) => change.path),
    })),
  };
}
