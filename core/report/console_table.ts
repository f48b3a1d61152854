/** The multi-length table of one arm as fixed-width text. */
import { leakNotes } from "./leak_table.ts";
import { leakingArms, stampedArm } from "./leaks.ts";
import { fixedText, perplexityText } from "./number_text.ts";
import { isSmoke, type ReportPlan, SMOKE_STAMP } from "./report_plan.ts";
import type { CellSummary } from "./summaries.ts";

const WIDTHS = [10, 12, 10, 15] as const;
const HEADINGS = ["Seq Len", "Final PPL", "Spikes", "Grad Norm"] as const;
const RULE_WIDTH = 60;

/** Line that opens the output of a smoke run; empty for other profiles. */
export function smokeBanner(plan: ReportPlan): string {
  if (!isSmoke(plan)) return "";
  const frame = "*".repeat(RULE_WIDTH);
  return `${frame}\n${SMOKE_STAMP} (a functional test; its numbers support no claim)\n${frame}\n`;
}

/**
 * One table per arm in the plan's order, each ending in a line feed. PPL is exp of the mean final
 * validation loss over seeds, spikes are summed over seeds, gradient norms are mean ± sample standard
 * deviation over logged steps and seeds. A cell without a record reads NO DATA; one in which a seed
 * diverged reads DIVERGED and has a footnote.
 */
export function multiLengthTables(plan: ReportPlan, cells: readonly CellSummary[]): string {
  const leaking = leakingArms(cells);
  return plan.arms.map((arm) =>
    multiLengthTable(
      `${plan.title}: ${stampedArm(arm, leaking)} (${plan.experiment}, profile ${plan.profile})`,
      cells.filter((cell) => cell.arm === arm),
    )
  ).join("\n");
}

/** The table of one arm under a title. */
export function multiLengthTable(title: string, cells: readonly CellSummary[]): string {
  return [
    title,
    "=".repeat(RULE_WIDTH),
    row(HEADINGS),
    "-".repeat(RULE_WIDTH),
    ...cells.map((cell) => row(columns(cell))),
    ...cells.flatMap(footnotes),
    "",
  ].join("\n");
}

function row(texts: readonly string[]): string {
  return texts.map((text, i) => text.padEnd(WIDTHS[i])).join(" ").trimEnd();
}

function columns(cell: CellSummary): readonly string[] {
  if (cell.records.length === 0) return [String(cell.seqLen), "NO DATA", "NO DATA", "NO DATA"];
  return [
    String(cell.seqLen),
    perplexityCell(cell),
    String(cell.spikes),
    cell.gradNorm === null
      ? "n/a"
      : `${fixedText(cell.gradNorm.mean, 3)} ± ${fixedText(cell.gradNorm.sd, 3)}`,
  ];
}

function perplexityCell(cell: CellSummary): string {
  if (cell.diverged > 0 || cell.loss === null) return "DIVERGED";
  return perplexityText(cell.loss.perplexity, cell.loss.halfWidth);
}

/** What a reader must know about a cell besides its row; empty for a complete, sound cell without divergence. */
export function footnotes(cell: CellSummary): readonly string[] {
  const notes = [...leakNotes(cell)];
  const found = cell.records.length;
  if (found < cell.planned) {
    notes.push(`${cell.seqLen}: ${cell.planned - found} of ${cell.planned} seeds have no record`);
  }
  if (cell.diverged > 0) {
    const loss = cell.loss === null
      ? "no arm has a finite loss here"
      : `with the worst finite loss of this length in their place PPL is at least ${
        perplexityText(cell.loss.perplexity, cell.loss.halfWidth)
      }`;
    notes.push(`${cell.seqLen}: ${cell.diverged} of ${found} seeds diverged; ${loss}`);
  }
  return notes;
}
