/** Every WGSL text and every pipeline that the engine makes, found by tracing plans; no adapter is needed. */
import { manifestPath } from "../../core/cli/manifest_path.ts";
import { vocabularyBound } from "../../core/run/vocabulary_bound.ts";
import { evaluationPlan, logitsPlan } from "../../core/evaluate/evaluation_plan.ts";
import { expand } from "../../core/experiment/expand.ts";
import type { Attributes, Dispatch, Op, Preset } from "../../core/graph/op.ts";
import { readManifest } from "../../core/manifest/read_manifest.ts";
import { resolveManifest } from "../../core/manifest/resolve_manifest.ts";
import { readUnitConfig } from "../../core/manifest/unit_config.ts";
import { planLaunches } from "../../core/gpu/plan_launches.ts";
import { ALL_FUSION, NO_FUSION } from "../../core/plan/fuse.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { trainerSettings } from "../../core/run/trainer_settings.ts";
import { type TrainingGraphOptions, trainingPlan } from "../../core/train/training_graph.ts";
import { CONFIGS, settingsOf } from "../core/models/_conformance.ts";
import { allOps, traceTrial } from "../core/_trials.ts";

/** A WGSL text. */
export interface ShaderText {
  /** File without its ending; the texts made from `elementwise` are many. */
  readonly shader: string;
  readonly source: string;
}

/** A pipeline: what distinguishes one from another in the engine's own cache. */
export interface Kernel {
  /** Index into the list of texts. */
  readonly text: number;
  readonly shader: string;
  readonly entryPoint: string;
  readonly overrides: Readonly<Record<string, number>>;
  /** Storage buffers of group 0, all read_write. */
  readonly bindings: number;
  /** The first plan that needed it. */
  readonly origin: string;
}

/** All that a second compiler is given. */
export interface KernelSet {
  readonly texts: readonly ShaderText[];
  readonly kernels: readonly Kernel[];
  /** Number of plans that were traced, each with both presets. */
  readonly plans: number;
}

/** The text whose lines the op elementwise fills in: no WGSL until then. */
export const TEMPLATE = "elementwise";

const PRESETS: readonly Preset[] = ["gpu", "software-adapter"];
const SHADERS = new URL("../../shaders/", import.meta.url);

interface NamedPlan {
  readonly name: string;
  readonly plan: Plan;
}

/** The files of shaders/ and the distinct kernels of the models' plans and the ops' trials, both presets. */
export async function collectKernels(): Promise<KernelSet> {
  const texts = await shaderFiles();
  const indices = new Map(texts.map(({ source }, index) => [source, index]));
  const kernels = new Map<string, Kernel>();
  const add = (dispatch: Omit<Dispatch, "workgroups">, origin: string): void => {
    const { source, shader, entryPoint, overrides } = dispatch;
    const text = indices.get(source) ?? texts.push({ shader, source }) - 1;
    indices.set(source, text);
    const bindings = dispatch.bindings.length;
    const key = JSON.stringify([text, entryPoint, overrides, bindings]);
    if (kernels.has(key)) return;
    kernels.set(key, { text, shader, entryPoint, overrides, bindings, origin });
  };
  let plans = 0;
  for (const { name, plan } of [...plansOfModels(), ...plansOfTrials(await allOps())]) {
    plans++;
    for (const preset of PRESETS) {
      for (const { dispatch } of planLaunches(plan, preset)) add(dispatch, `${name}, ${preset}`);
    }
  }
  add(selfTestDispatch(texts), "self-test");
  return { texts, kernels: [...kernels.values()], plans };
}

async function shaderFiles(): Promise<ShaderText[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(SHADERS)) {
    if (name.endsWith(".wgsl") && name !== `${TEMPLATE}.wgsl`) names.push(name);
  }
  return await Promise.all(
    names.sort().map(async (name) => ({
      shader: name.replace(/\.wgsl$/, ""),
      source: await Deno.readTextFile(new URL(name, SHADERS)),
    })),
  );
}

/** core/gpu/self_test.ts makes the one launch that is in no plan. */
function selfTestDispatch(texts: readonly ShaderText[]): Omit<Dispatch, "workgroups"> {
  const shader = "self_test";
  const source = texts.find((text) => text.shader === shader)?.source;
  if (source === undefined) throw new Error(`shaders/${shader}.wgsl is missing`);
  return {
    source,
    shader,
    entryPoint: "forward",
    overrides: { COUNT: 253, BIAS: 1, WORKGROUP: 64 },
    bindings: [{ role: "input", index: 0 }, { role: "output", index: 0 }],
  };
}

/** Training and evaluation of every arm and length of phase4, and the conformance suite's small models. */
function* plansOfModels(): Generator<NamedPlan> {
  const manifest = readManifest(manifestPath("phase4"));
  for (const profile of Object.keys(manifest.profiles)) {
    const seen = new Set<string>();
    for (const unit of expand(resolveManifest(manifest, { profile }))) {
      const name = `${unit.profile}/${unit.arm}/${unit.cell.seq_len}`;
      if (seen.has(name)) continue; // seeds share their plans
      seen.add(name);
      const config = readUnitConfig(unit.config, { where: unit.name });
      const vocabularySize = vocabularyBound(config.data);
      yield* plansOf(name, trainerSettings(config, { vocabularySize }));
    }
  }
  for (const [index, config] of CONFIGS.entries()) {
    const settings = settingsOf(config, { shape: { batch: 4, seqLen: 24 }, steps: 1 });
    yield* plansOf(`conformance/${config.kind}/${index}`, settings);
  }
}

function* plansOf(
  name: string,
  settings: ReturnType<typeof trainerSettings>,
): Generator<NamedPlan> {
  const variants: Readonly<Record<string, Partial<TrainingGraphOptions>>> = {
    "train": { fusion: ALL_FUSION },
    "train unfused": { fusion: NO_FUSION },
    "train checkpointed": { checkpointing: true },
    "train accumulated": { accumulation: 2 },
    "train halves": { activationStorage: "f16" },
  };
  for (const [variant, options] of Object.entries(variants)) {
    yield { name: `${name} ${variant}`, plan: trainingPlan({ ...settings, ...options }) };
  }
  yield { name: `${name} evaluate`, plan: evaluationPlan(settings) };
  yield { name: `${name} logits`, plan: logitsPlan(settings) };
}

function* plansOfTrials(ops: readonly Op<Attributes>[]): Generator<NamedPlan> {
  for (const op of ops) {
    for (const trial of op.trials) {
      yield { name: `${op.name}, ${trial.name}`, plan: traceTrial(op, trial).plan };
    }
  }
}
