/** Data of a unit whose sequences are made by a rule. */
import { recallTask } from "../data/recall.ts";
import type { SequenceTask } from "../data/sequence_task.ts";
import type { TaskSettings } from "../manifest/task_schema.ts";

/** A task and what is recorded about it. */
export interface TaskUnitData {
  readonly kind: "task";
  readonly task: SequenceTask;
  readonly vocabularySize: number;
  readonly facts: TaskFacts;
  /** Loss of guessing, in nats per labelled target. */
  readonly floors: { readonly guessing: number };
}

/** What identifies a task in a record, beside its settings. */
export interface TaskFacts {
  readonly schema: "resnet-bk/task/v1";
  readonly id: string;
  readonly vocabulary_size: number;
  /** Names of the groups that targets fall into. */
  readonly groups: readonly string[];
  /** Share of targets that guessing gets right. */
  readonly chance: number;
}

/** The task of data settings. */
export function loadTask(settings: TaskSettings): TaskUnitData {
  const task = recallTask(settings);
  const { vocabularySize, groups, chance } = task;
  return {
    kind: "task",
    task,
    vocabularySize,
    facts: {
      schema: "resnet-bk/task/v1",
      id: settings.kind,
      vocabulary_size: vocabularySize,
      groups,
      chance,
    },
    floors: { guessing: -Math.log(chance) },
  };
}
