import { ManifestError } from "../errors.ts";
import type { AdapterFacts } from "../plan/adapter_facts.ts";

/** A profile and why it was taken. */
export interface ProfileChoice {
  readonly profile: string;
  readonly reason: string;
}

/** A T4 has 16 GiB in all, so an adapter that offers so much for one buffer is of the larger class. */
const A100_BUFFER_BYTES = 16 * 2 ** 30;

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
  const bytes = adapter.limits.maxBufferSize;
  const large = bytes >= A100_BUFFER_BYTES;
  const reason = `"${adapter.description}" allows buffers of ${bytes} bytes, ` +
    `${large ? "at least" : "less than"} the ${A100_BUFFER_BYTES} that no T4-class adapter has`;
  return { profile: large ? "a100" : "t4", reason };
}
