/**
 * The one reader of command lines: a command declares its options, and gets typed values, errors
 * with suggestions and a help text. Options may be spelt with dashes or underscores.
 */
import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "../errors.ts";
import { knownWords } from "../manifest/did_you_mean.ts";
import { helpText } from "./help_text.ts";
import { joinValues, NUMBER_TEXT } from "./join_values.ts";
import {
  type Arguments,
  type CommandSpec,
  dashed,
  type OptionSpec,
  type OptionSpecs,
  type OptionValues,
} from "./option_spec.ts";

/** The part of `@std/cli`'s parser used here; the npm build ships no types. */
type ParseArgs = (
  args: readonly string[],
  options: {
    readonly boolean: readonly string[];
    readonly string: readonly string[];
    readonly negatable: readonly string[];
    readonly collect: readonly string[];
    readonly unknown: (argument: string, key?: string) => boolean;
  },
) => Readonly<Record<string, readonly (string | boolean)[]>>;

/**
 * Reads a command line by its declaration.
 *
 * Numbers accept decimal and scientific notation; a list is one value with commas, or the option
 * repeated; a value may follow its option or stand behind `=`, and be empty where it is free text; a true flag is
 * switched off by `--no-name`.
 *
 * @throws {UsageError} If an option is unknown, lacks its value, is given twice, has the wrong type
 * or is not among its choices, a required one is missing, or the number of positional arguments is
 * wrong
 */
export function parseArguments<O extends OptionSpecs>(
  args: readonly string[],
  spec: CommandSpec<O>,
): Arguments<O> {
  const names = [...Object.keys(spec.options).map(dashed), "help"];
  const isFlag = (name: string): boolean =>
    name === "help" || specOf(spec, name).kind === "boolean";
  const flags = names.filter(isFlag);
  refuseFlagValues(args, flags);
  const valued = names.filter((name) => !isFlag(name));
  const joined = joinValues(args.map(withDashes), { valued });
  const raw = (parseArgs as ParseArgs)(joined.args, {
    boolean: flags,
    negatable: flags,
    string: [...valued, "_"],
    collect: names,
    unknown: (argument, key) => {
      if (key !== undefined) throw unknownOption(argument, { names, command: spec.name });
      return true;
    },
  });
  // A later "--no-name" replaces the list of collected values by the plain value.
  const given = (name: string): readonly (string | boolean)[] => [raw[name] ?? []].flat();
  if (given("help").includes(true)) return { kind: "help", text: helpText(spec) };
  const positionals = given("_").map(String);
  refusePositionals(positionals, spec);
  const options = Object.fromEntries(
    Object.entries<OptionSpec>(spec.options).map(([key, option]) => {
      const name = dashed(key);
      if (joined.lacking.has(name)) {
        throw new UsageError(`Option --${name} needs a value, got none`);
      }
      return [key, valueOf(option, { name, given: given(name), command: spec.name })];
    }),
  );
  return { kind: "run", options: options as OptionValues<O>, positionals };
}

/** `--data_dir=a_b` → `--data-dir=a_b`. */
function withDashes(argument: string): string {
  if (!argument.startsWith("--")) return argument;
  const end = argument.indexOf("=");
  const name = end < 0 ? argument : argument.slice(0, end);
  return name.replaceAll("_", "-") + argument.slice(name.length);
}

function specOf<O extends OptionSpecs>(spec: CommandSpec<O>, name: string): OptionSpec {
  const entry = Object.entries<OptionSpec>(spec.options).find(([key]) => dashed(key) === name);
  if (entry === undefined) throw new Error(`Command "${spec.name}" declares no option "${name}"`);
  return entry[1];
}

function unknownOption(
  argument: string,
  at: { readonly names: readonly string[]; readonly command: string },
): UsageError {
  const name = argument.split("=")[0];
  return new UsageError(
    `${at.command}: unknown option "${name}"; ` +
      knownWords(name, at.names.map((known) => `--${known}`)),
  );
}

/** The parser would read `--json=maybe` as true. */
function refuseFlagValues(args: readonly string[], flags: readonly string[]): void {
  const end = args.indexOf("--");
  for (const argument of args.slice(0, end < 0 ? args.length : end).map(withDashes)) {
    const [, name, value] = argument.match(/^--([^=]+)=(.*)$/s) ?? [];
    if (flags.includes(name) && value !== "true" && value !== "false") {
      throw new UsageError(`Option --${name} is a flag: expected no value, got "${value}"`);
    }
  }
}

function refusePositionals<O extends OptionSpecs>(
  positionals: readonly string[],
  spec: CommandSpec<O>,
): void {
  const { minimum, maximum, placeholder } = spec.positionals ??
    { minimum: 0, maximum: 0, placeholder: "argument" };
  if (positionals.length >= minimum && positionals.length <= maximum) return;
  const wanted = minimum === maximum ? `${minimum || "no"}` : `${minimum} to ${maximum}`;
  const got = positionals.length === 0 ? "none" : positionals.map((text) => `"${text}"`).join(", ");
  throw new UsageError(
    `${spec.name}: expected ${wanted} <${placeholder}>, got ${got}; see ${spec.name} --help`,
  );
}

interface GivenOption {
  readonly name: string;
  readonly given: readonly (string | boolean)[];
  readonly command: string;
}

function valueOf(
  option: OptionSpec,
  at: GivenOption,
): boolean | string | number | readonly string[] | undefined {
  const { name, given } = at;
  if (option.kind === "list") {
    const values = given.flatMap((text) => String(text).split(","));
    if (values.includes("")) {
      throw new UsageError(
        `Option --${name}: expected a,b,… without empty entries, got "${given}"`,
      );
    }
    return given.length === 0 ? option.default ?? [] : values;
  }
  if (given.length > 1) {
    throw new UsageError(`Option --${name} is given ${given.length} times, expected once`);
  }
  if (option.kind === "boolean") {
    return given.length === 0 ? option.default ?? false : given[0] === true;
  }
  if (given.length === 0) {
    if (option.required) {
      throw new UsageError(`${at.command}: option --${name} is required; ${option.description}`);
    }
    return option.default;
  }
  const text = String(given[0]);
  return option.kind === "number" ? numberOf(text, name, option) : textOf(text, name, option);
}

function numberOf(
  text: string,
  name: string,
  option: Extract<OptionSpec, { kind: "number" }>,
): number {
  const { integer = false, minimum = -Infinity, maximum = Infinity } = option;
  const value = NUMBER_TEXT.test(text) ? Number(text) : NaN;
  const whole = !integer || Number.isSafeInteger(value);
  if (Number.isFinite(value) && whole && value >= minimum && value <= maximum) return value;
  const low = Number.isFinite(minimum) ? ` >= ${minimum}` : "";
  const high = Number.isFinite(maximum) ? ` <= ${maximum}` : "";
  const kind = integer ? "an integer" : "a number";
  throw new UsageError(`Option --${name}: expected ${kind}${low}${high}, got "${text}"`);
}

function textOf(
  text: string,
  name: string,
  option: Extract<OptionSpec, { kind: "string" }>,
): string {
  if (text === "" && option.choices === undefined && option.placeholder !== undefined) {
    // A path, or a name: an empty one comes of a shell variable that is not set.
    throw new UsageError(`Option --${name}: expected a ${option.placeholder}, got ""`);
  }
  if (option.choices === undefined || option.choices.includes(text)) return text;
  throw new UsageError(
    `Option --${name}: unknown value "${text}"; ${knownWords(text, option.choices)}`,
  );
}
