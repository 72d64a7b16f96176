// The values of a table, column by column: numbers in typed arrays, texts as they came, many of them as UTF-8 that is
// only decoded where it is shown. No DOM in here. cells.js is loaded before this file.

const utf8 = new TextDecoder();
const arrays = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f8: Float64Array };
const NEWLINE = 10;

// ASCII letters in lower case, all other bytes as they are.
const folded = Uint8Array.from({ length: 256 }, (_, byte) => (byte > 64 && byte < 91 ? byte + 32 : byte));

function typed(view, type) {
  const { buffer = view, byteOffset = 0, byteLength } = view; // a DataView, or an ArrayBuffer
  const Kind = arrays[type];
  const size = Kind.BYTES_PER_ELEMENT;
  const aligned = byteOffset % size === 0;
  return new Kind(aligned ? buffer : buffer.slice(byteOffset, byteOffset + byteLength), aligned ? byteOffset : 0, byteLength / size);
}

// A copy with more room, or the same.
function grown(array, size) {
  if (size <= array.length) return array;
  const larger = new array.constructor(Math.max(size, 2 * array.length));
  larger.set(array);
  return larger;
}

// The values of a message's column, see blocks.py, one for each of `keys`.
function valuesOf(packed, buffers, keys) {
  if ("list" in packed) return packed.list;
  if ("keys" in packed) return keys;
  if ("same" in packed) return Array(keys.length).fill(packed.same);
  if ("texts" in packed) return utf8.decode(typed(buffers[packed.texts], "u1")).split("\n");
  if ("numbers" in packed) return typed(buffers[packed.numbers], packed.type);
  return Array.from(typed(buffers[packed.codes], packed.type), (code) => packed.of[code]);
}

class Numbers {
  constructor({ kind }) {
    this.kind = kind;
    this.values = new Float64Array(64);
    this.size = 0;
    this.version = 0;
  }

  append(packed, buffers, keys) {
    const list = valuesOf(packed, buffers, keys);
    this.values = grown(this.values, this.size + list.length);
    if (ArrayBuffer.isView(list)) this.values.set(list, this.size);
    else for (let i = 0; i < list.length; i++) this.values[this.size + i] = list[i] ?? NaN;
    this.size += list.length;
    this.version++;
  }

  // Whether it is another value than before.
  set(n, value) {
    const number = value ?? NaN;
    if (Object.is(this.values[n], number)) return false;
    this.values[n] = number;
    this.version++;
    return true;
  }

  get(n) {
    const value = this.values[n];
    return Number.isNaN(value) ? null : value;
  }

  text(n) {
    return shown[this.kind](this.get(n));
  }

  // Numbers by which rows are sorted; NaN is unknown.
  ranks() {
    return this.values;
  }

  // Only letters with a digit mean numbers: an "s" would be in almost every age.
  mark(wanted, hits) {
    if (!/\d/.test(wanted) || /[^\d.,dhms–-]/.test(wanted)) return;
    const known = new Map();
    for (let n = 0; n < this.size; n++) {
      if (hits[n]) continue;
      let value = this.values[n];
      // Spans show two units: most of them look like many others.
      if (this.kind === "seconds" && value >= 3600) value -= value % (value < 86400 ? 60 : 3600);
      let is = known.get(value);
      if (is === undefined) known.set(value, (is = this.text(n).includes(wanted)));
      if (is) hits[n] = 1;
    }
  }

  // The smallest and the largest value.
  range(alive) {
    if (this.ranged === this.version) return this.extent;
    let [low, high] = [Infinity, -Infinity];
    for (let n = 0; n < this.size; n++) {
      const value = this.values[n];
      if (!alive[n]) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    this.ranged = this.version;
    return (this.extent = [low, high]);
  }
}

class Texts {
  constructor({ kind }, keys) {
    this.kind = kind;
    this.keys = keys;
    this.blocks = []; // { first, count } and { list }, { codes, of } or { bytes, starts }
    this.changed = new Map();
    this.size = 0;
    this.version = 0;
  }

  append(packed, buffers, keys) {
    const block = { first: this.size, count: keys.length };
    if ("texts" in packed) Object.assign(block, this.split(typed(buffers[packed.texts], "u1"), keys.length));
    else if ("codes" in packed) Object.assign(block, { of: packed.of, codes: typed(buffers[packed.codes], packed.type) });
    else if ("same" in packed) Object.assign(block, { of: [packed.same], codes: new Uint8Array(keys.length) });
    else block.list = [...valuesOf(packed, buffers, keys)];
    const last = this.blocks.at(-1);
    if (block.list && last?.list) {
      for (const text of block.list) last.list.push(text);
      last.count += keys.length;
    } else if (keys.length) this.blocks.push(block);
    this.size += keys.length;
    this.version++;
  }

  split(bytes, count) {
    const starts = new Uint32Array(count + 1);
    for (let i = 1; i < count; i++) starts[i] = bytes.indexOf(NEWLINE, starts[i - 1]) + 1;
    starts[count] = bytes.length + 1;
    return { bytes, starts };
  }

  block(n) {
    let block = this.recent;
    if (block && n >= block.first && n < block.first + block.count) return block;
    let [low, high] = [0, this.blocks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.blocks[middle].first <= n) low = middle;
      else high = middle - 1;
    }
    return (this.recent = this.blocks[low]);
  }

  get(n) {
    if (this.changed.size && this.changed.has(n)) return this.changed.get(n);
    const block = this.block(n);
    const i = n - block.first;
    if (block.list) return block.list[i];
    if (block.of) return block.of[block.codes[i]];
    return utf8.decode(block.bytes.subarray(block.starts[i], block.starts[i + 1] - 1));
  }

  set(n, value) {
    if (this.get(n) === value) return false;
    const block = this.block(n);
    if (block.list) block.list[n - block.first] = value;
    else this.changed.set(n, value);
    this.version++;
    return true;
  }

  text(n) {
    return String(this.get(n) ?? "");
  }

  // One number for each text, the same for the same text, and the texts by number.
  codes() {
    if (this.coded?.version === this.version) return this.coded;
    const known = new Map();
    const codes = new Uint32Array(this.size);
    const of = [];
    const texts = this.all();
    for (let n = 0; n < this.size; n++) {
      const text = texts[n];
      let code = known.get(text);
      if (code === undefined) {
        known.set(text, (code = of.length));
        of.push(text);
      }
      codes[n] = code;
    }
    return (this.coded = { version: this.version, codes, of });
  }

  // All texts, at once: one by one takes ten times as long.
  all() {
    const texts = [];
    for (const { first, count, list, of, codes, bytes } of this.blocks) {
      const own = list ?? (of ? null : utf8.decode(bytes).split("\n"));
      for (let i = 0; i < count; i++) texts[first + i] = own ? own[i] : of[codes[i]];
    }
    for (const [n, text] of this.changed) texts[n] = text;
    return texts;
  }

  ranks() {
    if (this.ranked?.version === this.version) return this.ranked.ranks;
    const texts = this.all();
    const known = [...new Set(texts)].filter((text) => text !== null && text !== undefined);
    known.sort(this.kind === "id" ? compareIds : undefined);
    const place = new Map(known.map((text, at) => [text, at]));
    const ranks = Float64Array.from(texts, (text) => place.get(text) ?? NaN);
    this.ranked = { version: this.version, ranks };
    return ranks;
  }

  // Marks the rows whose text has these letters, which are in lower case.
  mark(wanted, hits) {
    const has = (text) => String(text ?? "").toLowerCase().includes(wanted);
    const before = [...this.changed.keys()].map((n) => hits[n]);
    for (const block of this.blocks) {
      if (block.bytes) {
        if (/^[\x20-\x7e]*$/.test(wanted)) this.scan(block, wanted, hits);
        else utf8.decode(block.bytes).split("\n").forEach((text, i) => has(text) && (hits[block.first + i] = 1));
      } else if (block.of) {
        const is = Uint8Array.from(block.of, has);
        for (let i = 0; i < block.count; i++) hits[block.first + i] |= is[block.codes[i]];
      } else block.list.forEach((text, i) => has(text) && (hits[block.first + i] = 1));
    }
    [...this.changed].forEach(([n, text], i) => (hits[n] = before[i] | has(text)));
  }

  // Reads some of the bytes (Horspool's search): nothing is decoded or copied.
  scan({ first, count, bytes, starts }, wanted, hits) {
    const letters = Uint8Array.from(wanted, (letter) => letter.charCodeAt(0));
    const last = letters.length - 1;
    // How far one may go on from the byte where the last letter would be; 0 is that letter.
    const steps = new Uint32Array(256).fill(letters.length);
    const step = (letter, far) => [letter, ...(letter > 96 && letter < 123 ? [letter - 32] : [])].forEach((byte) => (steps[byte] = far));
    for (let i = 0; i < last; i++) step(letters[i], last - i);
    const again = steps[letters[last]];
    step(letters[last], 0);
    let row = 0;
    for (let at = last; at < bytes.length; ) {
      const far = steps[bytes[at]];
      if (far) {
        at += far;
        continue;
      }
      let same = 1;
      while (same <= last && folded[bytes[at - same]] === letters[last - same]) same++;
      if (same <= last) {
        at += again;
        continue;
      }
      while (row + 1 < count && starts[row + 1] <= at) row++;
      hits[first + row] = 1;
      at = starts[row + 1] + last; // one is enough
    }
  }
}

// The column of the keys themselves, such as ids: unsigned 64 bits, as strings.
class Keys {
  constructor({ kind }, keys) {
    this.kind = kind;
    this.keys = keys;
    this.version = 0;
  }

  append() {
    this.version++;
  }

  set() {
    return false;
  }

  get(n) {
    return this.keys[n];
  }

  text(n) {
    return this.keys[n];
  }

  ranks() {
    if (this.ranked?.version === this.version) return this.ranked.ranks;
    const { keys } = this;
    let ranks = Float64Array.from(keys, Number);
    if (ranks.some((number) => !Number.isSafeInteger(number))) {
      // The longer is the larger.
      const order = Array.from(keys.keys()).sort((a, b) => compareIds(keys[a], keys[b]));
      ranks = new Float64Array(keys.length);
      order.forEach((n, at) => (ranks[n] = at));
    }
    this.ranked = { version: this.version, ranks };
    return ranks;
  }

  mark(wanted, hits) {
    const { keys } = this;
    if (this.kind === "id" && /\D/.test(wanted)) return;
    const folds = this.kind !== "id";
    for (let n = 0; n < keys.length; n++) if ((folds ? keys[n].toLowerCase() : keys[n]).includes(wanted)) hits[n] = 1;
  }
}
