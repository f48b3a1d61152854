import { assertEquals, assertThrows } from "@std/assert";
import { coverageByFolder, coverageTable } from "../../.ci/coverage_by_folder.ts";
import { junitCounts } from "../../.ci/junit_counts.ts";

/** As written by deno 2.9.6 for one pass, one ignored test and one test with a failing step. */
const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="2" errors="0" time="0.014">
    <testsuite name="./m_test.ts" tests="4" disabled="1" errors="0" failures="2">
        <testcase name="f &lt;testcase&gt; &quot; works" classname="./m_test.ts" time="0.001" line="1" col="32">
        </testcase>
        <testcase name="ig" classname="./m_test.ts" time="0.000" line="1" col="97">
            <skipped/>
        </testcase>
        <testcase name="bad" classname="./m_test.ts" time="0.003" line="1" col="142">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="bad &gt; sub" classname="./m_test.ts" time="0.002" line="1" col="177">
            <failure message="Uncaught Error: no]]&gt;">Error: no]]&gt;</failure>
        </testcase>
    </testsuite>
</testsuites>
`;

Deno.test("junitCounts() counts passes, failures with their steps, and ignored tests", () => {
  assertEquals(junitCounts(REPORT), { passed: 1, failed: 2, skipped: 1 });
});

Deno.test("junitCounts() refuses a report that is cut short or contradicts itself", () => {
  assertThrows(() => junitCounts(REPORT.slice(0, 700)), Error, "complete JUnit report");
  assertThrows(() => junitCounts(""), Error, "complete JUnit report");
  assertThrows(() => junitCounts(REPORT.replace('tests="4"', 'tests="5"')), Error, "got 4 and 2");
});

const LCOV = `SF:/home/a/project/core/gpu/device.ts
BRF:4
BRH:1
LH:9
LF:10
end_of_record
SF:/home/a/project/core/gpu/presets.ts
LH:5
LF:10
end_of_record
SF:/home/a/project/core/errors.ts
LH:1
LF:3
end_of_record
SF:/home/a/project/tests/core/gpu/fixture.ts
LH:0
LF:50
end_of_record
SF:/home/a/project/mod.ts
LH:0
LF:50
end_of_record
`;

Deno.test("coverageTable() adds up files by folder of core and leaves the rest out", () => {
  assertEquals(
    coverageTable(coverageByFolder(LCOV)),
    [
      "folder                  lines  branches",
      "core                   33.3 %         -",
      "core/gpu               70.0 %    25.0 %",
      "all of core            65.2 %    25.0 %",
    ].join("\n"),
  );
});

Deno.test("coverageByFolder() refuses a report without any file of core", () => {
  assertThrows(() => coverageByFolder("SF:/home/a/project/mod.ts\nLH:1\nLF:1\nend_of_record\n"));
});
