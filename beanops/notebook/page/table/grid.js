// The table: virtual rows, selection by key, a filter and a query box. Text is only set as textContent. The other files
// of the table are loaded before this one.

const ROW = 26;
const STILL_MS = 3000;
const FILTER_MS = 60;

class Table {
  constructor(port, el) {
    this.port = port;
    this.root = el;
    this.noun = port.options.noun;
    this.rows = new Rows(port.options.columns, port.options);
    this.columns = new Columns(port, this.rows, {
      changed: () => this.rebuild(),
      sorted: (column) => this.resort(column),
      reset: () => this.sortBy(this.rows.first),
    });
    this.exports = new Exports(this);
    this.seq = null; // null: waiting for a snapshot
    this.selection = new Set();
    this.focus = null;
    this.anchor = null;
    this.touched = -Infinity;
    this.listeners = [];
    this.build();
    port.on((message, buffers) => this.receive(message, buffers));
    port.onSelected(({ keys, focus }) => this.select(keys, focus));
    port.onLive(() => this.enliven());
    this.resize = new ResizeObserver(() => this.schedule());
    this.resize.observe(this.view);
    this.enliven();
  }

  close() {
    this.resize.disconnect();
    this.tools.disarmAll();
    clearTimeout(this.settling);
    clearTimeout(this.filtering);
    cancelAnimationFrame(this.frame);
  }

  // -- the page ----------------------------------------------------------------------------------------------------

  build() {
    const { options } = this.port;
    this.header = new Header();
    this.tools = new Toolbar(options, this);
    this.count = make("span", "beanops-total");
    this.count.setAttribute("role", "status");
    this.filter = make("input", "beanops-filter");
    Object.assign(this.filter, { type: "search", placeholder: "filter (! inverts)", spellcheck: false });
    this.filter.setAttribute("aria-label", `filter the ${this.noun}s`);
    this.filter.addEventListener("input", () => {
      clearTimeout(this.filtering);
      this.filtering = setTimeout(() => this.refilter(), this.rows.size > 2000 ? FILTER_MS : 0);
    });
    this.ask = make("input", "beanops-ask");
    Object.assign(this.ask, { type: "search", placeholder: options.ask, spellcheck: false });
    this.ask.setAttribute("aria-label", options.ask);
    this.ask.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.port.live) this.port.send({ kind: "ask", text: this.ask.value });
    });
    const menus = make("div", "beanops-menus");
    menus.append(this.columns.menu.element, this.exports.menu.element);
    const bar = make("div", "beanops-bar");
    if (options.filter) bar.append(this.filter, this.count);
    if (options.ask) bar.append(this.ask);
    if (options.filter) bar.append(menus);
    if (options.actions.length) bar.append(this.tools.element);
    bar.hidden = !bar.children.length;

    [this.alerts, this.problems] = ["beanops-alerts", "beanops-problems"].map((name) => {
      const lines = make("div", name);
      lines.setAttribute("role", "status");
      lines.hidden = true;
      return lines;
    });

    this.view = make("div", "beanops-view");
    this.view.tabIndex = 0;
    this.view.setAttribute("role", "grid");
    this.view.setAttribute("aria-label", `${this.noun}s`);
    this.view.setAttribute("aria-multiselectable", "true");
    const help = "Arrow up from the first row reaches the headers: Enter sorts, Shift with arrow keys resizes.";
    this.view.setAttribute("aria-description", help);
    this.view.style.maxHeight = `${(options.visible + 1) * ROW}px`;
    this.body = make("div", "beanops-body");
    this.body.setAttribute("role", "presentation");
    this.pool = [];
    this.empty = make("div", "beanops-empty", "…");
    this.view.append(this.columns.element, this.body);
    this.columns.build();
    this.view.addEventListener("scroll", () => this.schedule(), { passive: true });
    this.view.addEventListener("keydown", (event) => this.key(event));
    this.view.addEventListener("blur", () => this.columns.enter(-1));
    this.view.addEventListener("pointermove", () => (this.touched = performance.now()));
    this.body.addEventListener("click", (event) => this.click(event));

    this.status = make("div", "beanops-status");
    this.status.setAttribute("role", "status");
    this.progress = make("span", "beanops-progress");
    this.progress.setAttribute("role", "status");
    this.cancel = button("beanops-button", "Cancel");
    this.cancel.dataset.action = "cancel";
    this.cancel.addEventListener("click", () => this.port.send({ kind: "cancel" }));
    this.work = make("div", "beanops-work");
    this.work.append(this.progress, this.cancel);
    this.work.hidden = true;
    this.detail = make("div", "beanops-detail");
    this.detail.hidden = true;
    const parts = [this.header.element, this.alerts, this.problems, bar, this.columns.note, this.view, this.empty];
    this.root.append(...parts, this.work, this.status, this.detail);
  }

  // The rows are drawn anew: other columns are shown.
  rebuild() {
    for (const { element } of this.pool) element.remove();
    this.pool = [];
    this.paint();
  }

  // Without a kernel one can still sort, filter and copy what is there.
  enliven() {
    this.header.enliven(this.port.live);
    this.cancel.disabled = this.ask.disabled = !this.port.live;
    this.tools.refresh();
    this.columns.menu.refill();
    this.exports.menu.refill();
  }

  // -- messages from Python ----------------------------------------------------------------------------------------

  hello() {
    this.seq = null;
    this.port.hello();
  }

  receive(message, buffers) {
    if (message.kind === "rows") this.replace(message, buffers);
    else if (message.kind === "patch") this.patch(message, buffers);
    else if (message.kind === "columns") this.recolumn(message, buffers);
    else if (message.kind === "offer") this.tools.offer(message);
    else if (message.kind === "paths") this.columns.paths = message.paths;
    else if (message.kind === "file") this.saved(message, buffers);
    else if (message.kind === "say") this.say(message);
  }

  replace(message, buffers) {
    const anew = this.seq === null || this.rows.live === 0;
    if (this.seq === null) this.selection = new Set(this.port.selected.keys);
    this.seq = message.seq;
    this.total = message.total;
    const before = this.rows.columns;
    this.rows.columns = message.columns ?? this.port.options.columns;
    this.rows.replace(message, buffers);
    if (this.rows.columns !== before) this.columns.build();
    this.columns.tidy(anew);
    this.settle("rows");
  }

  // Whether a message is the next one.
  follows({ seq }) {
    if (this.seq === null) return false;
    if (seq !== this.seq + 1) return this.hello(), false;
    this.seq = seq;
    return true;
  }

  patch(message, buffers) {
    if (!this.follows(message)) return;
    const still = performance.now() - this.touched < STILL_MS;
    this.rows.patch(message, buffers, still);
    clearTimeout(this.settling);
    if (still) this.settling = setTimeout(() => (this.rows.arrange(), this.paint()), STILL_MS);
    this.columns.tidy(false);
    this.settle("patch", message.gone.length > 0);
  }

  recolumn(message, buffers) {
    if (!this.follows(message)) return;
    this.rows.recolumn(message, buffers);
    this.columns.build();
    this.columns.menu.refill();
    this.rebuild();
    this.tellOthers("columns");
  }

  settle(what, gone = true) {
    if (gone) for (const key of this.selection) if (!this.rows.has(key)) this.selection.delete(key);
    this.chosen = null;
    this.tools.keep((key) => this.rows.has(key));
    this.shape();
    this.paint();
    this.tellOthers(what);
  }

  // The cells of the rows are those of other columns now.
  shape() {
    const places = this.columns.places.join();
    if (places !== this.shaped) this.rebuild();
    this.shaped = places;
  }

  saved({ name }, [content]) {
    saveFile(name, "application/octet-stream", content);
    this.tell(`saved as ${name}`);
  }

  say(message) {
    if (message.line === "ask") return (this.ask.value = message.text);
    if (message.line === "empty") return (this.nothing = message.text), this.paint();
    if (message.line === "title") this.root.classList.toggle("beanops-stale", message.tone === "lost");
    if (["title", "label", "orphaned"].includes(message.line)) return this.header.say(message);
    say(this[message.line], message);
    if (message.line === "progress") this.work.hidden = !message.text;
    if (["detail", "alerts", "problems"].includes(message.line)) this[message.line].hidden = !message.text;
    // With keys one scrolls what is longer than its box.
    if (message.line === "detail") this.detail.tabIndex = this.detail.scrollHeight > this.detail.clientHeight ? 0 : -1;
  }

  // A line of the page's own.
  tell(text, tone = "") {
    say(this.status, { text, tone });
  }

  // -- for the other parts of the view -----------------------------------------------------------------------------

  // Called after rows came or went.
  onRows(handler) {
    this.listeners.push(handler);
  }

  tellOthers(what) {
    this.listeners.forEach((handle) => handle(what));
  }

  // Hides the rows whose byte is 0, by row number; null shows all. It paints once a frame.
  mask(bytes) {
    this.rows.masked = bytes;
    cancelAnimationFrame(this.masking);
    this.masking = requestAnimationFrame(() => (this.rows.arrange(), this.paint()));
  }

  // The keys of what is shown, in its order.
  shown() {
    return this.rows.inOrder().map((n) => this.rows.keys[n]);
  }

  // -- what the user does ------------------------------------------------------------------------------------------

  resort(column) {
    const sort = this.rows.sort;
    const first = Boolean(numeric[this.rows.columns[column].kind]) || this.rows.columns[column].kind === "id"; // the largest first
    if (sort?.column !== column) this.sortBy({ column, descending: first });
    else this.sortBy(sort.descending === first ? { column, descending: !first } : this.rows.first);
  }

  sortBy(sort) {
    this.rows.sort = sort;
    this.columns.mark();
    this.rows.arrange();
    this.paint();
  }

  refilter() {
    this.rows.refilter(this.filter.value);
    this.paint();
  }

  click(event) {
    const row = event.target.closest(".beanops-row");
    if (row?.dataset.folds) this.unfold();
    else if (row) this.choose(row.dataset.key, event.ctrlKey || event.metaKey, event.shiftKey);
    this.view.focus({ preventScroll: true });
  }

  unfold(open = !this.rows.unfolded) {
    this.rows.unfolded = open;
    this.rows.arrange();
    this.paint();
  }

  key(event) {
    if (event.target !== this.view) return;
    if (this.columns.at >= 0 ? !this.columns.key(event) : !this.rowKey(event)) return;
    event.preventDefault();
  }

  // Returns whether it took the key.
  rowKey(event) {
    const { order } = this.rows;
    const control = event.ctrlKey || event.metaKey;
    const page = Math.max(1, Math.floor(this.view.clientHeight / ROW) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const from = this.onFold ? order.indexOf(FOLDED) : order.indexOf(this.rows.number(this.focus));
    if (event.key === "ArrowUp" && from <= 0 && !event.shiftKey) this.columns.enter(0);
    else if (event.key in steps) this.goTo(Math.min(order.length - 1, Math.max(0, from + steps[event.key])), event.shiftKey);
    else if (this.onFold && ["Enter", " "].includes(event.key)) this.unfold();
    else if (this.onFold && ["ArrowRight", "ArrowLeft"].includes(event.key)) this.unfold(event.key === "ArrowRight");
    else if (event.key === " " && this.focus !== null) this.choose(this.focus, true, false);
    else if (event.key === "a" && control) this.report(this.shown());
    else if (event.key === "c" && control && !getSelection()?.toString()) this.exports.copy("tsv");
    else if (event.key === "Escape") this.report([]);
    else return false;
    return true;
  }

  goTo(at, range) {
    const n = this.rows.order[at];
    if (n === undefined) return;
    this.onFold = n === FOLDED;
    if (this.onFold) this.paint();
    else this.choose(this.rows.keys[n], false, range);
    this.reveal(at);
  }

  choose(key, toggle, range) {
    this.touched = performance.now();
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
    this.chosen = null;
    if (keys.every((key) => before.has(key))) this.tools.keep((key) => this.selection.has(key)); // only rows are gone
    else this.tools.disarmAll();
    this.paint();
  }

  // Painted before it is sent: Python may be slow, or gone.
  report(keys) {
    this.tools.disarmAll();
    this.select(keys, this.focus);
    this.port.select(keys, this.focus);
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
    if (this.chosen) return this.chosen;
    const state = this.rows.column(this.rows.columns.find(({ kind }) => kind === "state")?.name);
    this.chosen = new Map();
    for (const key of this.selection) {
      const n = this.rows.number(key);
      if (n === undefined) continue;
      const name = state ? state.get(n) : null;
      this.chosen.set(name, (this.chosen.get(name) ?? 0) + 1);
    }
    return this.chosen;
  }

  reveal(index) {
    const top = index * ROW;
    const room = this.view.clientHeight - 2 * ROW;
    if (top < this.view.scrollTop) this.view.scrollTop = top;
    else if (top > this.view.scrollTop + room) this.view.scrollTop = top - room;
  }

  // -- painting ----------------------------------------------------------------------------------------------------

  schedule() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  paint() {
    const { order, live, matching } = this.rows;
    this.body.style.height = `${order.length * ROW}px`;
    this.view.setAttribute("aria-rowcount", order.length);
    this.empty.hidden = order.length > 0;
    if (this.seq !== null || live) {
      const filtered = this.rows.masked && !this.rows.filter ? `no ${this.noun} is chosen` : "no row matches the filter";
      this.empty.textContent = live ? filtered : this.nothing || "nothing here";
    }
    const unseen = this.rows.filter || this.rows.masked ? this.hidden([...this.selection]) : 0;
    const hidden = unseen ? ` (${counted(unseen)} hidden)` : "";
    const chosen = this.selection.size ? `, ${counted(this.selection.size)} selected${hidden}` : "";
    const all = Math.max(live, this.total ?? 0); // a notebook file keeps the first of them
    const some = matching === all ? "" : `${counted(matching)} of `;
    this.count.textContent = `${some}${counted(all)} ${this.noun}${all === 1 ? "" : "s"}${chosen}`;
    this.columns.layout();
    this.tools.refresh();
    this.draw();
  }

  // Only the visible rows, the only ones that scrolling changes.
  draw() {
    const { order } = this.rows;
    const first = Math.max(0, Math.floor(this.view.scrollTop / ROW) - 4);
    const last = Math.min(order.length, first + Math.ceil((this.view.clientHeight || 400) / ROW) + 8);
    while (this.pool.length < last - first) this.pool.push(this.row());
    this.scales = new Map();
    this.pool.forEach((row, i) => this.fill(row, first + i, first + i < last ? order[first + i] : null));
  }

  row() {
    const element = make("div", "beanops-row");
    element.setAttribute("role", "row");
    const cells = this.columns.places.map((i) => new Cell(this.rows.columns[i]));
    element.append(...cells.map((cell) => cell.element));
    const folds = make("div", "beanops-folds");
    folds.hidden = true;
    element.append(folds);
    this.body.append(element);
    return { element, cells, folds };
  }

  fill({ element, cells, folds }, index, n) {
    element.hidden = n === null;
    if (n === null) return;
    element.style.top = `${index * ROW}px`;
    element.setAttribute("aria-rowindex", index + 1);
    const folded = n === FOLDED;
    if (folds.hidden === folded) {
      folds.hidden = !folded;
      for (const cell of cells) cell.element.hidden = folded;
      if (!folded) delete element.dataset.folds;
    }
    if (folded) return this.fillFold(element, folds);
    const key = this.rows.keys[n];
    element.dataset.key = key;
    element.setAttribute("aria-selected", this.selection.has(key));
    element.classList.toggle("beanops-focus", key === this.focus && !this.onFold);
    const { columns } = this.rows;
    this.columns.places.forEach((i, at) => {
      const column = columns[i];
      const value = this.rows.value(n, i);
      const tone = column.toned ? this.rows.column(column.toned)?.get(n) : undefined;
      const share = column.drawn === "bar" ? this.share(column, value) : undefined;
      cells[at].show(value, this.rows.text(n, i), tone, share);
    });
  }

  fillFold(element, folds) {
    const { noun, rest } = this.port.options.fold;
    const { foldedRows, unfolded } = this.rows;
    delete element.dataset.key;
    element.dataset.folds = "true";
    element.removeAttribute("aria-selected");
    element.setAttribute("aria-expanded", unfolded);
    element.classList.toggle("beanops-focus", Boolean(this.onFold));
    folds.textContent = `${unfolded ? "▾" : "▸"} ${counted(foldedRows)} ${noun}s ${rest}`.trim();
  }

  // The length of a bar, in percent of the longest of its scale.
  share({ scale }, value) {
    if (!value) return 0;
    let most = this.scales.get(scale);
    if (most === undefined) {
      const ends = this.rows.columns.map((column, i) =>
        column.scale === scale && column.drawn === "bar" ? this.rows.data[i].range(this.rows.alive)[1] : 0,
      );
      this.scales.set(scale, (most = Math.max(...ends)));
    }
    return Math.max(3, Math.round((100 * value) / most));
  }
}

kinds.table = Table;
