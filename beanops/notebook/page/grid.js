// The table: virtual rows, selection by key, a filter and a query box. Text is only set as textContent. rows.js and
// toolbar.js are loaded before this file.

const ROW = 26;
const STILL_MS = 3000;

class Table {
  constructor(port, el) {
    this.port = port;
    this.columns = port.options.columns;
    this.rows = new Rows(this.columns);
    this.seq = null; // null: waiting for a snapshot
    this.selection = new Set();
    this.focus = null;
    this.anchor = null;
    this.touched = -Infinity;
    this.state = this.columns.findIndex((column) => column.kind === "state");
    this.build(el);
    port.on((message) => this.receive(message));
    port.onSelected(({ keys, focus }) => this.select(keys, focus));
    this.resize = new ResizeObserver(() => this.paint());
    this.resize.observe(this.view);
  }

  close() {
    this.resize.disconnect();
    this.tools.disarmAll();
    clearTimeout(this.settling);
    cancelAnimationFrame(this.frame);
  }

  // -- the page ----------------------------------------------------------------------------------------------------

  build(el) {
    const { options } = this.port;
    this.root = el;
    this.noun = options.noun;
    this.header = new Header();
    this.tools = new Toolbar(options, () => this.selectedRows(), (message) => this.port.send(message));
    this.count = make("span", "beanops-total");
    this.filter = make("input", "beanops-filter");
    Object.assign(this.filter, { type: "search", placeholder: "filter (! inverts)" });
    this.filter.setAttribute("aria-label", "filter the rows");
    this.filter.addEventListener("input", () => this.refilter());
    this.ask = make("input", "beanops-ask");
    Object.assign(this.ask, { type: "search", placeholder: options.ask, spellcheck: false });
    this.ask.setAttribute("aria-label", options.ask);
    this.ask.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.port.send({ kind: "ask", text: this.ask.value });
    });
    const bar = make("div", "beanops-bar");
    if (options.filter) bar.append(this.filter, this.count);
    if (options.ask) bar.append(this.ask);
    if (options.actions.length) bar.append(this.tools.element);

    [this.alerts, this.problems] = ["beanops-alerts", "beanops-problems"].map((name) => {
      const lines = make("div", name);
      lines.setAttribute("role", "status");
      lines.hidden = true;
      return lines;
    });

    this.view = make("div", "beanops-view");
    this.view.tabIndex = 0;
    this.view.setAttribute("role", "grid");
    this.view.setAttribute("aria-label", options.noun + "s");
    this.view.setAttribute("aria-multiselectable", "true");
    // Numbers take the width they need, and texts the rest.
    const track = ({ kind, width }) => `minmax(${width}em, ${kind === "text" ? width : width / 3}fr)`;
    this.view.style.setProperty("--columns", this.columns.map(track).join(" "));
    this.view.style.maxHeight = `${(options.visible + 1) * ROW}px`;
    this.heads = this.columns.map((column, i) => this.head(column, i));
    const header = make("div", "beanops-row beanops-header");
    header.setAttribute("role", "row");
    header.append(...this.heads);
    this.body = make("div", "beanops-body");
    this.body.setAttribute("role", "presentation");
    this.pool = [];
    this.empty = make("div", "beanops-empty", "…");
    this.view.append(header, this.body);
    if (options.newestFirst) this.resort(0);
    this.view.addEventListener("scroll", () => this.schedule());
    this.view.addEventListener("keydown", (event) => this.key(event));
    this.view.addEventListener("pointermove", () => (this.touched = performance.now()));
    this.body.addEventListener("click", (event) => this.click(event));

    this.status = make("div", "beanops-status");
    this.status.setAttribute("role", "status");
    this.progress = make("span", "beanops-progress");
    this.progress.setAttribute("role", "status");
    const cancel = button("beanops-button", "Cancel");
    cancel.dataset.action = "cancel";
    cancel.addEventListener("click", () => this.port.send({ kind: "cancel" }));
    this.work = make("div", "beanops-work");
    this.work.append(this.progress, cancel);
    this.work.hidden = true;
    this.detail = make("div", "beanops-detail");
    this.detail.tabIndex = 0;
    this.root.append(this.header.element, this.alerts, this.problems, bar, this.view, this.empty, this.work, this.status, this.detail);
    bar.hidden = !bar.children.length;
    this.detail.hidden = true;
  }

  head(column, i) {
    const cell = make("div", `beanops-cell beanops-${column.kind}`);
    cell.setAttribute("role", "columnheader");
    const press = button("beanops-sort", column.label);
    press.addEventListener("click", () => this.resort(i));
    cell.append(press);
    return cell;
  }

  // -- messages from Python --------------------------------------------------------------------------------------------

  hello() {
    this.seq = null;
    this.port.hello();
  }

  receive(message) {
    if (message.kind === "rows") this.replace(message);
    else if (message.kind === "patch") this.patch(message);
    else if (message.kind === "offer") this.tools.offer(message);
    else if (message.kind === "say") this.say(message);
  }

  replace(message) {
    if (this.seq === null) this.selection = new Set(this.port.selected.keys);
    this.seq = message.seq;
    this.rows.replace(message.keys, message.cells);
    this.settle();
  }

  patch(message) {
    if (this.seq === null) return;
    if (message.seq !== this.seq + 1) return this.hello();
    this.seq = message.seq;
    const still = performance.now() - this.touched < STILL_MS;
    this.rows.patch(message.rows, message.gone, still);
    clearTimeout(this.settling);
    if (still) this.settling = setTimeout(() => (this.rows.arrange(), this.paint()), STILL_MS);
    this.settle();
  }

  settle() {
    for (const key of this.selection) if (!this.rows.cells.has(key)) this.selection.delete(key);
    this.tools.keep((key) => this.rows.cells.has(key));
    this.paint();
  }

  say(message) {
    if (message.line === "ask") return (this.ask.value = message.text);
    if (message.line === "empty") return (this.nothing = message.text), this.paint();
    if (message.line === "title") this.root.classList.toggle("beanops-stale", message.tone === "lost");
    if (message.line === "title" || message.line === "label") return this.header.say(message);
    say(this[message.line], message);
    if (message.line === "progress") this.work.hidden = !message.text;
    if (["detail", "alerts", "problems"].includes(message.line)) this[message.line].hidden = !message.text;
  }

  // -- what the user does ------------------------------------------------------------------------------------------

  resort(column) {
    const sort = this.rows.sort;
    const first = !["text", "state"].includes(this.columns[column].kind); // numbers start with the largest
    if (sort?.column !== column) this.rows.sort = { column, descending: first };
    else this.rows.sort = sort.descending === first ? { column, descending: !first } : null;
    this.heads.forEach((head, i) => {
      const { column: by, descending } = this.rows.sort ?? {};
      head.setAttribute("aria-sort", by !== i ? "none" : descending ? "descending" : "ascending");
    });
    this.rows.arrange();
    this.paint();
  }

  refilter() {
    this.rows.filter = this.filter.value;
    this.rows.arrange();
    this.paint();
  }

  click(event) {
    const row = event.target.closest(".beanops-row");
    if (row) this.choose(row.dataset.key, event.ctrlKey || event.metaKey, event.shiftKey);
  }

  key(event) {
    if (event.target !== this.view) return;
    const order = this.rows.order;
    const page = Math.max(1, Math.floor(this.view.clientHeight / ROW) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) {
      const from = order.indexOf(this.focus);
      const to = Math.min(order.length - 1, Math.max(0, from + steps[event.key]));
      if (order.length) this.choose(order[to], false, event.shiftKey);
      this.reveal(to);
    } else if (event.key === " " && this.focus !== null) this.choose(this.focus, true, false);
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) this.report(order);
    else if (event.key === "Escape") this.report([]);
    else return;
    event.preventDefault();
  }

  choose(key, toggle, range) {
    this.touched = performance.now();
    this.focus = key;
    if (range && this.rows.order.includes(this.anchor)) {
      const [a, b] = [this.anchor, key].map((end) => this.rows.order.indexOf(end)).sort((x, y) => x - y);
      return this.report(this.rows.order.slice(a, b + 1));
    }
    this.anchor = key;
    const keys = new Set(toggle ? this.selection : []);
    if (toggle && keys.has(key)) keys.delete(key);
    else keys.add(key);
    this.report([...keys]);
  }

  select(keys, focus) {
    const before = this.selection;
    this.selection = new Set(keys);
    this.focus = focus;
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

  selectedRows() {
    const state = (key) => (this.state < 0 ? null : this.rows.cells.get(key)[this.state]);
    return [...this.selection].filter((key) => this.rows.cells.has(key)).map((key) => [key, state(key)]);
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
    const { order, cells } = this.rows;
    this.body.style.height = `${order.length * ROW}px`;
    this.view.setAttribute("aria-rowcount", order.length);
    this.empty.hidden = order.length > 0;
    if (this.seq !== null) this.empty.textContent = cells.size ? "no row matches the filter" : this.nothing || "nothing here";
    const chosen = this.selection.size ? `, ${whole.format(this.selection.size)} selected` : "";
    const some = order.length === cells.size ? "" : `${whole.format(order.length)} of `;
    const noun = `${this.noun}${cells.size === 1 ? "" : "s"}`;
    this.count.textContent = `${some}${whole.format(cells.size)} ${noun}${chosen}`;
    this.tools.refresh();
    this.draw();
  }

  // Only the visible rows, the only ones that scrolling changes.
  draw() {
    const { order } = this.rows;
    const first = Math.max(0, Math.floor(this.view.scrollTop / ROW) - 4);
    const last = Math.min(order.length, first + Math.ceil((this.view.clientHeight || 400) / ROW) + 8);
    while (this.pool.length < last - first) this.pool.push(this.row());
    this.pool.forEach((row, i) => this.fill(row, first + i, first + i < last ? order[first + i] : null));
  }

  row() {
    const row = make("div", "beanops-row");
    row.setAttribute("role", "row");
    row.append(...this.columns.map(({ kind }) => make("div", `beanops-cell beanops-${kind}`)));
    for (const cell of row.children) cell.setAttribute("role", "gridcell");
    this.body.append(row);
    return row;
  }

  fill(row, index, key) {
    row.hidden = key === null;
    if (key === null) return;
    row.dataset.key = key;
    row.style.top = `${index * ROW}px`;
    row.setAttribute("aria-rowindex", index + 1);
    row.setAttribute("aria-selected", this.selection.has(key));
    row.classList.toggle("beanops-focus", key === this.focus);
    const values = this.rows.cells.get(key);
    this.columns.forEach((column, i) => {
      const cell = row.children[i];
      const text = String(this.rows.text(key, i));
      if (cell.textContent !== text) cell.textContent = text;
      cell.title = column.kind === "text" ? text : "";
      cell.dataset.tone = column.kind === "state" ? values[i] : values[i] ? column.tone : "zero";
    });
  }
}

kinds.table = Table;
