/**
 * Search for the fastest register tile of a matrix product on the adapter at hand. It writes a kernel for every
 * candidate, checks that all give the same bits, and compares with the kernel of the table in the same run:
 *
 *   deno run --allow-read --allow-env tests/bench/matmul_search.ts [--quick] [--json]
 *
 * A candidate is R rows by C vectors of four columns a lane, S steps of k a turn of the loop. Also tried: numbering
 * tiles down the columns instead of along the rows, workgroups of 32 lanes instead of 8, and rows of A in
 * workgroup memory.
 */
import { openDevice } from "../../core/gpu/device.ts";
import { PipelineCache } from "../../core/gpu/pipeline.ts";
import { type DispatchTime, timeDispatches } from "../../core/gpu/time_dispatches.ts";
import { type Dispatch, input, output } from "../../core/graph/op.ts";
import { dispatchMatmul } from "../../core/ops/matmul.ts";

const [ROWS, INNER, COLUMNS] = [512, 512, 512];
const FLOPS = 2 * ROWS * INNER * COLUMNS;

interface Candidate {
  readonly rows: number;
  readonly vectors: number;
  /** Steps of k per turn; below 4, A is read as scalars. */
  readonly steps: 1 | 4 | 8;
  readonly workgroup: number;
  readonly order?: "down the columns";
  readonly stage?: "workgroup memory";
}

const CANDIDATES: readonly Candidate[] = [
  { rows: 8, vectors: 1, steps: 4, workgroup: 32 },
  { rows: 8, vectors: 2, steps: 1, workgroup: 8 },
  { rows: 8, vectors: 2, steps: 4, workgroup: 8 },
  { rows: 8, vectors: 2, steps: 4, workgroup: 32 },
  { rows: 8, vectors: 2, steps: 8, workgroup: 8 },
  { rows: 8, vectors: 2, steps: 4, workgroup: 32, stage: "workgroup memory" },
  { rows: 8, vectors: 4, steps: 4, workgroup: 8 },
  { rows: 16, vectors: 1, steps: 4, workgroup: 8 },
  { rows: 16, vectors: 2, steps: 4, workgroup: 8 },
  { rows: 16, vectors: 4, steps: 1, workgroup: 8 },
  { rows: 16, vectors: 4, steps: 4, workgroup: 8 },
  { rows: 16, vectors: 4, steps: 4, workgroup: 32 },
  { rows: 16, vectors: 4, steps: 4, workgroup: 8, order: "down the columns" },
  { rows: 32, vectors: 2, steps: 4, workgroup: 8 },
  { rows: 32, vectors: 4, steps: 4, workgroup: 8 },
];

const QUICK = CANDIDATES.filter(({ rows, vectors, steps, workgroup, order, stage }) =>
  rows * vectors <= 64 && steps === 4 && workgroup === 8 && !order && !stage
);

function nameOf({ rows, vectors, steps, workgroup, order, stage }: Candidate): string {
  const rest = [order, stage].filter((word) => word).join(", ");
  return `${rows} x ${vectors} vectors, ${steps} k, ${workgroup} lanes${rest ? `, ${rest}` : ""}`;
}

/** Values 0 … count - 1 through a template, one line each. */
function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join("\n");
}

const LANES = "xyzw";

/** The kernel of a candidate for sizes that its tile divides. */
function sourceOf(candidate: Candidate): string {
  const { rows, vectors, steps, workgroup, order, stage } = candidate;
  const across = COLUMNS / 4 / vectors;
  const isStaged = stage !== undefined;
  const position = order === undefined
    ? `let row = index / ${across}u * ${rows}u; let q = index % ${across}u * ${vectors}u;`
    : `let strip = index / ${workgroup}u; let down = ${ROWS / rows}u;
       let row = strip % down * ${rows}u;
       let q = (strip / down * ${workgroup}u + lane) * ${vectors}u;`;
  const value = (r: number, k: number): string =>
    steps === 1 ? `x${r}` : `x${r}_${k >> 2}.${LANES[k & 3]}`;
  const row = (r: number): string => {
    const at = `(row + ${r}u) * ${INNER / 4}u + k / 4u`;
    const loads = isStaged
      ? `let x${r}_0 = staged[${r}];`
      : steps === 1
      ? `let x${r} = a1[(row + ${r}u) * ${INNER}u + k];`
      : lines(steps / 4, (j) => `let x${r}_${j} = a4[${at} + ${j}u];`);
    const sums = lines(
      steps,
      (k) => lines(vectors, (c) => `s${r}_${c} = s${r}_${c} + ${value(r, k)} * y${k}_${c};`),
    );
    return `${loads}\n${sums}`;
  };
  const staging = `workgroupBarrier();
    if (lane < ${rows}u) { staged[lane] = a4[(row + lane) * ${INNER / 4}u + k / 4u]; }
    workgroupBarrier();`;
  return `
@group(0) @binding(0) var<storage, read_write> ${
    steps === 1 ? "a1: array<f32>" : "a4: array<vec4<f32>>"
  };
@group(0) @binding(1) var<storage, read_write> b4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> c4: array<vec4<f32>>;
${isStaged ? `var<workgroup> staged: array<vec4<f32>, ${rows}>;` : ""}
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = group.x * ${workgroup}u + lane;
  ${position}
  ${lines(rows, (r) => lines(vectors, (c) => `var s${r}_${c} = vec4<f32>();`))}
  for (var k = 0u; k < ${INNER}u; k += ${steps}u) {
    ${isStaged ? staging : ""}
    ${
    lines(steps, (k) =>
      lines(vectors, (c) =>
        `let y${k}_${c} = b4[(k + ${k}u) * ${COLUMNS / 4}u + q + ${c}u];`))
  }
    ${lines(rows, row)}
  }
  ${
    lines(rows, (r) =>
      lines(vectors, (c) => `c4[(row + ${r}u) * ${COLUMNS / 4}u + q + ${c}u] = s${r}_${c};`))
  }
}`;
}

function dispatchOf(candidate: Candidate): Dispatch {
  const { rows, vectors, workgroup } = candidate;
  const lanes = Math.ceil(ROWS / rows) * (COLUMNS / 4 / vectors);
  return {
    source: sourceOf(candidate),
    shader: nameOf(candidate),
    entryPoint: "main",
    overrides: {},
    bindings: [input(0), input(1), output(0)],
    workgroups: Math.ceil(lanes / workgroup),
  };
}

/** Values in [-1, 1) without a pattern that sums could hide behind. */
function values(size: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: size },
    (_, i) => (Math.imul(i + 1, 2654435761) >>> 8) / 2 ** 23 - 1,
  );
}

async function search(
  candidates: readonly Candidate[],
  timing: { readonly blockSeconds: number; readonly rounds: number },
): Promise<void> {
  const open = await openDevice();
  const preset = open.facts.isFallbackAdapter ? "software-adapter" : "gpu";
  const sizes = {
    rows: ROWS,
    inner: INNER,
    columns: COLUMNS,
    transposeA: false,
    transposeB: false,
  };
  const bindings = [input(0), input(1), output(0)] as const;
  const times = await timeDispatches(open, {
    dispatches: [dispatchMatmul(sizes, { preset, bindings }), ...candidates.map(dispatchOf)],
    contents: [values(ROWS * INNER), values(INNER * COLUMNS), new Float32Array(ROWS * COLUMNS)],
    pipelines: new PipelineCache(open.device),
    timing: { ...timing, seconds: () => performance.now() / 1000 },
  });
  open.device.destroy();
  const names = ["core/ops/tiles.json", ...candidates.map(nameOf)];
  const report = reportOf(names, times);
  if (Deno.args.includes("--json")) {
    console.log(JSON.stringify({ adapter: open.facts.description, preset, ...report }, null, 2));
  } else {
    console.log(textOf(report, `${open.facts.description}, preset ${preset}`));
  }
  if (preset === "software-adapter" && !report.rows.every(({ same_bits }) => same_bits)) {
    console.error("error: kernels with one order of sums gave different bits");
    Deno.exit(1);
  }
}

function reportOf(names: readonly string[], times: readonly DispatchTime[]) {
  const rows = times.map(({ secondsPerLaunch, firstSeconds, result }, k) => ({
    kernel: names[k],
    gigaflops_per_second: FLOPS / secondsPerLaunch / 1e9,
    relative_to_table: times[0].secondsPerLaunch / secondsPerLaunch,
    first_launch_seconds: firstSeconds,
    same_bits: result.every((word, i) => word === times[0].result[i]),
  })).sort((a, b) => b.gigaflops_per_second - a.gigaflops_per_second);
  const best = rows[0];
  return { shape: [ROWS, INNER, COLUMNS], rows, table_share_of_best: 1 / best.relative_to_table };
}

function textOf(report: ReturnType<typeof reportOf>, adapter: string): string {
  const rows = report.rows.map((row) =>
    row.kernel.padEnd(56) + row.gigaflops_per_second.toFixed(2).padStart(8) +
    row.relative_to_table.toFixed(2).padStart(8) + row.first_launch_seconds.toFixed(2).padStart(9) +
    (row.same_bits ? "  same" : "  DIFFERENT")
  );
  return [
    `matmul ${report.shape.join(" x ")} on ${adapter}`,
    "kernel".padEnd(56) + "GFLOP/s".padStart(8) + "ratio".padStart(8) + "first s".padStart(9) +
    "  bits",
    ...rows,
    `The table's kernel reaches ${(100 * report.table_share_of_best).toFixed(0)} % of the best`,
  ].join("\n");
}

const isQuick = Deno.args.includes("--quick");
await search(isQuick ? QUICK : CANDIDATES, {
  blockSeconds: isQuick ? 0.1 : 0.4,
  rounds: isQuick ? 3 : 5,
});
