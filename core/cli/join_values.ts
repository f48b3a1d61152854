/** A number as a command line may give it: decimal or scientific notation. */
export const NUMBER_TEXT = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/** A command line with each value in the argument of its option. */
export interface JoinedValues {
  readonly args: readonly string[];
  /** Options of `valued` that nothing follows which could be their value. */
  readonly lacking: ReadonlySet<string>;
}

/**
 * Joins values that follow their options: `--rate -1` → `--rate=-1`, `--prompt ""` → `--prompt=`. The parser would
 * take a negative number for an option, and an empty value for none. What begins with a dash is a value only if it
 * is a number or a dash alone, so that a forgotten value swallows no option.
 */
export function joinValues(
  args: readonly string[],
  { valued }: { readonly valued: readonly string[] },
): JoinedValues {
  const joined: string[] = [];
  const lacking = new Set<string>();
  for (let at = 0; at < args.length; at++) {
    const argument = args[at];
    if (argument === "--") return { args: [...joined, ...args.slice(at)], lacking };
    const name = argument.startsWith("--") ? argument.slice(2) : "";
    if (!valued.includes(name)) joined.push(argument);
    else if (isValue(args[at + 1])) joined.push(`${argument}=${args[++at]}`);
    else {
      lacking.add(name);
      joined.push(argument);
    }
  }
  return { args: joined, lacking };
}

function isValue(text: string | undefined): boolean {
  if (text === undefined) return false;
  return !text.startsWith("-") || text === "-" || NUMBER_TEXT.test(text);
}
