/** The JSON document that `deno task op` prints. */
import type { AdapterFacts } from "../plan/adapter_facts.ts";
import type { BackendFacts } from "../plan/backend.ts";
import { numberText } from "./op_values.ts";
import type { OpResult, OpTensor } from "./run_op.ts";

/** One line per tensor; numbers that JSON cannot hold are the strings "NaN", "Infinity", "-Infinity". */
export function opResultJson(result: OpResult, facts: BackendFacts): string {
  return [
    "{",
    `  "outputs": ${tensorsText(result.outputs)},`,
    `  "gradients": ${tensorsText(result.gradients)},`,
    `  "device": ${JSON.stringify(facts.name)},`,
    `  "adapter": ${JSON.stringify(adapterJson(facts.adapter))}`,
    "}",
  ].join("\n");
}

function tensorsText(tensors: Readonly<Record<string, OpTensor>>): string {
  const lines = Object.entries(tensors).map(([name, { shape, data }]) =>
    `    ${JSON.stringify(name)}: {"shape": [${shape.join(", ")}], ` +
    `"data": [${Array.from(data, numberText).join(", ")}]}`
  );
  return lines.length === 0 ? "{}" : `{\n${lines.join(",\n")}\n  }`;
}

function adapterJson(adapter: AdapterFacts | null): unknown {
  if (adapter === null) return null;
  const { isFallbackAdapter, ...facts } = adapter;
  return { ...facts, is_fallback_adapter: isFallbackAdapter };
}
