/** Programs that WGSL forbids. A run in which the compiler takes one of them proves nothing about the others. */
import type { Kernel, KernelSet, ShaderText } from "./collect_kernels.ts";

/** A forbidden program: the reason, its text, and how its pipeline is made. */
interface Control {
  readonly name: string;
  readonly source: string;
  readonly overrides: Kernel["overrides"];
  readonly bindings: number;
}

const HEAD = `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
override N: u32 = 1;
`;

const CONTROLS: readonly Control[] = [
  {
    name: "barrier that not every invocation reaches",
    source: `${HEAD}@compute @workgroup_size(64)
fn control(@builtin(local_invocation_index) lane: u32) {
  if (x[lane] > 0f) { workgroupBarrier(); }
}`,
    overrides: {},
    bindings: 1,
  },
  {
    name: "value of the wrong type",
    source: `${HEAD}@compute @workgroup_size(1) fn control() { x[0] = 1u; }`,
    overrides: {},
    bindings: 1,
  },
  {
    name: "division by an override that is set to zero",
    source: `${HEAD}@compute @workgroup_size(1) fn control() { x[0] = f32(8u / N); }`,
    overrides: { N: 0 },
    bindings: 1,
  },
  {
    name: "more invocations than every adapter offers",
    source: `${HEAD}@compute @workgroup_size(N) fn control() { x[0] = 1f; }`,
    overrides: { N: 512 },
    bindings: 1,
  },
  {
    name: "binding that the layout lacks",
    source: `${HEAD}@compute @workgroup_size(1) fn control() { x[0] = 1f; }`,
    overrides: {},
    bindings: 0,
  },
];

/** The set with the controls behind it. */
export function withControls(set: KernelSet): KernelSet {
  const texts: readonly ShaderText[] = CONTROLS.map(({ source }) => ({
    shader: "control",
    source,
  }));
  const kernels = CONTROLS.map(({ name, overrides, bindings }, index): Kernel => ({
    text: set.texts.length + index,
    shader: "control",
    entryPoint: "control",
    overrides,
    bindings,
    origin: name,
  }));
  return { ...set, texts: [...set.texts, ...texts], kernels: [...set.kernels, ...kernels] };
}
