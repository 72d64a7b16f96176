// The rows of a table: which of them are shown, and in which order. No DOM in here. store.js is loaded before this file.

// Stands in an order for the row that folds others.
const FOLDED = 0xffffffff;

// Ids are unsigned 64 bit and travel as strings: the longer is the larger.
function compareIds(a, b) {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

// Sorts row numbers by their rank, in place and stable: a radix sort, ten times as fast as a comparison for many rows.
function sortByRank(order, ranks, descending) {
  const size = order.length;
  const bits = new Uint32Array(2 * size);
  const floats = new Float64Array(1);
  const halves = new Uint32Array(floats.buffer);
  for (let i = 0; i < size; i++) {
    floats[0] = ranks[order[i]] + 0; // no negative zero
    // As unsigned numbers in the same order as the floats, or in the other one.
    const flip = halves[1] >>> 31 ? 0xffffffff : 0;
    const turn = descending ? 0xffffffff : 0;
    bits[2 * i] = halves[0] ^ flip ^ turn;
    bits[2 * i + 1] = halves[1] ^ (flip || 0x80000000) ^ turn;
  }
  let [from, to] = [Uint32Array.from({ length: size }, (_, i) => i), new Uint32Array(size)];
  const counts = new Uint32Array(65537);
  for (const [half, shift] of [[0, 0], [0, 16], [1, 0], [1, 16]]) {
    counts.fill(0);
    for (let i = 0; i < size; i++) counts[((bits[2 * i + half] >>> shift) & 65535) + 1]++;
    if (size && counts[((bits[half] >>> shift) & 65535) + 1] === size) continue; // they are all the same
    for (let digit = 0; digit < 65536; digit++) counts[digit + 1] += counts[digit];
    for (let i = 0; i < size; i++) to[counts[(bits[2 * from[i] + half] >>> shift) & 65535]++] = from[i];
    [from, to] = [to, from];
  }
  const before = order.slice();
  for (let i = 0; i < size; i++) order[i] = before[from[i]];
}

class Rows {
  constructor(columns, { order = null, fold = null } = {}) {
    this.columns = columns;
    this.first = order && { column: order[0], descending: order[1] };
    this.sort = this.first; // { column, descending }, or null for the order in which rows came
    this.fold = fold && columns.findIndex(({ name }) => name === fold.column);
    this.unfolded = false;
    this.filter = "";
    this.masked = null; // Uint8Array by row number: 0 hides
    this.clear();
  }

  clear() {
    this.keys = [];
    this.alive = new Uint8Array(64);
    this.size = 0; // row numbers in use
    this.live = 0;
    this.index = null;
    this.data = null;
    this.hits = null;
    this.foldedRows = 0;
    this.order = new Uint32Array(0);
  }

  // -- values ------------------------------------------------------------------------------------------------------

  // The number of a row, or undefined.
  number(key) {
    if (!this.index || this.index.upTo < this.size) {
      this.index ??= Object.assign(new Map(), { upTo: 0 });
      for (let n = this.index.upTo; n < this.size; n++) if (this.alive[n]) this.index.set(this.keys[n], n);
      this.index.upTo = this.size;
    }
    return this.index.get(key);
  }

  has(key) {
    return this.number(key) !== undefined;
  }

  value(n, column) {
    return this.data[column].get(n);
  }

  text(n, column) {
    return String(this.data[column].text(n));
  }

  column(name) {
    return this.data?.[this.columns.findIndex((column) => column.name === name)];
  }

  numbers(name) {
    return this.column(name)?.values ?? null;
  }

  codes(name) {
    return this.column(name)?.codes?.() ?? null;
  }

  made(column, packed) {
    if (numeric[column.kind]) return new Numbers(column);
    return "keys" in packed ? new Keys(column, this.keys) : new Texts(column);
  }

  // -- changes -----------------------------------------------------------------------------------------------------

  replace({ keys, cells }, buffers) {
    this.clear();
    const names = valuesOf(keys, buffers, []);
    this.data = cells.map((packed, i) => this.made(this.columns[i], packed));
    this.append(ArrayBuffer.isView(names) ? Array.from(names, String) : names, cells, buffers);
    this.masked = null;
    this.match();
    this.arrange();
  }

  append(keys, cells, buffers) {
    cells.forEach((packed, i) => {
      if (this.data[i] instanceof Keys && !("keys" in packed)) this.data[i] = this.separate(this.data[i]);
      this.data[i].append(packed, buffers, keys);
    });
    for (const key of keys) this.keys.push(key);
    this.alive = grown(this.alive, this.size + keys.length).fill(1, this.size, this.size + keys.length);
    this.size += keys.length;
    this.live += keys.length;
  }

  // A column whose values are no longer the keys.
  separate({ kind }) {
    const column = new Texts({ kind });
    column.append({ list: this.keys }, [], this.keys);
    return column;
  }

  // Values change at once; `still` keeps every row in place, so that nothing moves under the pointer.
  patch({ keys, cells, gone }, buffers, still) {
    let names = valuesOf(keys, buffers, []);
    if (ArrayBuffer.isView(names)) names = Array.from(names, String);
    const begin = this.size;
    let moved = gone.length > 0;
    for (const key of gone) this.remove(key);
    if (!names.some((key) => this.has(key))) this.append(names, cells, buffers);
    else {
      const lists = cells.map((packed) => valuesOf(packed, buffers, names));
      names.forEach((key, i) => {
        const n = this.number(key);
        const values = lists.map((list) => (Number.isNaN(list[i]) ? null : list[i]));
        if (n === undefined) this.append([key], values.map((value) => ({ list: [value] })), []);
        else moved = this.change(n, values) || moved;
      });
    }
    if (this.size > begin && this.filter) this.match(begin);
    moved ||= this.size > begin;
    if (!moved) return;
    if (!still) return this.arrange();
    const fresh = [];
    for (let n = begin; n < this.size; n++) if (this.visible(n)) fresh.push(n);
    const left = gone.length ? this.order.filter((n) => n === FOLDED || this.alive[n]) : this.order;
    this.order = Uint32Array.from([...left, ...fresh]);
  }

  remove(key) {
    const n = this.number(key);
    if (n === undefined) return;
    this.alive[n] = 0;
    this.index.delete(key);
    this.live--;
  }

  // Returns whether the row may have another place now.
  change(n, values) {
    let moved = false;
    values.forEach((value, i) => {
      if (this.data[i].set(n, value) && (i === this.sort?.column || i === this.fold)) moved = true;
    });
    if (!this.filter) return moved;
    const was = this.hits[n];
    return (this.hits[n] = this.matches(n)) !== was || moved;
  }

  // Adds a column at `at`, or removes it where there are no values.
  recolumn({ columns, at, cells }, buffers) {
    const [sorted, first] = [this.sort, this.first].map((sort) => sort && this.columns[sort.column]?.name);
    const begins = this.sort === this.first;
    const folds = this.fold === null ? null : this.columns[this.fold].name;
    this.columns = columns;
    if (!cells) this.data?.splice(at, 1);
    else if (this.data) {
      const column = this.made(columns[at], cells);
      // The message has values of the rows that are there.
      const values = valuesOf(cells, buffers, this.keys.filter((_, n) => this.alive[n]));
      let next = 0;
      const list = Array.from({ length: this.size }, (_, n) => (this.alive[n] ? values[next++] : null));
      column.append({ list }, [], this.keys);
      this.data.splice(at, 0, column);
    }
    const place = (name) => columns.findIndex((column) => column.name === name);
    const again = (sort, name) => (sort && place(name) >= 0 ? { ...sort, column: place(name) } : null);
    this.first = again(this.first, first);
    this.sort = (begins ? null : again(this.sort, sorted)) ?? this.first;
    if (folds !== null) this.fold = place(folds);
    this.match();
    this.arrange();
  }

  // -- what is shown -------------------------------------------------------------------------------------------------

  wanted() {
    const inverse = this.filter.startsWith("!");
    return [(inverse ? this.filter.slice(1) : this.filter).trim().toLowerCase(), inverse];
  }

  refilter(text) {
    this.filter = text.replace(/^!?\s*$/, "");
    this.match();
    this.arrange();
  }

  // Finds the rows that match the filter, from a row number on.
  match(begin = 0) {
    if (!this.filter || !this.data) return (this.hits = null);
    if (begin && this.hits && this.size - begin < 1000) {
      this.hits = grown(this.hits, this.size);
      for (let n = begin; n < this.size; n++) this.hits[n] = this.matches(n);
      return;
    }
    const [wanted, inverse] = this.wanted();
    this.hits = new Uint8Array(this.size);
    this.data.forEach((column, i) => this.searched(i) && column.mark(wanted, this.hits));
    if (inverse) this.hits.forEach((is, n) => (this.hits[n] = 1 - is));
  }

  searched(i) {
    return !this.columns[i].helper && this.columns[i].drawn !== "spark";
  }

  matches(n) {
    const [wanted, inverse] = this.wanted();
    const hits = this.columns.some((column, i) => {
      if (!this.searched(i)) return false;
      if (numeric[column.kind] && !/\d/.test(wanted)) return false;
      return this.text(n, i).toLowerCase().includes(wanted);
    });
    return Number(hits !== inverse);
  }

  visible(n) {
    return this.alive[n] && (!this.hits || this.hits[n]) && (!this.masked || this.masked[n] !== 0);
  }

  // Whether rows of the fold are together at the end: only as the table begins, for who sorts or filters wants all.
  get folds() {
    return this.fold !== null && this.fold >= 0 && !this.filter && !this.masked && this.sort === this.first;
  }

  arrange() {
    if (!this.data) return;
    const [own, known] = [new Uint32Array(this.size), new Uint32Array(this.size)];
    const ranks = this.sort && this.data[this.sort.column].ranks();
    const idle = this.folds ? this.data[this.fold] : null;
    const folded = [];
    let [count, unknown] = [0, 0];
    for (let n = 0; n < this.size; n++) {
      if (!this.visible(n)) continue;
      if (idle?.get(n)) folded.push(n);
      else if (ranks && Number.isNaN(ranks[n])) known[unknown++] = n;
      else own[count++] = n;
    }
    const sorted = own.subarray(0, count);
    if (ranks) sortByRank(sorted, ranks, this.sort.descending);
    this.folded = folded;
    this.foldedRows = folded.length > 1 ? folded.length : 0; // one is as long as the row that would stand for it
    const rest = this.foldedRows ? [FOLDED, ...(this.unfolded ? folded : [])] : folded;
    this.order = new Uint32Array(count + unknown + rest.length);
    this.order.set(sorted);
    this.order.set(known.subarray(0, unknown), count); // unknown last, whichever way
    this.order.set(rest, count + unknown);
  }

  // The row numbers in the order of the view, also those that are folded.
  inOrder() {
    const numbers = Array.from(this.order).filter((n) => n !== FOLDED);
    return this.foldedRows && !this.unfolded ? [...numbers, ...this.folded] : numbers;
  }

  // How many rows the filter and the mask leave.
  get matching() {
    if (!this.foldedRows) return this.order.length;
    return this.order.length - 1 + (this.unfolded ? 0 : this.foldedRows);
  }
}
