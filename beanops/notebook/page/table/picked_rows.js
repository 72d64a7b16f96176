// The rows of a table that are selected, by clicks, by keys or by Python. rows.js and drawn_rows.js are loaded before this
// file.

class PickedRows {
  constructor(table) {
    this.table = table;
    this.rows = table.rows;
    this.columns = table.columns;
    this.port = table.port;
    this.selection = new Set();
    this.focus = null;
    this.anchor = null; // where a range begins
    this.onFold = false;
  }

  click(event) {
    const row = event.target.closest(".beanops-row");
    if (row?.dataset.folds) this.unfold();
    else if (row) this.choose(row.dataset.key, event.ctrlKey || event.metaKey, event.shiftKey);
  }

  // Returns whether it took the key.
  key(event) {
    const { order } = this.rows;
    const control = event.ctrlKey || event.metaKey;
    const page = Math.max(1, Math.floor(this.table.view.clientHeight / ROW) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const from = this.onFold ? order.indexOf(FOLDED) : order.indexOf(this.rows.number(this.focus));
    if (event.key === "ArrowUp" && from <= 0 && !event.shiftKey) this.columns.enter(0);
    else if (event.key in steps) this.goTo(Math.min(order.length - 1, Math.max(0, from + steps[event.key])), event.shiftKey);
    else if (this.onFold && ["Enter", " "].includes(event.key)) this.unfold();
    else if (this.onFold && ["ArrowRight", "ArrowLeft"].includes(event.key)) this.unfold(event.key === "ArrowRight");
    else if (event.key === " " && this.focus !== null) this.choose(this.focus, true, false);
    else if (event.key === "a" && control) this.report(this.table.shown());
    else if (event.key === "c" && control && !getSelection()?.toString()) this.table.exports.copy("tsv");
    else if (event.key === "Escape") this.report([]);
    else return false;
    return true;
  }

  unfold(open = !this.rows.unfolded) {
    this.rows.unfolded = open;
    this.rows.arrange();
    this.table.paint();
  }

  goTo(at, range) {
    const n = this.rows.order[at];
    if (n === undefined) return;
    this.onFold = n === FOLDED;
    if (this.onFold) this.table.paint();
    else this.choose(this.rows.keys[n], false, range);
    this.table.drawn.reveal(at);
  }

  choose(key, toggle, range) {
    this.table.touched = performance.now();
    this.focus = key;
    this.onFold = false;
    const { order, keys } = this.rows;
    const anchor = range ? order.indexOf(this.rows.number(this.anchor)) : -1;
    if (anchor >= 0) {
      const [a, b] = [anchor, order.indexOf(this.rows.number(key))].sort((x, y) => x - y);
      const between = Array.from(order.subarray(a, b + 1)).filter((n) => n !== FOLDED);
      return this.report(between.map((n) => keys[n]));
    }
    this.anchor = key;
    const chosen = new Set(toggle ? this.selection : []);
    if (toggle && chosen.has(key)) chosen.delete(key);
    else chosen.add(key);
    this.report([...chosen]);
  }

  select(keys, focus) {
    const before = this.selection;
    this.selection = new Set(keys);
    this.focus = focus;
    this.inStates = null;
    if (keys.every((key) => before.has(key))) this.table.tools.keep((key) => this.selection.has(key)); // only rows are gone
    else this.table.tools.disarmAll();
    this.table.paint();
  }

  // Painted before it is sent: Python may be slow, or gone.
  report(keys) {
    this.table.tools.disarmAll();
    this.select(keys, this.focus);
    this.port.select(keys, this.focus);
  }

  // Of rows that are gone none is selected.
  forget() {
    for (const key of this.selection) if (!this.rows.has(key)) this.selection.delete(key);
  }

  selectedKeys() {
    return [...this.selection].filter((key) => this.rows.has(key));
  }

  // How many rows the filter or a choice hides: they stay selected, but are not seen.
  hidden(keys) {
    return keys.reduce((sum, key) => sum + (this.rows.has(key) && !this.rows.visible(this.rows.number(key)) ? 1 : 0), 0);
  }

  // How many of the selected rows are in each state; tables without states have one.
  states() {
    if (this.inStates) return this.inStates;
    const state = this.rows.column(this.rows.columns.find(({ kind }) => kind === "state")?.name);
    this.inStates = new Map();
    for (const key of this.selection) {
      const n = this.rows.number(key);
      if (n === undefined) continue;
      const name = state ? state.get(n) : null;
      this.inStates.set(name, (this.inStates.get(name) ?? 0) + 1);
    }
    return this.inStates;
  }

  // The states of rows have changed.
  recount() {
    this.inStates = null;
  }

  // What is said beside the number of rows.
  get about() {
    if (!this.selection.size) return "";
    const unseen = this.rows.filter || this.rows.masked ? this.hidden([...this.selection]) : 0;
    return `, ${counted(this.selection.size)} selected${unseen ? ` (${counted(unseen)} hidden)` : ""}`;
  }
}
