import { assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ManifestError } from "../../../core/errors.ts";
import { expand } from "../../../core/experiment/expand.ts";
import { unitKey } from "../../../core/experiment/unit_key.ts";
import { readUnitConfig } from "../../../core/manifest/unit_config.ts";
import { MANIFEST_TEXT, manifestWith } from "../manifest/_manifest_text.ts";
import { resolvedText } from "./_resolved.ts";

const VAL_LOSS = "val_loss: {direction: lower, unit: nats/token}";

function withTarget(target: number): string {
  const metric = `{direction: lower, unit: updates, scale: ratio, target: ${target}}`;
  return manifestWith(VAL_LOSS, `${VAL_LOSS}, steps_to_target: ${metric}`);
}

function refusalOf(text: string): string {
  return assertThrows(() => expand(resolvedText(text)), ManifestError).message;
}

Deno.test("checkMetrics() refuses a primary metric that is not declared", () => {
  const text = manifestWith("primary: val_loss", "primary: steps_to_target");
  assertEquals(
    refusalOf(text),
    't.yaml (profile smoke): at analysis.primary: expected a metric that metrics declares (val_loss), got "steps_to_target"; ' +
      "add metrics.steps_to_target with direction, unit, scale and target",
  );
  expand(resolvedText(withTarget(3).replace("primary: val_loss", "primary: steps_to_target")));
});

Deno.test("checkMetrics() refuses arms that are not watched alike", () => {
  for (
    const [key, value, other] of [["steps", 4, 8], ["eval_every", 2, 1], ["eval_tokens", 64, 32]]
  ) {
    const patch = `{kind: transformer}, train: {${key}: ${other}}`;
    const message = refusalOf(withTarget(3).replace("{kind: transformer}", patch));
    assertStringIncludes(
      message,
      `t.yaml (profile smoke, arm transformer): at train.${key}: metrics.steps_to_target needs the same in every arm: ` +
        `expected ${value} as in arm "resnet-bk", got ${other}`,
    );
    // Without the metric such arms may be compared by their final loss.
    expand(resolvedText(manifestWith("{kind: transformer}", patch)));
  }
  expand(resolvedText(
    withTarget(3).replace(
      "{kind: transformer}",
      "{kind: transformer}, train: {learning_rate: 0.1}",
    ),
  ));
});

Deno.test("expand() makes the target part of a unit and its key, and leaves other units as they were", () => {
  const ingredients = {
    inputs: {},
    code: "0".repeat(64),
    environment: { deno: "2.9.6", backend: "webgpu" },
    randomAlgorithm: "threefry2x32-20",
  };
  const keyOf = (text: string) => unitKey(expand(resolvedText(text))[0], ingredients).key;
  const [unit] = expand(resolvedText(withTarget(3)));
  assertEquals(unit.config.metrics, { steps_to_target: { target: 3 } });
  assertEquals(readUnitConfig(unit.config, { where: unit.name }).metrics, {
    stepsToTarget: { target: 3 },
  });
  assertEquals("metrics" in expand(resolvedText(MANIFEST_TEXT))[0].config, false);
  assertNotEquals(keyOf(withTarget(3)), keyOf(withTarget(2)));
});
