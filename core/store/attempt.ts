import { StoreError } from "../errors.ts";
import { canonicalJson } from "../manifest/canonical_json.ts";
import type { Json } from "../manifest/json.ts";
import { type Checkpoint, saveCheckpoint } from "./checkpoint.ts";
import { formatMetricLine, linesThrough, parseMetricLines } from "./metric_lines.ts";
import type { MetricLine } from "./record.ts";
import { readIfPresent, readTextIfPresent, replaceFile, storeIo, writeAll } from "./store_io.ts";

/** What an attempt is doing. Only a sealed record proves that a unit is done. */
export interface AttemptStatus {
  readonly state: "running" | "preempted" | "failed" | "sealed";
  /** Time of the change, ISO 8601. */
  readonly at: string;
  readonly host: string;
  readonly pid: number;
  /** Why it stopped, or null. */
  readonly reason: string | null;
}

/** A checkpoint with the folder of the attempt that saved it. */
export interface ResumePoint extends Checkpoint {
  readonly attemptFolder: string;
}

/** One try at a unit: the only writer of its folder while it is open. */
export class Attempt {
  /** Key of the unit. */
  readonly key: string;
  /** 1 for the first try. */
  readonly number: number;
  readonly folder: string;
  readonly #metricsPath: string;
  #metrics: Deno.FsFile | null;

  /** Called by `Store.beginAttempt()`, which has just made the folder. */
  constructor(at: { readonly key: string; readonly number: number; readonly folder: string }) {
    this.key = at.key;
    this.number = at.number;
    this.folder = at.folder;
    this.#metricsPath = `${at.folder}/metrics.jsonl`;
    this.#metrics = openForAppend(this.#metricsPath);
  }

  /**
   * Appends one line to `metrics.jsonl` and hands it to the system at once: a killed process loses
   * at most the line it was writing.
   *
   * @throws {StoreError} If the disk refuses. The attempt then takes no more lines, since the last
   *   may be torn.
   */
  appendMetric(line: MetricLine): void {
    const file = this.#metrics;
    if (file === null) throw new StoreError(`Cannot write "${this.#metricsPath}": it is closed`);
    const bytes = new TextEncoder().encode(formatMetricLine(line));
    try {
      storeIo(`write "${this.#metricsPath}"`, () => writeAll(file, bytes));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Takes over the metrics of an earlier attempt up to its checkpoint, so that no step appears
   * twice. Lines of a step must have been appended before its checkpoint was saved.
   *
   * @throws {StoreError} If this attempt has written metrics already, or the earlier ones are damaged.
   */
  resumeFrom(point: ResumePoint): void {
    const path = `${point.attemptFolder}/metrics.jsonl`;
    const { lines } = parseMetricLines(readTextIfPresent(path) ?? "", { path });
    if (this.metricsBytes().length > 0) {
      throw new StoreError(`Cannot resume into "${this.#metricsPath}": it has lines already`);
    }
    const kept = linesThrough(lines, { step: point.step }).map(formatMetricLine).join("");
    this.close();
    replaceFile(this.#metricsPath, kept);
    this.#metrics = openForAppend(this.#metricsPath);
  }

  /** The whole of `metrics.jsonl`, ready to be stored as an output. */
  metricsBytes(): Uint8Array<ArrayBuffer> {
    return readIfPresent(this.#metricsPath) ?? new Uint8Array();
  }

  /** Replaces `status.json`. */
  writeStatus(status: AttemptStatus): void {
    const text = canonicalJson({ ...status } satisfies Json);
    replaceFile(`${this.folder}/status.json`, `${text}\n`, { durable: false });
  }

  /** Saves a checkpoint and keeps the latest two of this attempt. */
  saveCheckpoint(checkpoint: Checkpoint): void {
    saveCheckpoint(checkpointFolder(this.folder), checkpoint);
  }

  /** Closes the metrics file; may be called again. */
  close(): void {
    this.#metrics?.close();
    this.#metrics = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Where an attempt keeps its checkpoints. */
export function checkpointFolder(attemptFolder: string): string {
  return `${attemptFolder}/checkpoint`;
}

function openForAppend(path: string): Deno.FsFile {
  return storeIo(`write "${path}"`, () => Deno.openSync(path, { append: true, create: true }));
}
