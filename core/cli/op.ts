/** `deno task op`: runs one op forward, and backward from cotangents, on a case given as JSON. */
import { DataError, UsageError } from "../errors.ts";
import { webGpuBackend } from "../gpu/backend.ts";
import type { Op } from "../graph/op.ts";
import { knownWords } from "../manifest/did_you_mean.ts";
import type { Backend } from "../plan/backend.ts";
import { referenceBackend } from "../reference/interpreter.ts";
import { folderOf, makeFolder, replaceFile } from "../store/store_io.ts";
import { parseArguments } from "./args.ts";
import { runMain } from "./main.ts";
import { parseOpCase } from "./op_case.ts";
import { opListing, opListingJson } from "./op_listing.ts";
import { OPS } from "./op_registry.ts";
import { opResultJson } from "./op_result.ts";
import type { CommandSpec, OptionSpecs } from "./option_spec.ts";
import { runOp } from "./run_op.ts";

const COMMAND = {
  name: "op",
  summary: "Run one op on a case file and print its outputs and gradients as JSON.\n\n" +
    'A case is {"inputs": {name: {"shape": [...], "data": [...]}}, "params": {...}, ' +
    '"cotangents": {name: {...}}};\ninputs that have a default may stand under "params" as a ' +
    'number or a list. "NaN", "Infinity" and "-Infinity"\nstand for numbers that JSON cannot hold. ' +
    "Numbers are rounded to single precision when they are read.",
  options: {
    in: { kind: "string", placeholder: "case.json", description: "case file; - is standard input" },
    device: {
      kind: "string",
      choices: ["auto", "webgpu", "reference"],
      default: "auto",
      description: "auto is webgpu, and no adapter is an error: there is no fallback; " +
        "reference computes in f64 from the definition",
    },
    out: {
      kind: "string",
      placeholder: "out.json",
      description: "write the result there instead of printing it",
    },
    list: { kind: "boolean", description: "describe the named op, or every op, and stop" },
    json: { kind: "boolean", description: "with --list: print JSON; results are always JSON" },
  },
  positionals: { placeholder: "name", description: "op to run", minimum: 0, maximum: 1 },
  examples: [
    "deno task op --list",
    "deno task op bk_core --in case.json",
    "deno task op softmax --in - --device reference --out result.json",
  ],
} as const satisfies CommandSpec<OptionSpecs>;

/** What the command takes from outside. */
export interface OpCommandOptions {
  /** @default console.log */
  readonly print?: (text: string) => void;
  /** @default all of standard input */
  readonly readStandardInput?: () => Promise<string>;
}

/**
 * Runs the command line.
 *
 * @throws {UsageError} On an unknown op or option
 * @throws {DataError} If the case file cannot be read
 * @throws {ManifestError} If the case does not fit the op; the message names file and key
 * @throws {NoAdapterError} If WebGPU is asked for and there is no adapter
 * @throws {StoreError} If the result cannot be written
 */
export async function op(
  args: readonly string[],
  options: OpCommandOptions = {},
): Promise<void> {
  const {
    print = (text) => console.log(text),
    readStandardInput = () => new Response(Deno.stdin.readable).text(),
  } = options;
  const parsed = parseArguments(joinStandardInput(args), COMMAND);
  if (parsed.kind === "help") return print(parsed.text);
  const { in: path, device, out, list, json } = parsed.options;
  const chosen = parsed.positionals.map(opNamed);
  if (list) {
    const ops = chosen.length > 0 ? chosen : Object.values(OPS);
    return print(json ? JSON.stringify(opListingJson(ops), null, 2) : opListing(ops));
  }
  if (chosen.length === 0 || path === undefined) {
    const missing = chosen.length === 0 ? "the name of an op" : "--in <case.json>";
    throw new UsageError(
      `op: ${missing} is missing; expected deno task op <name> --in case.json, ` +
        `and deno task op --list names every op`,
    );
  }
  const text = path === "-" ? await readStandardInput() : await readCase(path);
  const file = path === "-" ? "standard input" : path;
  const given = parseOpCase(text, { op: chosen[0], file });
  const backend = await openBackend(device);
  try {
    const result = opResultJson(await runOp(chosen[0], { given, backend }), backend.facts);
    if (out === undefined) return print(result);
    writeResult(out, result);
    print(`Written: ${out}`);
  } finally {
    backend.destroy();
  }
}

/** The parser takes a lone "-" for an argument of its own, never for a value. */
function joinStandardInput(args: readonly string[]): readonly string[] {
  const at = args.findIndex((argument, k) => argument === "--in" && args[k + 1] === "-");
  return at < 0 ? args : [...args.slice(0, at), "--in=-", ...args.slice(at + 2)];
}

function opNamed(name: string): Op {
  if (Object.hasOwn(OPS, name)) return OPS[name];
  throw new UsageError(
    `op: unknown op "${name}"; ${knownWords(name, Object.keys(OPS))}; ` +
      "deno task op --list describes each",
  );
}

async function readCase(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new DataError(`Cannot read the case "${path}": ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function openBackend(device: string): Promise<Backend> {
  return device === "reference"
    ? Promise.resolve(referenceBackend({ precision: "f64" }))
    : webGpuBackend();
}

function writeResult(path: string, text: string): void {
  const full = /[/\\]/.test(path) ? path : `./${path}`;
  makeFolder(folderOf(full));
  replaceFile(full, `${text}\n`);
}

if (import.meta.main) await runMain(() => op(Deno.args));
