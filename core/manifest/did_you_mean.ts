/**
 * Number of edits that turn `a` into `b`: insert, delete or replace a character, or swap two
 * neighbours (optimal string alignment distance).
 *
 * Source: Boytsov, "Indexing methods for approximate dictionary searching", ACM JEA 16 (2011), §2.2.
 */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replace, previous[j] + 1, current[j - 1] + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, beforePrevious[j - 2] + 1);
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length];
}

/**
 * The known word nearest to a mistyped one, or null where none is near: at most a third of the
 * letters (at least one, at most three) may differ. Case, "-" and "_" do not count as differences.
 * Equally near words: the first in `known`.
 */
export function didYouMean(word: string, known: readonly string[]): string | null {
  const plain = (text: string): string => text.toLowerCase().replaceAll("_", "-");
  const limit = Math.min(3, Math.max(1, Math.floor(word.length / 3)));
  let best: string | null = null;
  let bestDistance = limit + 1;
  for (const candidate of known) {
    const distance = editDistance(plain(word), plain(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * End of an error message about an unknown word: `did you mean "n_layers"? Known: "d_model", …`;
 * without the question where no known word is near.
 */
export function knownWords(word: string, known: readonly string[]): string {
  const near = didYouMean(word, known);
  const list = known.length === 0 ? "none" : known.map((name) => `"${name}"`).join(", ");
  return near === null ? `known: ${list}` : `did you mean "${near}"? Known: ${list}`;
}
