import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { HarnessError, NumericError } from "../../../core/errors.ts";
import { canonicalJson, jsonDigest } from "../../../core/manifest/canonical_json.ts";

// RFC 8785, appendix B: bits of the double, its text.
const NUMBERS: readonly (readonly [string, string])[] = [
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
];

function doubleOf(bits: string): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
}

Deno.test("canonicalJson() writes the numbers of RFC 8785, appendix B", () => {
  for (const [bits, text] of NUMBERS) assertEquals(canonicalJson(doubleOf(bits)), text, bits);
});

Deno.test("canonicalJson() refuses the non-finite numbers of RFC 8785, appendix B", () => {
  for (const bits of ["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"]) {
    assertThrows(() => canonicalJson({ x: doubleOf(bits) }), NumericError);
  }
});

Deno.test("canonicalJson() writes the sample of RFC 8785, §3.2.2", () => {
  const input = String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`;
  const output = String
    .raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`;
  assertEquals(canonicalJson(JSON.parse(input)), output);
});

Deno.test("canonicalJson() sorts keys by UTF-16 code units, RFC 8785, §3.2.3", () => {
  const input = String.raw`{
    "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis"
  }`;
  const order = [
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
  ];
  const text = canonicalJson(JSON.parse(input));
  const places = order.map((value) => text.indexOf(`"${value}"`));
  assertEquals(places, places.toSorted((a, b) => a - b));
  assertEquals(places.includes(-1), false);
});

Deno.test("canonicalJson() refuses text with a lone surrogate", () => {
  const error = assertThrows(() => canonicalJson(["\ud800"]), HarnessError);
  assertStringIncludes(error.message, String.raw`"\ud800"`);
});

Deno.test("jsonDigest() is the SHA-256 of the canonical text", () => {
  // python3 -c "import hashlib,json; print(hashlib.sha256(json.dumps({'b':[1,'é'],'a':None},
  //   sort_keys=True,separators=(',',':'),ensure_ascii=False).encode()).hexdigest())"
  const expected = "f8f17faab95c024891d173fa43442b0e52007736a1f36715ac721ab22deeefc5";
  assertEquals(jsonDigest({ b: [1, "é"], a: null }), expected);
});
