/** Judges what the browser's compiler said, and prints it. */
import type { KernelSet } from "./collect_kernels.ts";
import type { CompiledReport, PageAdapter, PageReport } from "./compile_in_page.ts";

/** A text or a pipeline that was refused; equal refusals of one entry point are counted once. */
export interface Refusal {
  readonly shader: string;
  /** Absent where the text itself was refused. */
  readonly entry_point?: string;
  /** Line in the text, where the compiler gives one. */
  readonly line?: number;
  readonly message: string;
  /** How many texts or pipelines met the same message. */
  readonly times: number;
  readonly overrides?: Readonly<Record<string, number>>;
  readonly bindings?: number;
  /** The first plan that needed it. */
  readonly origin?: string;
}

/** One row of the table. */
export interface EntryPointRow {
  readonly kernel: string;
  /** Distinct texts, override sets and numbers of bindings. */
  readonly pipelines: number;
  readonly compiled: number;
}

/** The whole result, as `--json` prints it. */
export interface PortabilityReport {
  readonly browser: string;
  readonly adapter: PageAdapter;
  readonly plans: number;
  readonly texts: number;
  readonly pipelines: number;
  readonly rows: readonly EntryPointRow[];
  readonly refusals: readonly Refusal[];
  /** Warnings and notes of the compiler; they fail nothing. */
  readonly remarks: readonly Refusal[];
  /** Entry points that no traced plan launches, "matmul/scalar": their pipelines are unproven. */
  readonly unreached: readonly string[];
  /** Forbidden programs that the compiler took; then the run proves nothing. */
  readonly controls_taken: readonly string[];
  readonly ok: boolean;
}

/** `set` as collected; `report` is on that set with `controls` behind its kernels. */
export function judge(set: KernelSet, found: {
  readonly report: CompiledReport;
  readonly browser: string;
  readonly controls: KernelSet["kernels"];
}): PortabilityReport {
  const { report, browser, controls } = found;
  const refusedKernels = set.kernels.flatMap((kernel, index): Refusal[] => {
    const message = report.kernels[index];
    if (message === null) return [];
    const { shader, entryPoint, overrides, bindings, origin } = kernel;
    return [{ shader, entry_point: entryPoint, message, times: 1, overrides, bindings, origin }];
  });
  const refusals = grouped([
    ...messagesOf(set, report, (type) => type === "error"),
    ...refusedKernels,
  ]);
  const controls_taken = controls.filter((_, index) =>
    report.kernels[set.kernels.length + index] === null
  ).map(({ origin }) => origin);
  const unreached = unreachedOf(set);
  return {
    browser,
    adapter: report.adapter,
    plans: set.plans,
    texts: set.texts.length,
    pipelines: set.kernels.length,
    rows: rowsOf(set, report),
    refusals,
    remarks: grouped(messagesOf(set, report, (type) => type !== "error")),
    unreached,
    controls_taken,
    ok: refusals.length === 0 && unreached.length === 0 && controls_taken.length === 0,
  };
}

function messagesOf(
  set: KernelSet,
  report: PageReport,
  wanted: (type: string) => boolean,
): readonly Refusal[] {
  return set.texts.flatMap(({ shader }, index) =>
    report.texts[index].filter(({ type }) => wanted(type))
      .map(({ line, message }) => ({ shader, line, message, times: 1 }))
  );
}

function grouped(refusals: readonly Refusal[]): readonly Refusal[] {
  const groups = new Map<string, Refusal>();
  for (const refusal of refusals) {
    const { shader, entry_point, message } = refusal;
    const key = JSON.stringify([shader, entry_point, message]);
    const known = groups.get(key);
    groups.set(key, known ? { ...known, times: known.times + 1 } : refusal);
  }
  return [...groups.values()];
}

function rowsOf(set: KernelSet, report: PageReport): readonly EntryPointRow[] {
  const rows = new Map<string, EntryPointRow>();
  set.kernels.forEach(({ shader, entryPoint }, index) => {
    const kernel = `${shader}/${entryPoint}`;
    const { pipelines, compiled } = rows.get(kernel) ?? { pipelines: 0, compiled: 0 };
    const made = report.kernels[index] === null ? 1 : 0;
    rows.set(kernel, { kernel, pipelines: pipelines + 1, compiled: compiled + made });
  });
  return [...rows.values()].sort((a, b) => a.kernel < b.kernel ? -1 : 1);
}

function unreachedOf({ texts, kernels }: KernelSet): readonly string[] {
  const reached = new Set(kernels.map(({ shader, entryPoint }) => `${shader}/${entryPoint}`));
  const written = texts.flatMap(({ shader, source }) =>
    [...source.matchAll(/@compute\b[^{}]*?\bfn\s+(\w+)/g)].map(([, name]) => `${shader}/${name}`)
  );
  return [...new Set(written)].filter((name) => !reached.has(name)).sort();
}

/** The report for people. */
export function reportText(report: PortabilityReport): string {
  const { adapter, browser, rows, refusals, remarks, unreached, controls_taken } = report;
  const where = [adapter.vendor, adapter.architecture, adapter.description].filter((s) => s);
  return [
    `${browser}, adapter ${where.join(" ")}${adapter.isFallbackAdapter ? " (software)" : ""}`,
    `${report.texts} texts and ${report.pipelines} pipelines of ${report.plans} plans, both presets`,
    "",
    `${"kernel".padEnd(40)} pipelines compiled failed`,
    ...rows.map(({ kernel, pipelines, compiled }) =>
      kernel.padEnd(40) + String(pipelines).padStart(10) + String(compiled).padStart(9) +
      String(pipelines - compiled).padStart(7)
    ),
    "",
    ...remarks.map((remark) => `remark: ${refusalText(remark)}`),
    ...refusals.map((refusal) => `failed: ${refusalText(refusal)}`),
    ...unreached.map((name) => `failed: ${name}: no traced plan launches it`),
    ...controls_taken.map((name) => `failed: the compiler took a forbidden program: ${name}`),
    report.ok ? "all compiled, every forbidden control was refused" : "not portable as it stands",
  ].join("\n");
}

function refusalText(refusal: Refusal): string {
  const { shader, entry_point, line, message, times, overrides, bindings, origin } = refusal;
  const place = [shader, ...(entry_point ? [entry_point] : [])].join("/");
  const at = line ? `:${line}` : "";
  const from = origin
    ? `\n  first in ${origin}; ${bindings} bindings, overrides ${JSON.stringify(overrides)}`
    : "";
  return `${place}${at}: ${message.trim()}${times > 1 ? ` (${times} times)` : ""}${from}`;
}
