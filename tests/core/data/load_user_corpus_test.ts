import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { loadUserCorpus } from "../../../core/data/load_user_corpus.ts";
import { splitCorpus } from "../../../core/data/split_corpus.ts";
import { DataError } from "../../../core/errors.ts";

/** Writes files into a temporary folder and removes it afterwards. */
function withFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
  use: (folder: string) => void,
): void {
  const folder = Deno.makeTempDirSync();
  try {
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      Deno.writeFileSync(`${folder}/${name}`, bytes);
    }
    use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
/** 1,000 lines of 10 bytes. */
const LINES = Array.from({ length: 1000 }, (_, i) => `line ${String(i).padStart(4, "0")}\n`).join(
  "",
);

Deno.test("loadUserCorpus() cuts a file 90/5/5 after line ends", () => {
  // 10,003 bytes: floor(0.90 n) = 9002 and floor(0.95 n) = 9502 lie inside lines.
  withFiles({ "notes.txt": `ab\n${LINES}` }, (folder) => {
    const corpus = loadUserCorpus(`${folder}/notes.txt`);
    assertEquals([corpus.id, corpus.title, corpus.bytes.length], ["user", "notes.txt", 10_003]);
    const { train, valid, test } = splitCorpus(corpus);
    assertEquals([train, valid, test].map((part) => part?.bytes.length), [9003, 500, 500]);
    assertEquals(decode(valid.bytes).slice(0, 10), "line 0900\n");
  });
});

Deno.test("loadUserCorpus() returns the digest and refuses other bytes from then on", () => {
  withFiles({ "notes.txt": LINES }, (folder) => {
    const path = `${folder}/notes.txt`;
    const { sha256 } = loadUserCorpus(path);
    // python3: hashlib.sha256("".join("line %04d\n" % i for i in range(1000)).encode())
    assertEquals(sha256, "9092bdb30792189b0a0f20d2d67cf607fa7e3bf6147445ab431687f0bfab764c");
    assertEquals(loadUserCorpus(path, { sha256 }).sha256, sha256);
    Deno.writeTextFileSync(path, LINES.replace("0500", "0501"));
    const { message } = assertThrows(() => loadUserCorpus(path, { sha256 }), DataError);
    assertStringIncludes(message, `expected sha256: ${sha256}`);
    assertEquals(/found sha256: +[0-9a-f]{64} \(10000 bytes\)/.test(message), true);
  });
});

Deno.test("loadUserCorpus() joins a folder's .txt files in byte-wise name order", () => {
  // UTF-8 order puts U+FFFD (EF BF BD) before U+1D11E (F0 ...); UTF-16 order does not.
  const files = { "𝄞.txt": LINES, "\ufffd.txt": "second\n\n\n", "B.txt": "first", "c.md": "no" };
  withFiles(files, (folder) => {
    const { bytes, documents } = loadUserCorpus(folder);
    assertEquals(documents.map(({ name }) => name), ["B.txt", "\ufffd.txt", "𝄞.txt"]);
    assertEquals(decode(bytes), `first\n\nsecond\n\n${LINES}\n`);
  });
});

Deno.test("loadUserCorpus() splits 20 documents or more by document, fewer by lines", () => {
  const documents = (n: number) =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => {
      const name = String(i).padStart(2, "0");
      return [`${name}.txt`, `${name} `.repeat(200).replaceAll(" ", "\n")];
    }));
  withFiles(documents(40), (folder) => {
    const { split, train, valid, test } = splitCorpus(loadUserCorpus(folder));
    assertEquals(split, "interleave");
    assertEquals(new Set(decode(valid.bytes).trim().split(/\n+/)), new Set(["09", "29"]));
    assertEquals(new Set(decode(test!.bytes).trim().split(/\n+/)), new Set(["19", "39"]));
    assertEquals(new Set(decode(train.bytes).trim().split(/\n+/)).size, 36);
  });
  withFiles(documents(19), (folder) => {
    assertEquals(splitCorpus(loadUserCorpus(folder)).split, "lines");
  });
});

Deno.test("loadUserCorpus() names what is wrong with a text", () => {
  const latin1 = Uint8Array.of(...new TextEncoder().encode(LINES.slice(0, 30)), 0xe9, 0x0a);
  const files = { "empty.txt": "", "short.txt": "too short\n", "latin1.txt": latin1 };
  withFiles(files, (folder) => {
    const refuses = (path: string, text: string) =>
      assertThrows(() => loadUserCorpus(path), DataError, text);
    refuses(`${folder}/none.txt`, "no such file or folder");
    refuses(`${folder}/empty.txt`, "it is empty");
    refuses(`${folder}/short.txt`, "expected at least 4096 bytes, got 10");
    refuses(`${folder}/latin1.txt`, "other bytes in line 4 (bytes 30 to 31)");
  });
  withFiles({ "a.md": LINES }, (folder) => {
    assertThrows(() => loadUserCorpus(folder), DataError, "expected .txt files");
  });
});
