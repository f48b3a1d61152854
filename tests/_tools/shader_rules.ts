/** Rules about WGSL and about the files that use it. Each function gives one line per violation. */
import type { Import, SourceFile } from "./source_tree.ts";

/** Shaders of the engine itself, with the folder that uses each; every other shader belongs to an op. */
const ENGINE_SHADERS: Readonly<Record<string, string>> = {
  "shaders/self_test.wgsl": "core/gpu/",
};

/** Blanks out comments, keeping line numbers. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (comment) => comment.replace(/[^\n]/g, " "));
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

function matchesIn(
  { path, text }: SourceFile,
  { pattern, message }: { readonly pattern: RegExp; readonly message: string },
): readonly string[] {
  const code = withoutComments(text);
  return [...code.matchAll(pattern)].map((m) => `${path}:${lineOf(code, m.index)}: ${message}`);
}

/** Float atomics, whose order of additions is not fixed, and `fma`, whose rounding differs by adapter. */
export function arithmeticViolations(shaders: readonly SourceFile[]): readonly string[] {
  return shaders.flatMap((shader) => [
    ...matchesIn(shader, {
      pattern: /\batomic\s*<(?!\s*[iu]32\s*>)/g,
      message: "atomics are for i32 and u32 only",
    }),
    ...matchesIn(shader, {
      pattern: /\batomicCompareExchange\w*\s*\([^;]*\bbitcast\b/g,
      message: "a compare-and-exchange of float bits is a float atomic",
    }),
    ...matchesIn(shader, { pattern: /\bfma\s*\(/g, message: "write a * b + c, not fma(a, b, c)" }),
    ...matchesIn(shader, {
      pattern: /^\s*enable\s/gm,
      message: "extensions are not part of the common dialect",
    }),
  ]);
}

/** Barriers inside `if`, `else`, `switch` or `while`, where not every invocation may arrive. */
export function barrierViolations(shaders: readonly SourceFile[]): readonly string[] {
  return shaders.flatMap(({ path, text }) => {
    const code = withoutComments(text);
    const blocks: string[] = []; // what opened each enclosing brace
    const violations: string[] = [];
    let header = "";
    for (const token of code.matchAll(/[{};]|\b\w+\b/g)) {
      const word = token[0];
      if (word === "{") blocks.push(header);
      if (word === "}") blocks.pop();
      if ("{};".includes(word)) {
        header = "";
        continue;
      }
      if (/^(if|else|switch|case|default|while)$/.test(word)) header = word;
      if (!/^(workgroup|storage|texture)Barrier$|^workgroupUniformLoad$/.test(word)) continue;
      const divergent = blocks.find((block) => block !== "");
      if (divergent === undefined) continue;
      violations.push(`${path}:${lineOf(code, token.index)}: ${word} inside ${divergent}`);
    }
    return violations;
  });
}

/** Shaders without the op (or engine folder) they belong to, and ops on a shader of another family. */
export function ownerViolations(
  paths: readonly string[],
  imports: readonly Import[],
): readonly string[] {
  const uses = imports.filter(({ to }) => to?.endsWith(".wgsl"));
  const orphans = paths.filter((path) => path.endsWith(".wgsl")).flatMap((shader) => {
    const users = uses.filter(({ to }) => to === shader).map(({ from }) => from);
    const folder = ENGINE_SHADERS[shader];
    if (folder !== undefined) {
      return users.some((user) => user.startsWith(folder))
        ? []
        : [`${shader}: unused in ${folder}`];
    }
    const family = `core/ops/${shader.replace("shaders/", "").replace(".wgsl", "")}`;
    const owned = users.some((user) => user === `${family}.ts` || user.startsWith(`${family}_`));
    return owned ? [] : [`${shader}: expected ${family}.ts, or a file of its family, to import it`];
  });
  const strangers = uses.filter(({ from }) => from.startsWith("core/ops/")).flatMap((use) => {
    const op = use.from.slice("core/ops/".length, -".ts".length);
    const family = use.to?.slice("shaders/".length, -".wgsl".length);
    if (op === family || op.startsWith(`${family}_`)) return [];
    return [`${use.from} imports ${use.to}: a kernel is named after its op or after its family`];
  });
  return [...orphans, ...strangers];
}

/** An op file with a kernel exports `op`, which is what the loop over every op collects. */
export function opViolations(
  files: readonly SourceFile[],
  imports: readonly Import[],
): readonly string[] {
  const kernels = new Set(
    imports.filter(({ to }) => to?.endsWith(".wgsl")).map(({ from }) => from),
  );
  return files.filter(({ path }) => path.startsWith("core/ops/") && kernels.has(path))
    .filter(({ path }) => path !== "core/ops/elementwise_kernel.ts") // the maker of kernels, not one of them
    .filter(({ text }) => !/^export const op\b/m.test(withoutComments(text)))
    .map(({ path }) => `${path}: has a kernel but exports no \`op\`, so no loop tests it`);
}

/** Only core/gpu/pipeline.ts creates modules and pipelines: there errors are scoped and reported. */
export function pipelineViolations(files: readonly SourceFile[]): readonly string[] {
  return files.filter(({ path }) => path.startsWith("core/") && path.endsWith(".ts"))
    .filter(({ path }) => path !== "core/gpu/pipeline.ts")
    .flatMap((file) =>
      matchesIn(file, {
        pattern: /\bcreate(ShaderModule|ComputePipeline|ComputePipelineAsync)\s*\(/g,
        message: "only core/gpu/pipeline.ts creates shader modules and pipelines",
      })
    );
}
