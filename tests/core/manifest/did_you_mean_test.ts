import { assertEquals } from "@std/assert";
import { didYouMean, editDistance, knownWords } from "../../../core/manifest/did_you_mean.ts";

Deno.test("editDistance() agrees with textbook pairs", () => {
  // Wagner and Fischer's and Levenshtein's usual examples.
  assertEquals(editDistance("kitten", "sitting"), 3);
  assertEquals(editDistance("saturday", "sunday"), 3);
  assertEquals(editDistance("", "abc"), 3);
  assertEquals(editDistance("abc", ""), 3);
  assertEquals(editDistance("same", "same"), 0);
});

Deno.test("editDistance() counts a swap of neighbours as one edit", () => {
  assertEquals(editDistance("seed", "sede"), 1);
  // Optimal string alignment edits no substring twice: 3, where the unrestricted distance is 2.
  assertEquals(editDistance("ca", "abc"), 3);
});

Deno.test("didYouMean() finds a near word and refuses a far one", () => {
  const known = ["d_model", "n_layers", "learning_rate"];
  assertEquals(didYouMean("n_layer", known), "n_layers");
  assertEquals(didYouMean("learning-rate", known), "learning_rate");
  assertEquals(didYouMean("lerning_rate", known), "learning_rate");
  assertEquals(didYouMean("banana", known), null);
  assertEquals(didYouMean("x", []), null);
});

Deno.test("knownWords() lists the known words, with and without a suggestion", () => {
  assertEquals(knownWords("see", ["seed", "out"]), 'did you mean "seed"? Known: "seed", "out"');
  assertEquals(knownWords("banana", ["seed"]), 'known: "seed"');
  assertEquals(knownWords("banana", []), "known: none");
});
