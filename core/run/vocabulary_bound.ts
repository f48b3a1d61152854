import { vocabularyLimit } from "../data/fit_tokenizer.ts";
import type { DataSettings } from "../manifest/unit_config.ts";
import { loadTask } from "./load_task.ts";

/** V of the data, or the largest that it can be where words are still to be counted. */
export function vocabularyBound(data: DataSettings): number {
  return "task" in data ? loadTask(data.task).vocabularySize : vocabularyLimit(data.tokenizer);
}
