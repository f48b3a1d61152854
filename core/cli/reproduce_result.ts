/** What `reproduce` says at the end: tables, files, and one error where something is missing. */
import { HarnessError, IncompleteError, UnitError } from "../errors.ts";
import type { ReportResult } from "../report/build_report.ts";
import type { Campaign } from "../run/plan_campaign.ts";
import type { CampaignResult, Failure } from "../run/run_campaign.ts";
import type { Store } from "../store/store.ts";

/** Failures that a message names; the others are counted. */
const NAMED_FAILURES = 3;

/** The error that a campaign ends with; none for one that is complete or was stopped by the user. */
export function campaignError(at: {
  readonly campaign: Campaign;
  readonly result: CampaignResult;
  readonly report: ReportResult | null;
  readonly store: Store;
}): HarnessError | undefined {
  const { result: { failures, stopped }, report } = at;
  if (failures.length > 0) {
    const count = `${failures.length} ${failures.length === 1 ? "failure" : "failures"}`;
    const more = failures.length > NAMED_FAILURES
      ? [`  and ${failures.length - NAMED_FAILURES} more`]
      : [];
    const lines = failures.slice(0, NAMED_FAILURES).map((failure) => failureText(failure, at));
    const text = [`${count}, finished units are kept:`, ...lines, ...more].join("\n");
    const isBug = failures.some(({ exitCode }) => exitCode === 1);
    return isBug
      ? new HarnessError(`${text}\nThis is a bug in the harness: please report it with these lines`)
      : new UnitError(text);
  }
  if (stopped || !report || report.missing.length === 0) return undefined;
  return new IncompleteError(
    `${report.missing.length} planned units have no record; run the same command again to finish them`,
  );
}

function failureText(
  { key, error, message }: Failure,
  { campaign, store }: { readonly campaign: Campaign; readonly store: Store },
): string {
  const job = campaign.jobs.find((planned) => planned.key === key);
  const text = `  ${job?.unit.name ?? "worker set-up"}: ${error}: ${message}`;
  return job ? `${text}\n    log: ${store.paths.attempts(key)}` : text;
}

/** Prints tables and files, or with `json` one document that holds the error too. */
export function printResult(at: {
  readonly result: CampaignResult;
  readonly report: ReportResult | null;
  readonly error: HarnessError | undefined;
  readonly json: boolean;
}): void {
  const { result, report, error, json } = at;
  if (json) {
    console.log(JSON.stringify(resultJson(at), null, 2));
    if (error) console.error(`error: ${error.message}`);
    return;
  }
  if (!report) return;
  console.log(report.consoleText);
  console.log(`Written:\n${report.files.map((path) => `  ${path}`).join("\n")}`);
  for (const reason of report.notBuilt) console.error(`note: ${reason}`);
  if (result.sealed === 0) console.error("note: no unit was run, all were done already");
}

function resultJson({ result, report, error }: {
  readonly result: CampaignResult;
  readonly report: ReportResult | null;
  readonly error: HarnessError | undefined;
}): Record<string, unknown> {
  const { sealed, stopped, failures } = result;
  return {
    sealed,
    stopped,
    failures: failures.map(({ key, error, message }) => ({ key, error, message })),
    comparisons: report?.comparisons ?? [],
    files: report?.files ?? [],
    missing: report?.missing ?? [],
    not_built: report?.notBuilt ?? [],
    ...(error && {
      error: { kind: error.name, message: error.message, exit_code: error.exitCode },
    }),
  };
}
