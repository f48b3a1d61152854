/** What every option declares. Keys are camelCase; the command line shows them with dashes. */
interface OptionBase {
  /** One line for the help text. */
  readonly description: string;
}

/** `--flag`, false unless given. */
export interface BooleanOption extends OptionBase {
  readonly kind: "boolean";
  /** @default false */
  readonly default?: boolean;
}

/** `--name TEXT`. */
export interface StringOption extends OptionBase {
  readonly kind: "string";
  /** Stands for the value in the help text, and means that it is not empty. @default "text" */
  readonly placeholder?: string;
  /** Closed list of values. */
  readonly choices?: readonly string[];
  readonly default?: string;
  /** @default false */
  readonly required?: boolean;
}

/** `--name NUMBER`, finite. */
export interface NumberOption extends OptionBase {
  readonly kind: "number";
  /** @default "number" */
  readonly placeholder?: string;
  /** Only whole numbers. @default false */
  readonly integer?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: number;
  /** @default false */
  readonly required?: boolean;
}

/** `--name a,b` or `--name a --name b`; empty unless given. */
export interface ListOption extends OptionBase {
  readonly kind: "list";
  /** @default "a,b,…" */
  readonly placeholder?: string;
  readonly default?: readonly string[];
}

/** One declared option. */
export type OptionSpec = BooleanOption | StringOption | NumberOption | ListOption;

/** Options by key. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** A command: its options and what `--help` says about it. */
export interface CommandSpec<O extends OptionSpecs> {
  /** Task name, "prepare-data". */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly options: O;
  /** Arguments without a name; none unless declared. */
  readonly positionals?: {
    readonly placeholder: string;
    readonly description: string;
    readonly minimum: number;
    readonly maximum: number;
  };
  /** Complete command lines. */
  readonly examples?: readonly string[];
}

type Present = { readonly required: true } | { readonly default: string | number };

type ValueOf<S extends OptionSpec> = S extends BooleanOption ? boolean
  : S extends ListOption ? readonly string[]
  : S extends NumberOption ? (S extends Present ? number : number | undefined)
  : S extends StringOption ? (S extends Present ? string : string | undefined)
  : never;

/** Typed values: undefined only for a string or number that is neither required nor has a default. */
export type OptionValues<O extends OptionSpecs> = { readonly [K in keyof O]: ValueOf<O[K]> };

/** A command line that has been read: a request for help, or values to run with. */
export type Arguments<O extends OptionSpecs> =
  | { readonly kind: "help"; readonly text: string }
  | {
    readonly kind: "run";
    readonly options: OptionValues<O>;
    readonly positionals: readonly string[];
  };

/** `dataDir` → `data-dir`. */
export function dashed(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
