import { assertEquals, assertThrows } from "@std/assert";
import { StoreError } from "../../../core/errors.ts";
import { canonicalJson } from "../../../core/manifest/canonical_json.ts";
import type { JsonObject } from "../../../core/manifest/json.ts";
import { parseRecord } from "../../../core/store/parse_record.ts";
import { keyOf, recordOf } from "./_record.ts";

const EXPECTED = { path: "record.json", key: keyOf(1) };

/** The record of unit 1 with one more field, as text. */
function textWith(field: JsonObject): string {
  return canonicalJson({ ...(recordOf(1) as unknown as JsonObject), ...field });
}

Deno.test("parseRecord() reads why a metric has no number, and records without such a field", () => {
  const censored = { steps_to_target: { after: 24, reason: "not reached" } } as const;
  assertEquals(parseRecord(textWith({ censored }), EXPECTED).censored, censored);
  assertEquals("censored" in parseRecord(textWith({}), EXPECTED), false);
});

Deno.test("parseRecord() refuses a reason that is none", () => {
  const wrong: readonly JsonObject[] = [
    { censored: null },
    { censored: { steps_to_target: null } },
    { censored: { steps_to_target: { after: "24", reason: "not reached" } } },
    { censored: { steps_to_target: { after: 24, reason: "tired" } } },
  ];
  for (const field of wrong) {
    assertThrows(
      () => parseRecord(textWith(field), EXPECTED),
      StoreError,
      "at censored: expected after and reason",
    );
  }
});
