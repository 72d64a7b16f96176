// The rows of a table: their values, order and text. No DOM in here. dom.js is loaded before this file.

const tenths = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

// Jobs per second, as rate() of ui/formatting.py writes them.
function perSecond(value) {
  if (value === 0) return "0";
  if (value < 0.095) return value.toFixed(2);
  return value < 99.95 ? tenths.format(value) : whole.format(Math.round(value));
}

// Null is unknown, which is not zero.
const shown = {
  text: (value) => value ?? "",
  state: (value) => value ?? "",
  id: (value) => value ?? "",
  count: (value) => (value === null ? "–" : whole.format(value)),
  rate: (value) => (value === null ? "–" : perSecond(value)),
  seconds: (value) => (value === null ? "–" : duration(value)),
};

// Ids are unsigned 64 bit and travel as strings: the longer is the larger.
function compareIds(a, b) {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

function compare(kind, a, b) {
  if (a === b) return 0;
  if (kind === "id") return compareIds(a ?? "", b ?? "");
  return a < b ? -1 : 1;
}

class Rows {
  constructor(columns) {
    this.columns = columns;
    this.cells = new Map();
    this.order = [];
    this.sort = null; // { column, descending }
    this.filter = "";
  }

  replace(keys, cells) {
    this.cells = new Map(keys.map((key, i) => [key, cells[i]]));
    this.arrange();
  }

  // Values change at once; `still` keeps every row in place, so that nothing moves under the pointer.
  patch(changed, gone, still) {
    const fresh = [];
    for (const [key, cells] of changed) {
      if (!this.cells.has(key)) fresh.push(key);
      this.cells.set(key, cells);
    }
    gone.forEach((key) => this.cells.delete(key));
    if (!still) return this.arrange();
    if (gone.length) this.order = this.order.filter((key) => this.cells.has(key));
    this.order.push(...fresh.filter((key) => this.matches(key)));
  }

  text(key, column) {
    return shown[this.columns[column].kind](this.cells.get(key)[column]);
  }

  matches(key) {
    const inverse = this.filter.startsWith("!");
    const wanted = (inverse ? this.filter.slice(1) : this.filter).trim().toLowerCase();
    if (!wanted) return true;
    return this.columns.some((_, i) => String(this.text(key, i)).toLowerCase().includes(wanted)) !== inverse;
  }

  arrange() {
    const keys = [...this.cells.keys()];
    this.order = this.filter ? keys.filter((key) => this.matches(key)) : keys;
    if (!this.sort) return;
    const { column, descending } = this.sort;
    const kind = this.columns[column].kind;
    const value = (key) => this.cells.get(key)[column];
    const sign = descending ? -1 : 1;
    this.order.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === null || y === null) return (x === null) - (y === null); // unknown last, whichever way
      return sign * compare(kind, x, y);
    });
  }
}
