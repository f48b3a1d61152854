import { type CommandSpec, dashed, type OptionSpec, type OptionSpecs } from "./option_spec.ts";

/** The text of `--help`: usage, summary, every option with its value, meaning and default. */
export function helpText<O extends OptionSpecs>(spec: CommandSpec<O>): string {
  const { name, summary, positionals, examples = [] } = spec;
  const rows: [string, string][] = Object.entries<OptionSpec>(spec.options).map(([key, option]) => [
    `--${dashed(key)}${placeholderOf(option)}`,
    `${option.description}${noteOf(option)}`,
  ]);
  rows.push(["--help", "print this text"]);
  if (positionals !== undefined) {
    rows.unshift([`<${positionals.placeholder}>`, positionals.description]);
  }
  const width = Math.max(...rows.map(([left]) => left.length));
  const usage = [`deno task ${name}`, positionals && `<${positionals.placeholder}>`, "[options]"];
  return [
    `usage: ${usage.filter(Boolean).join(" ")}`,
    "",
    summary,
    "",
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    ...(examples.length === 0 ? [] : ["", "examples:", ...examples.map((line) => `  ${line}`)]),
  ].join("\n");
}

function placeholderOf(option: OptionSpec): string {
  switch (option.kind) {
    case "boolean":
      return "";
    case "string":
      return ` <${option.choices?.join("|") ?? option.placeholder ?? "text"}>`;
    case "number":
      return ` <${option.placeholder ?? "number"}>`;
    case "list":
      return ` <${option.placeholder ?? "a,b,…"}>`;
  }
}

function noteOf(option: OptionSpec): string {
  if ("required" in option && option.required) return " (required)";
  if (option.default === undefined || option.default === false) return "";
  return ` (default: ${String(option.default)})`;
}
