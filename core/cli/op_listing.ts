/** What `deno task op --list` prints. */
import type { Op, ParameterDoc, Port } from "../graph/op.ts";
import type { Dtype } from "../graph/shape.ts";
import type { Json, JsonObject } from "../manifest/json.ts";
import { dtypeOf, settingsOf } from "./op_case.ts";

/** Ops as text: one paragraph each, with inputs, params and outputs. */
export function opListing(ops: readonly Op[]): string {
  return ops.map(paragraph).join("\n\n");
}

function paragraph(op: Op): string {
  const { doc, inputs, outputs } = op.signature;
  const settings = Object.entries(settingsOf(op)).map(([name, setting]) =>
    ["param", name, `${setting.doc}${settingNote(setting)}`] as const
  );
  const rows = [
    ...inputs.map((port, k) =>
      ["input", port.name, `${port.doc}${portNote(port, dtypeOf(op, k))}`] as const
    ),
    ...settings,
    ...outputs.map((port) => ["output", port.name, port.doc] as const),
  ];
  const width = Math.max(...rows.map(([, name]) => name.length));
  const lines = rows.map(([kind, name, text]) =>
    `  ${kind.padEnd(6)}  ${name.padEnd(width)}  ${text}`
  );
  const noGradient = op.vjp === undefined ? ["  no gradient: takes no cotangents"] : [];
  return [`${op.name}: ${doc}`, ...lines, ...noGradient].join("\n");
}

function portNote(port: Port, dtype: Dtype): string {
  const notes = [
    ...(dtype === "i32" && !port.doc.includes("i32") ? ["integers"] : []),
    ...(port.optional === undefined ? [] : [`default ${port.optional}`]),
  ];
  return notes.length === 0 ? "" : ` (${notes.join(", ")})`;
}

function settingNote({ default: value, choices }: ParameterDoc): string {
  const notes = [
    ...(choices === undefined ? [] : [choices.map((choice) => `"${choice}"`).join(" or ")]),
    value === undefined ? "required" : `default ${JSON.stringify(value)}`,
  ];
  return ` (${notes.join(", ")})`;
}

/** The same as JSON. */
export function opListingJson(ops: readonly Op[]): readonly JsonObject[] {
  return ops.map((op) => ({
    name: op.name,
    doc: op.signature.doc,
    inputs: op.signature.inputs.map((port, k) => ({
      name: port.name,
      doc: port.doc,
      dtype: dtypeOf(op, k),
      required: port.optional === undefined,
      ...present("default", port.optional),
      ...present("minimum", port.minimum),
      ...present("above", port.above),
    })),
    params: Object.entries(settingsOf(op)).map(([name, setting]) => ({
      name,
      doc: setting.doc,
      required: setting.default === undefined,
      ...present("default", setting.default),
      ...present("choices", setting.choices),
    })),
    outputs: op.signature.outputs.map(({ name, doc }) => ({ name, doc })),
    has_gradient: op.vjp !== undefined,
  }));
}

function present(key: string, value: Json | undefined): JsonObject {
  return value === undefined ? {} : { [key]: value };
}
