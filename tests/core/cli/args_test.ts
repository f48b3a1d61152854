import { assertEquals, assertThrows } from "@std/assert";
import { parseArguments } from "../../../core/cli/args.ts";
import type { CommandSpec } from "../../../core/cli/option_spec.ts";
import { UsageError } from "../../../core/errors.ts";

const OPTIONS = {
  dataDir: { kind: "string", placeholder: "dir", description: "folder" },
  device: {
    kind: "string",
    choices: ["auto", "webgpu", "reference"],
    default: "auto",
    description: "backend",
  },
  steps: { kind: "number", integer: true, minimum: 1, default: 20, description: "updates" },
  rate: { kind: "number", description: "learning rate" },
  seeds: { kind: "list", description: "seeds" },
  json: { kind: "boolean", description: "print JSON" },
  colour: { kind: "boolean", default: true, description: "colours" },
} as const;
const SPEC: CommandSpec<typeof OPTIONS> = {
  name: "train",
  summary: "Train a model.",
  options: OPTIONS,
  positionals: { placeholder: "name", description: "experiment", minimum: 0, maximum: 1 },
  examples: ["deno task train phase4"],
};

function parse(line: string) {
  const parsed = parseArguments(line === "" ? [] : line.split(" "), SPEC);
  if (parsed.kind === "help") throw new Error("Expected values, got help");
  return parsed;
}

function refuses(line: string, text: string): void {
  const error = assertThrows(() => parse(line), UsageError, text);
  assertEquals(error.exitCode, 2);
}

Deno.test("parseArguments() fills defaults and leaves optional values undefined", () => {
  assertEquals(parse(""), {
    kind: "run",
    positionals: [],
    options: {
      dataDir: undefined,
      device: "auto",
      steps: 20,
      rate: undefined,
      seeds: [],
      json: false,
      colour: true,
    },
  });
});

Deno.test("parseArguments() types the values", () => {
  const { options, positionals } = parse(
    "phase4 --data-dir a_b/c --device webgpu --steps 7 --rate=-1.5e-3 --seeds 1,2 --seeds 3 --json",
  );
  assertEquals(positionals, ["phase4"]);
  assertEquals(options, {
    dataDir: "a_b/c",
    device: "webgpu",
    steps: 7,
    rate: -0.0015,
    seeds: ["1", "2", "3"],
    json: true,
    colour: true,
  });
});

Deno.test("parseArguments() accepts underscores in names and keeps them in values", () => {
  assertEquals(parse("--data_dir x_y").options.dataDir, "x_y");
  assertEquals(parse("--data_dir=x_y").options.dataDir, "x_y");
});

Deno.test("parseArguments() takes negative numbers and empty texts that follow their option as its value", () => {
  assertEquals(parse("--rate -1 --steps 2").options.rate, -1);
  assertEquals(parse("--rate -.5e-3").options.rate, -0.0005);
  assertEquals(parse("--seeds -1 --seeds -2").options.seeds, ["-1", "-2"]);
  assertEquals(parse("--data-dir -").options.dataDir, "-");
  const note = { kind: "string", description: "free text", default: "unset" } as const;
  const spec = { name: "go", summary: "Go.", options: { note, ...OPTIONS } } as const;
  for (const args of [["--note", "", "--json"], ["--note=", "--json"]]) {
    const parsed = parseArguments(args, spec);
    assertEquals(parsed.kind === "run" && [parsed.options.note, parsed.options.json], ["", true]);
  }
  assertThrows(() => parseArguments(["--note"], spec), UsageError, "needs a value, got none");
  assertThrows(() => parseArguments(["--note", "-x"], spec), UsageError, 'unknown option "-x"');
  // A path that is a shell variable without a value must not mean the root folder.
  assertThrows(
    () => parseArguments(["--data-dir", ""], spec),
    UsageError,
    'expected a dir, got ""',
  );
  assertThrows(() => parseArguments(["--rate", ""], spec), UsageError, 'expected a number, got ""');
  refuses("--steps -3", 'expected an integer >= 1, got "-3"');
  refuses("-1", 'unknown option "-1"');
});

Deno.test("parseArguments() switches flags off by --no-name and by =false", () => {
  assertEquals(parse("--no-colour").options.colour, false);
  assertEquals(parse("--colour=false").options.colour, false);
  assertEquals(parse("--json=true").options.json, true);
});

Deno.test("parseArguments() keeps text that looks like a number", () => {
  const { options, positionals } = parse("--data-dir 007 042");
  assertEquals([options.dataDir, positionals], ["007", ["042"]]);
});

Deno.test("parseArguments() takes what follows -- as positional", () => {
  assertEquals(parse("-- --json").positionals, ["--json"]);
});

Deno.test("parseArguments() suggests the nearest option", () => {
  refuses(
    "--step 3",
    'train: unknown option "--step"; did you mean "--steps"? Known: "--data-dir"',
  );
  refuses("--dta_dir=x", 'did you mean "--data-dir"?');
  refuses("-x", 'unknown option "-x"');
  refuses("--no-steps", 'unknown option "--no-steps"');
});

Deno.test("parseArguments() refuses values that do not fit", () => {
  refuses("--device gpu", 'Option --device: unknown value "gpu"');
  refuses("--steps 0", 'Option --steps: expected an integer >= 1, got "0"');
  refuses("--steps 1.5", 'expected an integer >= 1, got "1.5"');
  refuses("--rate fast", 'Option --rate: expected a number, got "fast"');
  refuses("--rate 0x10", 'got "0x10"');
  refuses("--rate Infinity", 'got "Infinity"');
  refuses("--steps", "Option --steps needs a value, got none");
  refuses("--steps --json", "Option --steps needs a value, got none");
  refuses("--steps 1 --steps 2", "is given 2 times");
  refuses("--json=maybe", 'Option --json is a flag: expected no value, got "maybe"');
  refuses("--seeds 1,,2", "without empty entries");
  refuses("a b", 'expected 0 to 1 <name>, got "a", "b"');
});

Deno.test("parseArguments() demands required options, but not for help", () => {
  const spec = {
    name: "go",
    summary: "Go.",
    options: { output: { kind: "string", required: true, description: "folder" } },
  } as const;
  assertThrows(() => parseArguments([], spec), UsageError, "go: option --output is required");
  assertEquals(parseArguments(["--help"], spec).kind, "help");
});

Deno.test("parseArguments() writes the help text from the declaration", () => {
  const parsed = parseArguments(["--help"], SPEC);
  assertEquals(parsed, {
    kind: "help",
    text: [
      "usage: deno task train <name> [options]",
      "",
      "Train a model.",
      "",
      "  <name>                            experiment",
      "  --data-dir <dir>                  folder",
      "  --device <auto|webgpu|reference>  backend (default: auto)",
      "  --steps <number>                  updates (default: 20)",
      "  --rate <number>                   learning rate",
      "  --seeds <a,b,…>                   seeds",
      "  --json                            print JSON",
      "  --colour                          colours (default: true)",
      "  --help                            print this text",
      "",
      "examples:",
      "  deno task train phase4",
    ].join("\n"),
  });
});
