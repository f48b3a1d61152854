/**
 * The log of a training run as metrics.csv, written line by line, and metrics.json, written now and then. Rows of both
 * end with what is known of leaks: what the settings declare, and from the audit of the trained model on what that found.
 */
import { StoreError } from "../errors.ts";
import {
  makeFolder,
  readTextIfPresent,
  replaceFile,
  storeIo,
  writeAll,
} from "../store/store_io.ts";
import {
  METRIC_FIELDS,
  type MetricValue,
  type TrainingMetrics,
  withValLoss,
} from "./training_metrics.ts";

/** Between the numbers of a list in a cell. */
const LIST = ";";
/** Without the stamp of leaks, as older versions wrote it and logs may still have it. */
const BARE_HEADER = METRIC_FIELDS.join(",");
/** Columns of metrics.csv; the last two say what is known of leaks. */
export const METRICS_HEADER = `${BARE_HEADER},leaks,largest_earlier_change`;

/** The log in a folder. The owner calls `close`. */
export interface MetricsLog {
  /** Rows of all updates, those of earlier runs included. */
  readonly rows: readonly TrainingMetrics[];
  /** Adds rows to metrics.csv. */
  append(rows: readonly TrainingMetrics[]): void;
  /** Gives the last row its validation loss, in metrics.csv too. */
  setValLoss(valLoss: number): void;
  /** Writes metrics.json anew. */
  writeJson(): void;
  close(): void;
}

/**
 * Opens the log of a run that goes on after update `step`: rows of later updates, which will be done again, and a
 * line that a kill cut off are dropped.
 *
 * @throws {StoreError} If metrics.csv has other columns, lacks rows up to `step`, or the disk refuses
 */
export function openMetricsLog(folder: string, { step, leaks }: {
  readonly step: number;
  /** Whether the model's predictions depend on later tokens. */
  readonly leaks: boolean;
}): MetricsLog {
  makeFolder(folder);
  const path = `${folder}/metrics.csv`;
  const rows = [...step > 0 ? earlierRows(path, step) : []];
  // Nothing has been measured before the audit: the last cell is empty.
  const lineOf = (row: TrainingMetrics): string => `${csvLine(row)},${leaks},`;
  const rewritten = (): Deno.FsFile => {
    replaceFile(path, [METRICS_HEADER, ...rows.map(lineOf), ""].join("\n"), { durable: false });
    return storeIo(`open "${path}"`, () => Deno.openSync(path, { append: true }));
  };
  let file = rewritten();
  return {
    rows,
    append: (more) => {
      rows.push(...more);
      const text = more.map((row) => `${lineOf(row)}\n`).join("");
      storeIo(`write "${path}"`, () => writeAll(file, new TextEncoder().encode(text)));
    },
    setValLoss: (valLoss) => {
      rows[rows.length - 1] = withValLoss(rows[rows.length - 1], valLoss);
      const before = file;
      file = rewritten();
      before.close();
    },
    writeJson: () =>
      replaceFile(
        `${folder}/metrics.json`,
        `${JSON.stringify(rows.map((row) => ({ ...row, leaks })))}\n`,
        { durable: false },
      ),
    close: () => file.close(),
  };
}

function earlierRows(path: string, step: number): readonly TrainingMetrics[] {
  const text = readTextIfPresent(path) ?? "";
  const [header, ...lines] = text.slice(0, text.lastIndexOf("\n") + 1).split("\n").slice(0, -1);
  const isKnown = header === METRICS_HEADER || header === BARE_HEADER;
  const columns = header?.split(",").length ?? 0;
  const rows = (isKnown ? lines.slice(0, step) : [])
    .map((line, i) => rowOf(line, { path, step: i + 1, columns }));
  if (isKnown && rows.length === step) return rows;
  throw new StoreError(
    `Cannot go on with "${path}": expected its known columns and ${step} rows, got ` +
      `${rows.length} rows; restore it, or start anew with --restart`,
  );
}

/** One line: an empty cell for null, numbers of a list joined by ";". */
function csvLine(row: TrainingMetrics): string {
  return METRIC_FIELDS.map((field) => {
    const value = row[field];
    return Array.isArray(value) ? value.join(LIST) : value === null ? "" : String(value);
  }).join(",");
}

function rowOf(
  line: string,
  at: { readonly path: string; readonly step: number; readonly columns: number },
): TrainingMetrics {
  const cells = line.split(",");
  if (cells.length === at.columns && cells[0] === String(at.step)) {
    return Object.fromEntries(
      METRIC_FIELDS.map((field, i) => [field, valueOf(field, cells[i])]),
    ) as TrainingMetrics;
  }
  throw new StoreError(
    `Cannot go on with "${at.path}:${at.step + 1}": expected the ${at.columns} values of update ` +
      `${at.step}, got ${JSON.stringify(line.slice(0, 80))}; start anew with --restart`,
  );
}

function valueOf(field: string, cell: string): MetricValue {
  if (cell === "") return null;
  if (field === "expert_usage") return cell.split(LIST).map(Number);
  const value = Number(cell);
  return Number.isFinite(value) ? value : cell;
}
