/**
 * Every error a user of the harness can meet, by cause. Each carries the exit code that the
 * command line returns for it; the table of codes stands in the README.
 */

/** An error with a cause the user can act on. Anything else is a bug in the harness (exit code 1). */
export class HarnessError extends Error {
  /** Process exit code for this cause. */
  readonly exitCode: number = 1;
  /** Name of the class, as printed before the message. */
  override get name(): string {
    return this.constructor.name;
  }
}

/** Command line that cannot be understood. */
export class UsageError extends HarnessError {
  /** Exit code: command line, manifest or corpus is wrong. */
  override readonly exitCode = 2;
}

/** Shapes or dtypes that an operation cannot combine; the message quotes both and the rule. */
export class ShapeError extends HarnessError {
  /** Exit code: a bug, since a manifest is checked before anything is traced. */
  override readonly exitCode = 1;
}

/** A manifest or case file that is wrong; the message names file, key, expected and got. */
export class ManifestError extends HarnessError {
  /** Exit code: command line, manifest or corpus is wrong. */
  override readonly exitCode = 2;
}

/** A corpus that is missing, or whose bytes are not the pinned ones. */
export class DataError extends HarnessError {
  /** Exit code: command line, manifest or corpus is wrong. */
  override readonly exitCode = 2;
}

/** The result store cannot be read or written; nothing sealed is lost. */
export class StoreError extends HarnessError {
  /** Exit code: a unit, the device or the store failed. */
  override readonly exitCode = 3;
}

/** A unit of an experiment failed; the message names the unit and where its log lies. */
export class UnitError extends HarnessError {
  /** Exit code: a unit, the device or the store failed. */
  override readonly exitCode = 3;
}

/** A computation left the finite numbers where it must not. */
export class NumericError extends HarnessError {
  /** Exit code: a unit, the device or the store failed. */
  override readonly exitCode = 3;
}

/** Some planned cells have no sealed record, or an output could not be built; running again resumes. */
export class IncompleteError extends HarnessError {
  /** Exit code: incomplete, the same command goes on. */
  override readonly exitCode = 7;
}

/** The paper does not agree with the sealed records. */
export class PaperError extends HarnessError {
  /** Exit code: the paper and the records disagree. */
  override readonly exitCode = 6;
}

/** Anything wrong with the WebGPU device. */
export class DeviceError extends HarnessError {
  /** Exit code: a unit, the device or the store failed. */
  override readonly exitCode = 3;
}

/** No WebGPU adapter; the message says how to install a driver. */
export class NoAdapterError extends DeviceError {}

/** The device was lost in mid-run. */
export class DeviceLostError extends DeviceError {}

/** The device refused an allocation; the message names the arena and its bytes. */
export class OutOfMemoryError extends DeviceError {}

/** WGSL that does not compile; the message has shader, entry point, line and compiler text. */
export class ShaderError extends DeviceError {}

/** The user stopped the work; running the same command again goes on from here. */
export class InterruptedError extends HarnessError {
  /** Exit code: stopped by a signal. */
  override readonly exitCode = 130;
}

/** Ends a `switch` over a closed union: a case that was forgotten is a compile error. */
export function assertNever(value: never): never {
  throw new Error(`Unhandled case ${JSON.stringify(value)}`);
}
