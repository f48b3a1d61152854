import { StoreError } from "../errors.ts";

const DIGEST = /^[0-9a-f]{64}$/;
const NAME_PART = /^[A-Za-z0-9][A-Za-z0-9._=-]*$/;

/** Paths inside a store (docs/harness.md §4), "/" on every system. */
export interface StorePaths {
  readonly version: string;
  readonly lock: string;
  readonly lockOwner: string;
  readonly objects: string;
  readonly runs: string;
  readonly refs: string;
  readonly blob: (digest: string) => string;
  readonly run: (key: string) => string;
  readonly preimage: (key: string) => string;
  readonly record: (key: string) => string;
  readonly recordDigest: (key: string) => string;
  readonly attempts: (key: string) => string;
  readonly ref: (name: string) => string;
}

/** Paths of the store at `root`. */
export function storePaths(root: string): StorePaths {
  const run = (key: string): string => `${root}/runs/${requireDigest(key).slice(0, 2)}/${key}`;
  return {
    version: `${root}/VERSION`,
    lock: `${root}/lock`,
    lockOwner: `${root}/lock.owner.json`,
    objects: `${root}/objects`,
    runs: `${root}/runs`,
    refs: `${root}/refs`,
    blob: (digest) => `${root}/objects/${requireDigest(digest).slice(0, 2)}/${digest.slice(2)}`,
    run,
    preimage: (key) => `${run(key)}/key.json`,
    record: (key) => `${run(key)}/record.json`,
    recordDigest: (key) => `${run(key)}/record.sha256`,
    attempts: (key) => `${run(key)}/attempts`,
    ref: (name) => `${root}/refs/${requireName(name)}.json`,
  };
}

/** Whether a text is a SHA-256 in lower-case hexadecimal. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

function requireDigest(digest: string): string {
  if (isDigest(digest)) return digest;
  throw new StoreError(`Cannot look up "${digest}": expected 64 lower-case hexadecimal digits`);
}

/** A logical name must not lead out of the folder of references. */
function requireName(name: string): string {
  if (name.split("/").every((part) => NAME_PART.test(part))) return name;
  throw new StoreError(
    `Cannot look up the name "${name}": expected parts of letters, digits and ".", "_", "=", "-", ` +
      'separated by "/"',
  );
}
