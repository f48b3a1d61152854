/** `deno task tune`: measures the kernels of `core/ops/tiles.json` on the adapter at hand and proposes an edit. */
import { fileURLToPath } from "node:url";
import { HarnessError, StoreError } from "../errors.ts";
import { type OpenDevice, openDevice } from "../gpu/device.ts";
import { PipelineCache } from "../gpu/pipeline.ts";
import { timeDispatches } from "../gpu/time_dispatches.ts";
import type { Preset } from "../graph/op.ts";
import {
  SHAPE_CLASSES,
  type ShapeClass,
  type Tile,
  TILE_FAMILIES,
  type TileFamily,
  tileOf,
} from "../ops/tile_table.ts";
import { systemClock } from "../run/clock.ts";
import { replaceFile } from "../store/store_io.ts";
import { parseArguments } from "./args.ts";
import { runMain } from "./main.ts";
import type { CommandSpec, OptionSpecs } from "./option_spec.ts";
import { candidateTiles, type TuneCase, tuneCases } from "./tune_cases.ts";

const COMMAND = {
  name: "tune",
  summary:
    "Measure every kernel of core/ops/tiles.json on the adapter at hand, and propose an edit of that file.",
  options: {
    write: { kind: "boolean", description: "write the proposal; without it nothing changes" },
    json: { kind: "boolean", description: "print one JSON document" },
    blockSeconds: {
      kind: "number",
      description: "length of one measurement; shorter ones are mostly readback",
      minimum: 0.02,
      default: 0.3,
    },
    rounds: {
      kind: "number",
      description: "measurements per kernel and shape, of which the median counts",
      integer: true,
      minimum: 1,
      default: 3,
    },
  },
  examples: ["deno task tune", "deno task tune --block-seconds 1 --rounds 7 --write"],
} as const satisfies CommandSpec<OptionSpecs>;

/** A kernel must take this share less time than the table's before it is proposed: less is noise. */
const WORTHWHILE = 0.05;

const TABLE = fileURLToPath(new URL("../ops/tiles.json", import.meta.url));

/** One kernel of one family and class. */
export interface Measurement {
  readonly tile: Tile;
  /** Median seconds per launch, by shape. */
  readonly seconds: readonly number[];
  /** Time relative to the table's kernel: geometric mean over the shapes. */
  readonly relativeTime: number;
}

/** What was found for one family and class. */
export interface Finding {
  readonly family: TileFamily;
  readonly shapeClass: ShapeClass;
  readonly cases: readonly TuneCase[];
  readonly present: Tile;
  /** The present kernel, or a faster one. */
  readonly proposed: Tile;
  /** Fastest first. */
  readonly measurements: readonly Measurement[];
}

/** The fastest kernel if it is worth an edit, else the present one. */
export function proposal(present: Tile, measurements: readonly Measurement[]): Tile {
  const best = measurements.reduce((a, b) => b.relativeTime < a.relativeTime ? b : a);
  return best.relativeTime < 1 - WORTHWHILE ? best.tile : present;
}

/** The table as its file has it, with some tiles of one preset replaced. */
export function tableText(
  preset: Preset,
  replaced: readonly Pick<Finding, "family" | "shapeClass" | "proposed">[],
): string {
  const entry = (family: TileFamily, at: { preset: Preset; shapeClass: ShapeClass }): string => {
    const found = at.preset !== preset
      ? undefined
      : replaced.find((one) => one.family === family && one.shapeClass === at.shapeClass);
    const { entryPoint, workgroup } = found?.proposed ?? tileOf(family, at);
    return `      "${at.shapeClass}": { "entry_point": "${entryPoint}", "workgroup": ${workgroup} }`;
  };
  const families = TILE_FAMILIES.map((family) => {
    const presets = (["software-adapter", "gpu"] as const).map((name) => {
      const entries = SHAPE_CLASSES.map((shapeClass) =>
        entry(family, { preset: name, shapeClass })
      );
      return `    "${name}": {\n${entries.join(",\n")}\n    }`;
    });
    return `  "${family}": {\n${presets.join(",\n")}\n  }`;
  });
  return `{\n${families.join(",\n")}\n}\n`;
}

/** Lines that differ, as a diff without context. */
export function changedLines(before: string, after: string): readonly string[] {
  const old = before.split("\n");
  return after.split("\n").flatMap((line, index) =>
    line === old[index] ? [] : [`-${old[index]}`, `+${line}`]
  );
}

/** Runs the command. @throws {StoreError} If the table on disk is not the one this program was loaded with */
export async function tune(
  args: readonly string[],
  print: (text: string) => void = (text) => console.log(text),
): Promise<void> {
  const read = parseArguments(args, COMMAND);
  if (read.kind === "help") return print(read.text);
  const { write, json, blockSeconds, rounds } = read.options;
  const open = await openDevice();
  const preset: Preset = open.facts.isFallbackAdapter ? "software-adapter" : "gpu";
  try {
    const timing = { seconds: systemClock.seconds, blockSeconds, rounds };
    const pipelines = new PipelineCache(open.device);
    const findings: Finding[] = [];
    for (const { family, shapeClass, cases } of groupsOf(tuneCases())) {
      const work = { family, shapeClass, cases, preset, pipelines, timing };
      findings.push(await measure(open, work));
      if (!json) print(findingText(findings[findings.length - 1]));
    }
    const before = tableText(preset, []);
    const after = tableText(preset, findings);
    if (json) print(JSON.stringify(documentOf(findings, { open, preset }), null, 2));
    else print(changedLines(before, after).join("\n") || "The table stands: nothing is faster");
    if (write && after !== before) writeTable(before, after);
    if (!json && !write && after !== before) print("Nothing was written; --write does");
  } finally {
    open.device.destroy();
  }
}

interface Group {
  readonly family: TileFamily;
  readonly shapeClass: ShapeClass;
  readonly cases: readonly TuneCase[];
}

function groupsOf(cases: readonly TuneCase[]): readonly Group[] {
  return TILE_FAMILIES.flatMap((family) =>
    SHAPE_CLASSES.map((shapeClass) => ({
      family,
      shapeClass,
      cases: cases.filter((one) => one.family === family && one.shapeClass === shapeClass),
    }))
  );
}

async function measure(
  open: OpenDevice,
  work: Group & {
    readonly preset: Preset;
    readonly pipelines: PipelineCache;
    readonly timing: Parameters<typeof timeDispatches>[1]["timing"];
  },
): Promise<Finding> {
  const { family, shapeClass, cases, preset, pipelines, timing } = work;
  const present = tileOf(family, { preset, shapeClass });
  const isPresent = (tile: Tile): boolean =>
    tile.entryPoint === present.entryPoint && tile.workgroup === present.workgroup;
  const others = candidateTiles(family, shapeClass).filter((tile) => !isPresent(tile));
  const tiles = [present, ...others];
  const times: (readonly number[])[] = [];
  for (const one of cases) {
    const dispatches = tiles.map((tile) => one.dispatch(tile, preset));
    const found = await timeDispatches(open, {
      dispatches,
      contents: one.contents(),
      pipelines,
      timing,
    });
    const wrong = found.findIndex(({ result }) => !sameWords(result, found[0].result));
    if (preset === "software-adapter" && wrong >= 0) {
      throw new HarnessError(
        `Kernels "${present.entryPoint}" and "${
          tiles[wrong].entryPoint
        }" of ${family} disagree on ` +
          `${one.name}: expected the same bits, because the order of every sum is the same`,
      );
    }
    times.push(found.map(({ secondsPerLaunch }) => secondsPerLaunch));
  }
  const measurements = tiles.map((tile, k) => {
    const ratios = times.map((seconds) => Math.log(seconds[k] / seconds[0]));
    const relativeTime = Math.exp(ratios.reduce((sum, x) => sum + x, 0) / ratios.length);
    return { tile, seconds: times.map((seconds) => seconds[k]), relativeTime };
  }).sort((a, b) => a.relativeTime - b.relativeTime);
  const proposed = proposal(present, measurements);
  return { family, shapeClass, cases, present, proposed, measurements };
}

function sameWords(a: Uint32Array, b: Uint32Array): boolean {
  return a.every((word, index) => word === b[index]);
}

function findingText({ family, shapeClass, cases, present, measurements }: Finding): string {
  const rows = measurements.map(({ tile, seconds, relativeTime }) => {
    const name = `${tile.entryPoint} / ${tile.workgroup}`.padEnd(24);
    const speeds = seconds.map((s, k) => (cases[k].flops / s / 1e9).toFixed(1).padStart(7)).join(
      "",
    );
    const mark = tile.entryPoint === present.entryPoint && tile.workgroup === present.workgroup;
    return `  ${name}${relativeTime.toFixed(2).padStart(6)}  ${speeds}${
      mark ? "  in the table" : ""
    }`;
  });
  const shapes = cases.map(({ name }) => name).join(", ");
  return `${family}, ${shapeClass}: time relative to the table's kernel; GFLOP/s at ${shapes}\n${
    rows.join("\n")
  }\n`;
}

function documentOf(
  findings: readonly Finding[],
  { open, preset }: { readonly open: OpenDevice; readonly preset: Preset },
): unknown {
  const keyed = ({ entryPoint, workgroup }: Tile) => ({ entry_point: entryPoint, workgroup });
  return {
    adapter: open.facts.description,
    preset,
    findings: findings.map(({ family, shapeClass, cases, present, proposed, measurements }) => ({
      family,
      shape_class: shapeClass,
      shapes: cases.map(({ name }) => name),
      present: keyed(present),
      proposed: keyed(proposed),
      measurements: measurements.map(({ tile, seconds, relativeTime }) => ({
        ...keyed(tile),
        relative_time: relativeTime,
        gigaflops_per_second: seconds.map((s, k) => cases[k].flops / s / 1e9),
      })),
    })),
  };
}

function writeTable(before: string, after: string): void {
  if (Deno.readTextFileSync(TABLE) !== before) {
    throw new StoreError(
      "Cannot write core/ops/tiles.json: expected the file this program was started with, got another one",
    );
  }
  replaceFile(TABLE, after);
}

if (import.meta.main) await runMain(() => tune(Deno.args));
