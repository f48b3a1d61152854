import { HarnessError } from "../errors.ts";

/** The outside world of a command, injected so that tests can watch it. */
export interface MainOptions {
  /** Command line; `--json` in it asks for errors as JSON on standard output. @default Deno.args */
  readonly args?: readonly string[];
  /** @default console.log */
  readonly print?: (text: string) => void;
  /** @default console.error */
  readonly printError?: (text: string) => void;
  /** @default Deno.exit */
  readonly exit?: (code: number) => void;
}

/**
 * Runs a command and turns what it throws into messages and exit codes: a {@link HarnessError} into
 * `error: <message>` and its code, anything else into a stack trace and code 1. A command may return
 * an exit code of its own; none means 0. With `--json` an error is also printed on standard output
 * as `{"error": {"kind", "message", "exit_code"}}`.
 */
export async function runMain(
  command: () => Promise<number | void> | number | void,
  options: MainOptions = {},
): Promise<void> {
  const {
    args = Deno.args,
    print = (text) => console.log(text),
    printError = (text) => console.error(text),
    exit = (code) => Deno.exit(code),
  } = options;
  try {
    const code = await command();
    if (typeof code === "number" && code !== 0) exit(code);
  } catch (error) {
    const known = error instanceof HarnessError;
    const kind = error instanceof Error ? error.name : typeof error;
    const message = error instanceof Error ? error.message : String(error);
    const exitCode = known ? error.exitCode : 1;
    if (args.includes("--json")) {
      print(JSON.stringify({ error: { kind, message, exit_code: exitCode } }));
    }
    printError(known ? `error: ${message}` : bugReport(error));
    exit(exitCode);
  }
}

function bugReport(error: unknown): string {
  const stack = error instanceof Error ? error.stack ?? error.message : String(error);
  return `${stack}\nThis is a bug in the harness: please report it with the lines above`;
}
