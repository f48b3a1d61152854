import { ManifestError } from "../errors.ts";
import type { AdapterFacts } from "../plan/adapter_facts.ts";

/** A profile and why it was taken. */
export interface ProfileChoice {
  readonly profile: string;
  readonly reason: string;
}

/** Adapters that bind at least this much at once are taken for A100-class: T4-class drivers offer 2 GiB. */
const A100_BINDING_BYTES = 4 * 2 ** 30 - 4;

/**
 * The profile for the machine at hand when none was asked for: `cpu` on a software adapter or the
 * reference, else `t4` or `a100` by the adapter's limits.
 *
 * @throws {ManifestError} If the manifest has no such profile
 */
export function chooseProfile(
  adapter: AdapterFacts | null,
  known: readonly string[],
): ProfileChoice {
  const choice = profileFor(adapter);
  if (!known.includes(choice.profile)) {
    throw new ManifestError(
      `Cannot choose a profile: ${choice.reason} asks for "${choice.profile}", ` +
        `the manifest has ${known.join(", ")}; give one with --profile`,
    );
  }
  return choice;
}

function profileFor(adapter: AdapterFacts | null): ProfileChoice {
  if (!adapter) return { profile: "cpu", reason: "the reference backend needs no adapter" };
  if (adapter.isFallbackAdapter) {
    return { profile: "cpu", reason: `"${adapter.description}" is a software adapter` };
  }
  const bytes = adapter.limits.maxStorageBufferBindingSize;
  const large = bytes >= A100_BINDING_BYTES;
  const reason = `"${adapter.description}" binds ${bytes} bytes at once, ` +
    `${large ? "at least" : "less than"} ${A100_BINDING_BYTES}`;
  return { profile: large ? "a100" : "t4", reason };
}
