/** Predicts how long units take, by running a few updates of each kind on the backend at hand. */
import { createEvaluator } from "../evaluate/evaluator.ts";
import type { Unit } from "../experiment/unit.ts";
import { readUnitConfig } from "../manifest/unit_config.ts";
import type { Backend } from "../plan/backend.ts";
import { createTrainer } from "../train/trainer.ts";
import type { Clock } from "./clock.ts";
import type { UnitData } from "./load_unit_data.ts";
import { trainerSettings } from "./trainer_settings.ts";
import { unitBatches, unitWindows } from "./unit_batches.ts";

/** Predicted cost of one unit. */
export interface UnitCost {
  /** Seconds to train and evaluate, compiled. */
  readonly seconds: number;
  /** Seconds to compile the first time in a process. */
  readonly compileSeconds: number;
}

const TIMED_UPDATES = 2;

/** Cost of a unit from one warm-up update, two timed ones and one evaluated batch. Nothing is kept. */
export async function calibrateUnit(unit: Unit, options: {
  readonly backend: Backend;
  readonly data: UnitData;
  readonly clock: Clock;
}): Promise<UnitCost> {
  const { backend, data, clock } = options;
  const config = readUnitConfig(unit.config, { where: unit.name });
  const { train, seqLen, seed } = config;
  const settings = trainerSettings(config, data);
  const { shape: { batch }, accumulation = 1 } = settings;
  const begin = clock.seconds();
  const trainer = await createTrainer(backend, settings);
  const evaluator = await createEvaluator(backend, { ...settings, parametersOf: trainer.program });
  try {
    const batches = unitBatches(data, { seqLen, batchSize: batch * accumulation, seed });
    const windows = unitWindows(data, { seqLen, evalTokens: batch * seqLen });
    await trainer.advance(batches.at, { from: 0, to: 1 });
    await evaluator.evaluate(windows);
    const compiled = clock.seconds();
    await trainer.advance(batches.at, { from: 1, to: 1 + TIMED_UPDATES });
    const trained = clock.seconds();
    await evaluator.evaluate(windows);
    const evaluated = clock.seconds();
    const update = (trained - compiled) / TIMED_UPDATES;
    const evaluations = Math.ceil(train.steps / train.evalEvery) + 1;
    const evalBatches = Math.ceil(Math.floor(train.evalTokens / seqLen) / batch);
    return {
      seconds: update * train.steps + (evaluated - trained) * evalBatches * evaluations,
      compileSeconds: compiled - begin,
    };
  } finally {
    evaluator.destroy();
    trainer.destroy();
  }
}
