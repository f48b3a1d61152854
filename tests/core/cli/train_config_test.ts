import { assertEquals, assertThrows } from "@std/assert";
import { parseArguments } from "../../../core/cli/args.ts";
import { givenSettings, TRAIN } from "../../../core/cli/train_command.ts";
import { type TrainConfig, trainConfig } from "../../../core/cli/train_config.ts";
import { KEY_OF_NAME, SECTIONS, TRAIN_KEYS } from "../../../core/cli/train_keys.ts";
import { ManifestError, UsageError } from "../../../core/errors.ts";
import { parseYaml } from "../../../core/manifest/yaml.ts";

/** The settings of a file's text and of flags, as the command reads them. */
function configOf(yaml: string, args: readonly string[] = []): TrainConfig {
  const read = parseArguments(args, TRAIN);
  if (read.kind === "help") throw new Error("asked for help");
  const document = yaml === "" ? {} : parseYaml(yaml, { file: "my.yaml" });
  return trainConfig(document, { file: "my.yaml", given: givenSettings(read.options, args) });
}

function refuses(
  yaml: string,
  want: { readonly says: string; readonly kind?: typeof ManifestError; readonly args?: string[] },
): void {
  const { says, kind = ManifestError, args = [] } = want;
  assertThrows(() => configOf(yaml, args), kind, says);
}

Deno.test("trainConfig() of nothing is the preset sound with the published defaults", () => {
  const { model, optimiser, ...rest } = configOf("");
  assertEquals([model.kind, model.d_model, model.n_layers], ["resnet-bk", 64, 4]);
  assertEquals([model.mode, model.grad_mode, model.eta_learned], ["causal", "exact", true]);
  assertEquals([optimiser.learning_rate, optimiser.weight_decay], [1e-3, 0.01]);
  assertEquals([rest.batchSize, rest.epochs, rest.seqLen, rest.seed], [20, 3, 128, 42]);
  assertEquals(rest.tokenizer, { kind: "word", vocab: 30_000, text: "raw" });
  assertEquals(rest.dataset, "sotu");
});

Deno.test("trainConfig() lets the file win over the preset and the command line over the file", () => {
  const yaml =
    "model: { config_preset: baseline, num_experts: 8, top_k: 2 }\ntraining: { epochs: 5 }";
  const { model, epochs } = configOf(yaml, ["--top-k", "3", "--num_epochs", "7"]);
  assertEquals([model.num_experts, model.top_k, model.bk_channels, epochs], [8, 3, 1, 7]);
  assertEquals(configOf(yaml, ["--config-preset=sound"]).model.bk_channels, 8);
  // The file's table is not changed by what a command says.
  assertEquals(configOf(yaml).model.top_k, 2);
});

Deno.test("trainConfig() reads every published spelling, in files and with dashes or underscores", () => {
  const files: readonly (readonly [string, (config: TrainConfig) => unknown, unknown])[] = [
    ["data: { seq_len: 512 }", ({ seqLen }) => seqLen, 512],
    ["model: { n_seq: 512 }", ({ seqLen }) => seqLen, 512],
    ["training: { lr: 0.5 }", ({ optimiser }) => optimiser.learning_rate, 0.5],
    ["training: { num_epochs: 9 }", ({ epochs }) => epochs, 9],
    ["training: { gradient_clip_norm: 2 }", ({ optimiser }) => optimiser.grad_clip, 2],
    ["training: { max_grad_norm: 2 }", ({ optimiser }) => optimiser.grad_clip, 2],
    ["model: { use_prime_bump: true }", ({ model }) => model.prime_bump, "formula"],
    ["model: { use_prime_bump: false }", ({ model }) => model.prime_bump, "none"],
    ["model: { use_scattering_router: true }", ({ model }) => model.router, "scattering"],
    ["model: { use_scattering_router: false }", ({ model }) => model.router, "gate"],
    ["training: { grad_blend: 0 }", ({ model }) => model.grad_blend, 0],
    ["training: { epsilon: 0.5 }", ({ model }) => model.epsilon, 0.5],
    [
      "memory_optimization: { gradient_checkpointing: true }",
      ({ optimiser }) => optimiser.gradient_checkpointing,
      true,
    ],
    ["training: { mixed_precision: true }", ({ optimiser }) => optimiser.mixed_precision, true],
    ["memory_optimization: { cpu_offloading: true }", (c) => c.optimiser.cpu_offloading, true],
    [
      "training: { gradient_accumulation_steps: 8 }",
      ({ optimiser }) => optimiser.gradient_accumulation_steps,
      8,
    ],
    ["model: { use_koopman: false }", ({ model }) => model.preset, undefined],
  ];
  for (const [yaml, value, expected] of files) assertEquals(value(configOf(yaml)), expected, yaml);
  const args = ["--d-model=128", "--n_layers=8", "--seq_len=32", "--grad_clip=2", "--batch-size=4"];
  const { model, seqLen, optimiser, batchSize } = configOf("", args);
  assertEquals([model.d_model, model.n_layers, seqLen, optimiser.grad_clip, batchSize], [
    ...[128, 8, 32, 2, 4],
  ]);
  assertEquals(configOf("", ["--use-prime-bump"]).model.prime_bump, "formula");
  const switchedOn = "model: { use_prime_bump: true }";
  assertEquals(configOf(switchedOn, ["--no-use-prime-bump"]).model.prime_bump, "none");
  assertEquals(configOf(switchedOn, ["--use_prime_bump=false"]).model.prime_bump, "none");
});

Deno.test("trainConfig() knows the other kinds of model, whose keys are not mixed", () => {
  assertEquals(configOf("model: { kind: transformer }").model.n_heads, 4);
  assertEquals(configOf("", ["--kind", "resolvent-block"]).model.mixer_norm, "none");
  refuses("model: { kind: transformer, top_k: 1 }", { says: "at model.top_k: unknown key" });
  const pinned = { path: "./m.ts", sha256: "0".repeat(64) };
  const yaml = (module: unknown): string =>
    `model: { kind: module, module: ${JSON.stringify(module)} }`;
  assertEquals(configOf(yaml(pinned)).model, {
    ...{ kind: "module", module: pinned, d_model: 64, n_layers: 4, tie_head: true },
  });
  const flags = configOf(yaml("./m.ts"), ["--module", "./lib/n.ts"]);
  assertEquals([flags.model.module, flags.placeOf("model.module").path], [
    ...["./lib/n.ts", "--module"],
  ]);
  refuses("model: { kind: module }", { says: "my.yaml: at model.module: missing" });
  refuses(yaml("/m.ts"), {
    says:
      "my.yaml: at model.module: expected a relative path of a .ts, .js or .mjs file that starts with ./ or",
  });
  refuses("model: { kind: transformer, module: ./m.ts }", {
    says:
      'my.yaml: at model.module: belongs to models of kind "module", got kind "transformer"; say "kind: module"',
  });
  refuses("", {
    says:
      'command line: at --module: belongs to models of kind "module", got kind "resnet-bk"; add --kind module',
    args: ["--module", "./m.ts"],
  });
});

Deno.test("trainConfig() refuses unknown and misplaced keys, wrong values and contradictions", () => {
  refuses("modell: {}", { says: 'my.yaml: at modell: unknown section; did you mean "model"?' });
  refuses("model: { n_layer: 2 }", {
    says: 'at model.n_layer: unknown key; did you mean "n_layers"?',
  });
  refuses("model: { batch_size: 2 }", { says: "stands in the wrong section: training" });
  refuses("training: { batch_size: 0 }", {
    says: "at training.batch_size: expected an integer >= 1",
  });
  refuses("training: { warmup_steps: x }", {
    says: "at training.warmup_steps: expected an integer",
  });
  refuses("", { says: "command line: at --top-k: expected an integer", args: ["--top-k", "0"] });
  refuses("model: { num_experts: 4 }", {
    says: "command line: at --top-k: expected at most num_experts = 4",
    args: ["--top-k", "5"],
  });
  refuses("model: { top_k: 5 }", { says: "my.yaml: at model.top_k: expected at most num_experts" });
  refuses("", {
    says: "command line: at --n-heads: unknown key",
    args: ["--n-heads", "2"],
  });
  refuses("data: { tokenizer: byte }", {
    says: "command line: at --vocab-size: the byte tokenizer has 256 ids, got 300",
    args: ["--vocab-size", "300"],
    kind: UsageError,
  });
  const twice = "model: { n_seq: 128 }\ndata: { seq_len: 256 }";
  refuses(twice, { says: "256 contradicts model.n_seq, which says 128", kind: UsageError });
  assertEquals(configOf(twice.replace("256", "128")).seqLen, 128);
  const bytes = "data: { tokenizer: byte, vocab_size: 300 }";
  refuses(bytes, { says: "the byte tokenizer has 256 ids, got 300", kind: UsageError });
  assertEquals(configOf(bytes.replace("300", "256")).tokenizer, { kind: "byte" });
  assertEquals(configOf("data: { tokenizer: gpt2 }").tokenizer, { kind: "gpt2" });
});

Deno.test("trainConfig() refuses every part that does not exist yet, by file and by flag", () => {
  const later = TRAIN_KEYS.filter(({ needs }) => needs !== undefined);
  for (const { name, type } of later) {
    const value = type === "flag" ? "true" : "1";
    const says = "not available yet";
    refuses(`model: { ${name}: ${value} }`, { says, kind: UsageError });
    refuses("", { says, kind: UsageError, args: [`--${name}=${value}`] });
    if (type === "flag") configOf(`model: { ${name}: false }`, [`--no-${name}`]);
  }
  refuses("", { says: '"full" is not available yet', args: ["--config-preset", "full"] });
});

Deno.test("TRAIN_KEYS names every setting once and gives each a section and a schema", () => {
  const names = TRAIN_KEYS.flatMap(({ name, aliases }) => [name, ...aliases]);
  assertEquals(names.length, KEY_OF_NAME.size);
  for (const { name, sections, schema, description } of TRAIN_KEYS) {
    assertEquals(sections.every((section) => SECTIONS.includes(section)), true, name);
    assertEquals([typeof schema?.read, description !== ""], ["function", true], name);
  }
});

Deno.test("trainConfig() reads the examples, which say every key of the published file", () => {
  const first = Deno.readTextFileSync("docs/examples/my_first_model.yaml");
  const published = "vocab_size d_model n_layers n_seq epsilon use_prime_bump num_experts top_k " +
    "use_scattering_router batch_size learning_rate num_epochs warmup_steps gradient_checkpointing " +
    "mixed_precision dataset seq_len";
  for (const key of published.split(" ")) assertEquals(first.includes(` ${key}: `), true, key);
  const { model, optimiser, ...rest } = configOf(first);
  assertEquals([model.router, model.prime_bump, model.n_layers], ["scattering", "formula", 6]);
  assertEquals([optimiser.mixed_precision, optimiser.gradient_checkpointing], [true, true]);
  assertEquals([rest.batchSize, rest.epochs, rest.seqLen, rest.dataset], [8, 3, 512, "sotu"]);
  assertEquals(rest.tokenizer, { kind: "word", vocab: 30_000, text: "raw" });
  const small = configOf(Deno.readTextFileSync("docs/examples/small_model.yaml"));
  assertEquals([small.model.d_model, small.dataset, small.epochs], [32, "moby-dick", 5]);
});
