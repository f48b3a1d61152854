/** `deno task portability`: compiles every kernel of the engine with Chromium's WGSL compiler, Tint. */
import { parseArguments } from "../../core/cli/args.ts";
import { runMain } from "../../core/cli/main.ts";
import type { CommandSpec, OptionSpecs } from "../../core/cli/option_spec.ts";
import { UsageError } from "../../core/errors.ts";
import { knownWords } from "../../core/manifest/did_you_mean.ts";
import { collectKernels, type KernelSet } from "./collect_kernels.ts";
import { withControls } from "./controls.ts";
import { judge, reportText } from "./portability_report.ts";
import { type AdapterChoice, ADAPTERS, compileInChromium, findChromium } from "./run_chromium.ts";

const COMMAND = {
  name: "portability",
  summary:
    "Compile every kernel of the engine with Chromium's WGSL compiler, in a page without a window.",
  options: {
    adapter: {
      kind: "string",
      description: "swiftshader comes with Chromium; default is what the browser chooses",
      choices: ADAPTERS,
      default: "swiftshader",
    },
    only: {
      kind: "list",
      description: "names of shaders, all without it",
      placeholder: "matmul,sum",
    },
    json: { kind: "boolean", description: "print one JSON document" },
  },
  examples: [
    "deno task portability",
    "deno task portability --only matmul,sum",
    "deno task portability --adapter default --json",
  ],
} as const satisfies CommandSpec<OptionSpecs>;

/**
 * Runs the command; the result is its exit code, 1 where anything was refused.
 *
 * @throws {IncompleteError} Without a Chromium, or with one that has no adapter
 */
export async function compileAll(args: readonly string[]): Promise<number> {
  const read = parseArguments(args, COMMAND);
  if (read.kind === "help") {
    console.log(read.text);
    return 0;
  }
  const browser = await findChromium();
  const set = onlyShaders(await collectKernels(), read.options.only);
  const all = withControls(set);
  const report = await compileInChromium(all, {
    browser,
    adapter: read.options.adapter as AdapterChoice, // parseArguments admits the choices alone
  });
  const result = judge(set, {
    report,
    browser: browser.version,
    controls: all.kernels.slice(set.kernels.length),
  });
  console.log(read.options.json ? JSON.stringify(result, null, 2) : reportText(result));
  return result.ok ? 0 : 1;
}

/** @throws {UsageError} If a name is no shader */
function onlyShaders(set: KernelSet, names: readonly string[]): KernelSet {
  if (names.length === 0) return set;
  const known = new Set(set.texts.map(({ shader }) => shader));
  for (const name of names) {
    if (!known.has(name)) {
      throw new UsageError(`Unknown shader "${name}"; ${knownWords(name, [...known])}`);
    }
  }
  const kept = [...set.texts.keys()].filter((index) => names.includes(set.texts[index].shader));
  return {
    ...set,
    texts: kept.map((index) => set.texts[index]),
    kernels: set.kernels.filter(({ shader }) => names.includes(shader))
      .map((kernel) => ({ ...kernel, text: kept.indexOf(kernel.text) })),
  };
}

if (import.meta.main) await runMain(() => compileAll(Deno.args));
