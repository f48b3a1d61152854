const INITIAL_SLOTS = 1 << 16;
const EMPTY = -1;

/**
 * Counts of all n-grams up to an order, as a trie: a node is an n-gram, its children are the tokens
 * seen after it. Edges live in one open-addressing hash table from (node, token) to node.
 *
 * A class because the tables grow in place.
 */
export class NgramCounts {
  /** Node of the empty n-gram. */
  static readonly ROOT = 0;
  readonly vocabularySize: number;
  readonly maxOrder: number;
  #nodes = 1;
  #count = new Float64Array(1024);
  #kinds = new Int32Array(1024);
  #followers = new Float64Array(1024);
  // node * V + token, at most 2^31 * V, exact in f64.
  #keys = new Float64Array(INITIAL_SLOTS).fill(EMPTY);
  #values = new Int32Array(INITIAL_SLOTS);

  constructor(vocabularySize: number, maxOrder: number) {
    this.vocabularySize = vocabularySize;
    this.maxOrder = maxOrder;
  }

  /** Counts every n-gram of orders 1..maxOrder of one text. */
  add(ids: Uint8Array | Int32Array): void {
    // last[d] = node of the last d tokens, EMPTY while the text is shorter than d.
    const last = new Int32Array(this.maxOrder).fill(EMPTY);
    last[0] = NgramCounts.ROOT;
    for (const id of ids) {
      for (let depth = this.maxOrder - 1; depth >= 0; depth--) {
        const context = last[depth];
        if (context < 0) continue;
        const node = this.#childOrNew(context, id);
        if (this.#count[node]++ === 0) this.#kinds[context]++;
        this.#followers[context]++;
        if (depth + 1 < this.maxOrder) last[depth + 1] = node;
      }
    }
  }

  /** Node of an n-gram followed by a token, or -1 if it was never counted. */
  child(node: number, token: number): number {
    const slot = this.#slotOf(node * this.vocabularySize + token);
    return this.#keys[slot] === EMPTY ? -1 : this.#values[slot];
  }

  /** How often the n-gram was counted. */
  count(node: number): number {
    return this.#count[node];
  }

  /** Number of distinct tokens seen after the n-gram. */
  kinds(node: number): number {
    return this.#kinds[node];
  }

  /** Number of tokens seen after the n-gram; one less than its count if it also ended the text. */
  followers(node: number): number {
    return this.#followers[node];
  }

  #childOrNew(node: number, token: number): number {
    const key = node * this.vocabularySize + token;
    const slot = this.#slotOf(key);
    if (this.#keys[slot] !== EMPTY) return this.#values[slot];
    const created = this.#nodes++;
    this.#keys[slot] = key;
    this.#values[slot] = created;
    if (created >= this.#count.length) this.#growNodes();
    // Half full at most, so that a probe for an absent key ends soon.
    if (this.#nodes * 2 > this.#keys.length) this.#growSlots();
    return created;
  }

  /** The slot that holds the key, or the empty one where it belongs: linear probing. */
  #slotOf(key: number): number {
    const mask = this.#keys.length - 1;
    const low = key % 4294967296;
    const high = (key - low) / 4294967296;
    let slot = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
    slot = (slot ^ (slot >>> 15)) & mask;
    while (this.#keys[slot] !== EMPTY && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #growNodes(): void {
    const size = this.#count.length * 2;
    const grow = <T extends Float64Array | Int32Array>(larger: T, old: T): T => {
      larger.set(old);
      return larger;
    };
    this.#count = grow(new Float64Array(size), this.#count);
    this.#kinds = grow(new Int32Array(size), this.#kinds);
    this.#followers = grow(new Float64Array(size), this.#followers);
  }

  #growSlots(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Float64Array(keys.length * 2).fill(EMPTY);
    this.#values = new Int32Array(values.length * 2);
    for (const [i, key] of keys.entries()) {
      if (key === EMPTY) continue;
      const slot = this.#slotOf(key);
      this.#keys[slot] = key;
      this.#values[slot] = values[i];
    }
  }
}
