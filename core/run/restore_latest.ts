/** The state from which a training run goes on. */
import { StoreError } from "../errors.ts";
import { latestCheckpoint, type RejectedCheckpoint } from "../store/checkpoint.ts";
import { checkpointFromBytes, type CheckpointOrigin } from "../train/checkpoint_bytes.ts";
import type { Trainer } from "../train/trainer.ts";

/** Where a training run keeps its checkpoints. */
export function checkpointFolder(folder: string): string {
  return `${folder}/checkpoints`;
}

/**
 * Gives a trainer the newest sound checkpoint of its folder; without any it stays at its start.
 *
 * @throws {StoreError} If it is of another plan or engine, or there are checkpoints of which none is sound
 */
export function restoreLatest(trainer: Trainer, { folder, origin }: {
  readonly folder: string;
  readonly origin: CheckpointOrigin;
}): { readonly from: number; readonly rejected: readonly RejectedCheckpoint[] } {
  const { checkpoint, rejected } = latestCheckpoint(checkpointFolder(folder));
  if (checkpoint === null) {
    if (rejected.length === 0) return { from: 0, rejected };
    // To begin at 0 would cut off a log whose run may be saved from a copy.
    throw new StoreError(
      `Cannot go on in "${checkpointFolder(folder)}": no checkpoint is sound (${
        rejected.map(({ path, reason }) => `"${path}": ${reason}`).join("; ")
      }); restore one, or start anew with --restart`,
    );
  }
  const state = checkpointFromBytes(checkpoint.bytes, origin);
  if (state === undefined) {
    throw new StoreError(
      `Cannot go on from step ${checkpoint.step} in "${
        checkpointFolder(folder)
      }": it was computed by another ` +
        `engine or another version of it, expected ${origin.engine}; use that one, or start anew with --restart`,
    );
  }
  trainer.restore(state);
  return { from: state.step, rejected };
}
