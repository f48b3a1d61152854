import { parse } from "@std/yaml";
import { ManifestError } from "../errors.ts";
import type { Json } from "./json.ts";

/** What the YAML package throws; it ships no type declarations. */
interface YamlFault {
  readonly message: string;
  readonly line?: number;
}

interface YamlOptions {
  readonly schema: "core" | "failsafe";
}

const parseYamlText = parse as (text: string, options: YamlOptions) => unknown;

/** Numbers of the YAML 1.2 core schema (YAML 1.2.2, §10.3.2); anything else stays text. */
const CORE_DECIMAL = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const CORE_HEXADECIMAL = /^0x[0-9a-fA-F]+$/;

/**
 * Reads one YAML 1.2 document (core schema). Duplicate keys are refused, and so is every number
 * that other YAML readers read differently: 012, 1_000, 0b1, .nan.
 *
 * @throws {ManifestError} Naming file and line, or file and key.
 */
export function parseYaml(text: string, options: { readonly file: string }): Json {
  const value = parseOrRefuse(text, { file: options.file, schema: "core" });
  const source = parseOrRefuse(text, { file: options.file, schema: "failsafe" });
  return toJson({ value, source, file: options.file, path: "", parents: [] });
}

function parseOrRefuse(text: string, options: { file: string } & YamlOptions): unknown {
  try {
    return parseYamlText(text, { schema: options.schema });
  } catch (error) {
    const fault = error as YamlFault;
    const line = fault.line === undefined ? "" : `:${fault.line}`;
    throw new ManifestError(`${options.file}${line}: not valid YAML: ${fault.message}`);
  }
}

interface Node {
  readonly value: unknown;
  /** The same node read with every scalar left as the text in the file. */
  readonly source: unknown;
  readonly file: string;
  readonly path: string;
  readonly parents: readonly unknown[];
}

function toJson(node: Node): Json {
  const { value, source } = node;
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return numberOf(node);
  if (typeof value !== "object" || value === undefined) throw refusal(node, "not a YAML 1.2 value");
  if (node.parents.includes(value)) throw refusal(node, "an alias refers to its own parent");
  const parents = [...node.parents, value];
  if (Array.isArray(value)) {
    return value.map((item, i) =>
      toJson({
        ...node,
        value: item,
        source: (source as unknown[])[i],
        path: `${node.path}[${i}]`,
        parents,
      })
    );
  }
  const sources = source as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const path = node.path === "" ? key : `${node.path}.${key}`;
      if (key === "__proto__") throw refusal({ ...node, path }, "not allowed as a key");
      return [key, toJson({ ...node, value: item, source: sources[key], path, parents })];
    }),
  );
}

function numberOf(node: Node): number {
  const value = node.value as number;
  const text = String(node.source);
  const isCore = CORE_DECIMAL.test(text) || CORE_HEXADECIMAL.test(text);
  const agrees = isCore && Number.isFinite(value) && Number(text) === value;
  if (!agrees) {
    throw refusal(node, `cannot read ${text} as a YAML 1.2 number; write it as a plain decimal`);
  }
  return value;
}

function refusal(node: Node, reason: string): ManifestError {
  return new ManifestError(
    `${node.file}: at ${node.path === "" ? "the top" : node.path}: ${reason}`,
  );
}
