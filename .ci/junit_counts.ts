/** Counts of a JUnit report as `deno test --junit-path` writes it, steps included. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts the test cases of a report and holds the sum against its own header.
 *
 * @throws {Error} If the text is no complete report, or its cases disagree with its header
 */
export function junitCounts(xml: string): TestCounts {
  const header = /<testsuites\b[^>]*>/.exec(xml)?.[0];
  if (header === undefined || !xml.trimEnd().endsWith("</testsuites>")) {
    throw new Error("Expected a complete JUnit report with a testsuites element");
  }
  // Texts are escaped, so that "<testcase" never stands inside a name or a message.
  const cases = xml.match(/<testcase\b[^>]*?(\/>|>[\s\S]*?<\/testcase>)/g) ?? [];
  const skipped = cases.filter((text) => /<skipped\b/.test(text)).length;
  const failed = cases.filter((text) => /<(failure|error)\b/.test(text)).length;
  const declared = { tests: attribute(header, "tests"), failures: attribute(header, "failures") };
  if (declared.tests !== cases.length || declared.failures > failed) {
    throw new Error(
      `Expected ${declared.tests} tests and ${declared.failures} failures as the header says, ` +
        `got ${cases.length} and ${failed}`,
    );
  }
  return { passed: cases.length - failed - skipped, failed, skipped };
}

function attribute(tag: string, name: string): number {
  const text = new RegExp(`\\b${name}="(\\d+)"`).exec(tag)?.[1];
  if (text === undefined) throw new Error(`Expected the attribute "${name}" in ${tag}`);
  return Number(text);
}

if (import.meta.main) {
  const { passed, failed, skipped } = junitCounts(await Deno.readTextFile(Deno.args[0]));
  console.log(`${passed} ${failed} ${skipped}`);
}
