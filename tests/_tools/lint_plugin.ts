/**
 * The house rules that `deno lint` enforces through `lint.plugins` of deno.json.
 *
 * - `house/no-math-random`: random numbers in core come from keyed streams, so that a seed names a run
 * - `house/no-wall-clock`: time in core comes from an injected clock, so that records repeat
 * - `house/no-wgsl-template`: shader text lives in shaders/, where tests can read it
 * - `house/no-barrel`: only the root mod.ts re-exports, so that the graph of imports stays visible
 * - `house/no-utils-file`: a file is named after what it exports
 */

/** The one file of core that may read the clock. */
const CLOCK_FILE = "core/run/clock.ts";
/** Fill bindings of a shader from typed expressions; entry points stay in the shader. */
const SHADER_GENERATORS = ["core/ops/elementwise_kernel.ts", "core/ops/op_with_tail.ts"];
const PROJECT_ROOT = new URL("../../", import.meta.url).pathname;

/** Path from the root of the project, with forward slashes; `deno lint` gives absolute paths. */
function projectPath(filename: string): string {
  const path = filename.replaceAll("\\", "/").replace(/^file:\/\//, "");
  for (const root of [PROJECT_ROOT, PROJECT_ROOT.slice(1)]) { // Windows has no slash before the drive
    if (path.startsWith(root)) return path.slice(root.length);
  }
  return path;
}

function inCore(context: Deno.lint.RuleContext): boolean {
  return projectPath(context.filename).startsWith("core/");
}

/** `object.property` for `Math.random`, `Math["random"]`, `globalThis.Math.random`; else undefined. */
function memberName(node: Deno.lint.MemberExpression): string | undefined {
  const { object, property } = node;
  const last = object.type === "MemberExpression" ? object.property : object;
  if (last.type !== "Identifier") return undefined;
  if (property.type === "Identifier" && !node.computed) return `${last.name}.${property.name}`;
  if (property.type === "Literal") return `${last.name}.${String(property.value)}`;
  return undefined;
}

/** `Math.random` of `const { random } = Math`, which leaves no member expression behind. */
function destructuredNames(node: Deno.lint.VariableDeclarator): readonly string[] {
  const { id, init } = node;
  if (id.type !== "ObjectPattern" || init?.type !== "Identifier") return [];
  return id.properties.flatMap((property) =>
    property.type === "Property" && property.key.type === "Identifier"
      ? [`${init.name}.${property.key.name}`]
      : []
  );
}

/** Reports every way of reaching one of the named members. */
function forbidMembers(
  context: Deno.lint.RuleContext,
  { names, message, hint }: { names: readonly string[]; message: string; hint: string },
): Deno.lint.LintVisitor {
  const forbidden = (name: string | undefined): name is string =>
    name !== undefined && names.includes(name);
  return {
    MemberExpression(node): void {
      const name = memberName(node);
      if (forbidden(name)) context.report({ node, message: `${name} ${message}`, hint });
    },
    VariableDeclarator(node): void {
      for (const name of destructuredNames(node).filter(forbidden)) {
        context.report({ node, message: `${name} ${message}`, hint });
      }
    },
  };
}

const noMathRandom: Deno.lint.Rule = {
  create(context) {
    if (!inCore(context)) return {};
    return forbidMembers(context, {
      names: ["Math.random"],
      message: "is forbidden in core: its draws cannot be repeated",
      hint: "Draw from a named stream of core/random",
    });
  },
};

const noWallClock: Deno.lint.Rule = {
  create(context) {
    if (!inCore(context) || projectPath(context.filename) === CLOCK_FILE) return {};
    const hint = `Take a clock as an argument; ${CLOCK_FILE} makes the real one`;
    return {
      ...forbidMembers(context, {
        names: ["Date.now", "performance.now", "Temporal.Now"],
        message: "is forbidden in core: records would differ from run to run",
        hint,
      }),
      NewExpression(node): void {
        if (node.callee.type !== "Identifier" || node.callee.name !== "Date") return;
        if (node.arguments.length > 0) return;
        context.report({ node, message: "new Date() without arguments reads the clock", hint });
      },
      CallExpression(node): void {
        if (node.callee.type !== "Identifier" || node.callee.name !== "Date") return;
        context.report({ node, message: "Date() reads the clock", hint });
      },
    };
  },
};

const noWgslTemplate: Deno.lint.Rule = {
  create(context) {
    // A test of a broken shader needs broken text; nothing that ships does.
    const path = projectPath(context.filename);
    if (path.startsWith("tests/")) return {};
    const shaderText = path !== undefined && SHADER_GENERATORS.includes(path)
      ? /@compute\b/
      : /@compute\b|@group\s*\(/;
    const check = (node: Deno.lint.Node, text: string): void => {
      if (!shaderText.test(text)) return;
      context.report({
        node,
        message: "WGSL inside a TypeScript string escapes the checks on shaders",
        hint: 'Move it to shaders/ and import it with { type: "text" }',
      });
    };
    return {
      Literal(node): void {
        if (typeof node.value === "string") check(node, node.value);
      },
      TemplateElement(node): void {
        check(node, node.cooked);
      },
    };
  },
};

const noBarrel: Deno.lint.Rule = {
  create(context) {
    if (projectPath(context.filename) === "mod.ts") return {};
    const imported = new Set<string>();
    const report = (node: Deno.lint.Node): void =>
      context.report({
        node,
        message: "Only the root mod.ts re-exports",
        hint: "Import from the file that defines the name",
      });
    return {
      ExportAllDeclaration: report,
      ImportDeclaration(node): void {
        for (const specifier of node.specifiers) imported.add(specifier.local.name);
      },
      ExportNamedDeclaration(node): void {
        const passedOn = node.specifiers.some((specifier) =>
          specifier.local.type === "Identifier" && imported.has(specifier.local.name)
        );
        if (node.source || passedOn) report(node);
      },
    };
  },
};

const noUtilsFile: Deno.lint.Rule = {
  create(context) {
    return {
      Program(node): void {
        const name = projectPath(context.filename).split("/").at(-1) ?? "";
        if (!/^_?(utils?|helpers?|misc|common)(_test)?\.[a-z]+$/.test(name)) return;
        context.report({
          node,
          message: `A file named ${name} has no subject`,
          hint: "Name the file after what it exports",
        });
      },
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: {
    "no-math-random": noMathRandom,
    "no-wall-clock": noWallClock,
    "no-wgsl-template": noWgslTemplate,
    "no-barrel": noBarrel,
    "no-utils-file": noUtilsFile,
  },
};

export default plugin;
