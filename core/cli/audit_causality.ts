/** `deno task audit-causality <arm or model>`: whether predictions read later tokens, and what that is worth. */
import {
  auditCausality,
  auditGain,
  auditText,
  type CausalityAudit,
  declaresCausal,
} from "../evaluate/leak_audit.ts";
import type { LeakGain } from "../evaluate/leak_gain.ts";
import type { Backend } from "../plan/backend.ts";
import { LEAKS_STAMP } from "../report/leaks.ts";
import { backendNameOf, type DeviceChoice, openBackend } from "../run/open_backend.ts";
import { parseArguments } from "./args.ts";
import { type AuditTarget, auditTarget } from "./audit_target.ts";
import { runMain } from "./main.ts";
import type { CommandSpec, OptionSpecs } from "./option_spec.ts";
import { SHARED_OPTIONS } from "./shared_options.ts";

const COMMAND = {
  name: "audit-causality",
  summary:
    "Perturb tokens of a model and report changes of earlier predictions, and what reading ahead gains. " +
    "Exit code 0: no leak found, 8: it leaks.",
  positionals: {
    placeholder: "arm-or-model",
    description: "an arm of the manifest, or the path of a model that train saved",
    minimum: 1,
    maximum: 1,
  },
  options: {
    experiment: SHARED_OPTIONS.experiment,
    profile: SHARED_OPTIONS.profile,
    set: {
      kind: "list",
      description: "keys of the arm's model to change",
      placeholder: "mode=paper,…",
    },
    seqLen: SHARED_OPTIONS.gridLength,
    seed: {
      kind: "number",
      description: "seed of the arm's first parameters; the first of the manifest without it",
      integer: true,
      minimum: 0,
    },
    corpus: {
      kind: "string",
      description: "your own text, for a model that was trained on it",
      placeholder: "path",
    },
    dataDir: SHARED_OPTIONS.dataDir,
    device: SHARED_OPTIONS.device,
    json: SHARED_OPTIONS.json,
  },
  examples: [
    "deno task audit-causality resnet-bk",
    "deno task audit-causality resnet-bk --set mode=paper",
    "deno task audit-causality checkpoints/small_model/checkpoint_final.safetensors --json",
  ],
} as const satisfies CommandSpec<OptionSpecs>;

/** Exit code of an audit that found a leak, docs/harness.md §5. */
export const LEAKS_EXIT_CODE = 8;

/** Positions that are listed for a length. */
const MOST_ROWS = 16;

/** Tokens that are perturbed or scored side by side, at least two sequences of them. */
const TOKENS_AT_A_TIME = 2048;

interface Findings {
  readonly target: AuditTarget;
  readonly audits: readonly CausalityAudit[];
  /** An earlier logit changed, or the model does not declare itself causal. */
  readonly leaks: boolean;
  readonly largestChange: number;
  readonly isDeclaredCausal: boolean;
  /** Null where nothing leaks or there is no text. */
  readonly gain: LeakGain | null;
}

/**
 * Runs the command and returns its exit code: 0 where no leak was found, 8 for a model that leaks.
 *
 * @throws {UsageError} If there is no such arm
 * @throws {StoreError} If the model cannot be read
 * @throws {DataError} If the text is missing
 * @throws {NumericError} If logits are not finite
 */
export async function auditCausalityCommand(args: readonly string[]): Promise<number> {
  const read = parseArguments(args, COMMAND);
  if (read.kind === "help") {
    console.log(read.text);
    return 0;
  }
  const { options, positionals: [name] } = read;
  const target = await auditTarget(name, options);
  const backend = await openBackend(backendNameOf(options.device as DeviceChoice));
  try {
    const found = await findingsOf(target, backend);
    console.log(
      options.json ? JSON.stringify(findingsJson(found), null, 2) : findingsText(found).join("\n"),
    );
    return found.leaks ? LEAKS_EXIT_CODE : 0;
  } finally {
    backend.destroy();
  }
}

async function findingsOf(target: AuditTarget, backend: Backend): Promise<Findings> {
  const audits: CausalityAudit[] = [];
  for (const length of target.lengths) {
    const rows = Math.max(2, Math.min(length - 1, Math.floor(TOKENS_AT_A_TIME / length)));
    audits.push(await auditCausality(backend, { ...target.at(length, rows), length }));
  }
  const isDeclaredCausal = declaresCausal(target.model);
  const leaks = !isDeclaredCausal || audits.some(({ changed }) => changed > 0);
  const { windows, seqLen } = target;
  const batch = Math.max(1, Math.floor(TOKENS_AT_A_TIME / seqLen));
  const gain = leaks && windows !== null
    ? await auditGain(backend, { ...target.at(seqLen, batch), windows })
    : null;
  const largestChange = Math.max(...audits.map((audit) => audit.largestChange));
  return { target, audits, leaks, largestChange, isDeclaredCausal, gain };
}

function findingsText(found: Findings): readonly string[] {
  const { target, audits, leaks, largestChange, isDeclaredCausal } = found;
  return [
    `model     ${target.name}`,
    `declared  ${isDeclaredCausal ? "causal" : "reads later tokens"}`,
    "",
    ...audits.flatMap(lengthLines),
    "",
    !leaks
      ? "no leak found: no bit of an earlier logit changed in what was compared above"
      : largestChange > 0
      ? `${LEAKS_STAMP}: earlier logits changed by up to ${largestChange}; its losses are no evidence`
      : `${LEAKS_STAMP}: the model declares that it reads later tokens; its losses are no evidence`,
    ...(leaks && isDeclaredCausal ? ["The model declares itself causal: correct it"] : []),
    gainText(found),
  ];
}

/** What one length showed, then a row for each position from which a change moved earlier logits. */
function lengthLines(audit: CausalityAudit): readonly string[] {
  const leaking = audit.probes.filter(({ changed }) => changed > 0);
  const line = (cells: readonly string[]) =>
    cells.map((text, i) => text.padEnd([10, 24, 0][i])).join("").trimEnd();
  const rows = leaking.map(({ position, changed, largestChange }) =>
    line([String(position), String(changed), largestChange.toPrecision(3)])
  );
  const shown = rows.slice(0, MOST_ROWS);
  return [
    `length ${audit.seqLen}: ${auditText(audit)}`,
    ...(rows.length > 0 ? [line(["from", "earlier logits changed", "largest change"])] : []),
    ...shown,
    ...(rows.length > shown.length ? [`and ${rows.length - shown.length} more positions`] : []),
  ];
}

function gainText({ leaks, gain }: Findings): string {
  if (!leaks) return "gain      not measured: without a leak there is nothing to gain";
  if (gain === null) return "gain      not measured: a task has no text";
  const { nats, standardError, targets, usual, honest } = gain;
  const error = standardError === null
    ? "one window"
    : `standard error ${standardError.toFixed(4)}`;
  return `gain      ${nats.toFixed(4)} nats per token (${error}, ${targets} targets): loss ${
    usual.toFixed(4)
  } with later tokens, ${honest.toFixed(4)} without`;
}

function findingsJson(found: Findings): Readonly<Record<string, unknown>> {
  const { target, audits, leaks, largestChange, isDeclaredCausal, gain } = found;
  return {
    model: target.name,
    leaks,
    declared_causal: isDeclaredCausal,
    largest_change: largestChange,
    audits: audits.map(({ seqLen, probes, compared }) => ({
      seq_len: seqLen,
      logits_compared: compared.classes,
      logits: compared.of,
      probes: probes.map((probe) => ({
        position: probe.position,
        changed: probe.changed,
        largest_change: probe.largestChange,
      })),
    })),
    gain: gain === null ? null : {
      nats: gain.nats,
      standard_error: gain.standardError,
      targets: gain.targets,
      loss: gain.usual,
      loss_without_later_tokens: gain.honest,
    },
  };
}

if (import.meta.main) await runMain(() => auditCausalityCommand(Deno.args));
