import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ManifestError } from "../../../core/errors.ts";
import type { AdapterFacts } from "../../../core/plan/adapter_facts.ts";
import { chooseProfile } from "../../../core/run/choose_profile.ts";

const KNOWN = ["smoke", "cpu", "t4", "a100"];
const GIB = 2 ** 30;

function adapter(description: string, maxBufferSize: number, isFallbackAdapter = false) {
  return {
    vendor: "",
    architecture: "",
    device: "",
    description,
    isFallbackAdapter,
    features: [],
    limits: { maxBufferSize },
  } satisfies AdapterFacts;
}

Deno.test("chooseProfile() takes cpu without an adapter and on a software one, however large", () => {
  assertEquals(chooseProfile(null, KNOWN).profile, "cpu");
  const choice = chooseProfile(adapter("llvmpipe", 64 * GIB, true), KNOWN);
  assertEquals(choice, { profile: "cpu", reason: '"llvmpipe" is a software adapter' });
});

Deno.test("chooseProfile() takes a100 from 16 GiB for one buffer on, t4 below", () => {
  assertEquals(chooseProfile(adapter("A100", 40 * GIB), KNOWN).profile, "a100");
  assertEquals(chooseProfile(adapter("A100", 16 * GIB), KNOWN).profile, "a100");
  const { profile, reason } = chooseProfile(adapter("T4", 16 * GIB - 1), KNOWN);
  assertEquals(profile, "t4");
  assertStringIncludes(reason, '"T4" allows buffers of 17179869183 bytes, less than');
});

Deno.test("chooseProfile() says why and what to do where the manifest lacks the profile", () => {
  const choose = () => chooseProfile(adapter("T4", GIB), ["smoke", "cpu"]);
  const { message } = assertThrows(choose, ManifestError);
  assertStringIncludes(
    message,
    'asks for "t4", the manifest has smoke, cpu; give one with --profile',
  );
});
