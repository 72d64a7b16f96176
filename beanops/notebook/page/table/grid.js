// The table: what it consists of, what it hears from Python, and its filter. Text is only set as textContent. The other
// files of the table are loaded before this one.

const STILL_MS = 3000;
const FILTER_MS = 30;

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
    this.picked = new PickedRows(this);
    this.drawn = new DrawnRows(this);
    this.exports = new Exports(this);
    this.seq = null; // null: waiting for a snapshot
    this.touched = -Infinity;
    this.listeners = [];
    this.build();
    port.on((message, buffers) => this.receive(message, buffers));
    port.onSelected(({ keys, focus }) => this.picked.select(keys, focus));
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
    this.tools = new Toolbar(options, this.picked);
    this.count = make("span", "beanops-total");
    this.count.setAttribute("role", "status");
    this.filter = make("input", "beanops-filter");
    Object.assign(this.filter, { type: "search", placeholder: "filter (! inverts)", spellcheck: false });
    this.filter.setAttribute("aria-label", `filter the ${this.noun}s`);
    this.filter.addEventListener("input", () => {
      clearTimeout(this.filtering);
      this.filtering = setTimeout(() => this.refilter(), this.rows.size > 2000 ? FILTER_MS : 0);
    });
    const menus = make("div", "beanops-menus");
    menus.append(this.columns.menu.element, this.exports.menu.element);
    const bar = make("div", "beanops-bar");
    if (options.filter) bar.append(this.filter, this.count);
    if (options.filter) bar.append(menus);
    if (options.actions.length) bar.append(this.tools.element);
    bar.hidden = !bar.children.length;

    this.problems = make("div", "beanops-problems");
    this.problems.setAttribute("role", "status");
    this.problems.hidden = true;

    this.view = make("div", "beanops-view");
    this.view.tabIndex = 0;
    this.view.setAttribute("role", "grid");
    this.view.setAttribute("aria-label", `${this.noun}s`);
    this.view.setAttribute("aria-multiselectable", "true");
    const help = "Arrow up from the first row reaches the headers: Enter sorts, Shift with arrow keys resizes.";
    this.view.setAttribute("aria-description", help);
    this.view.style.maxHeight = `${(options.visible + 1) * ROW}px`;
    this.empty = make("div", "beanops-empty", "…");
    this.view.append(this.columns.element, this.drawn.element);
    this.columns.build();
    this.view.addEventListener("scroll", () => this.schedule(), { passive: true });
    this.view.addEventListener("keydown", (event) => this.key(event));
    this.view.addEventListener("blur", () => this.columns.enter(-1));
    this.view.addEventListener("pointermove", () => (this.touched = performance.now()));
    this.drawn.element.addEventListener("click", (event) => this.click(event));

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
    const parts = [this.header.element, this.problems, bar, this.columns.note, this.view, this.empty];
    this.root.append(...parts, this.work, this.status, this.detail);
  }

  // The rows are drawn anew: other columns are shown.
  rebuild() {
    this.drawn.clear();
    this.paint();
  }

  // Without a kernel one can still sort, filter and copy what is there.
  enliven() {
    this.header.enliven(this.port.live);
    this.cancel.disabled = !this.port.live;
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
    if (this.seq === null) this.picked.selection = new Set(this.port.selected.keys);
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
    if (gone) this.picked.forget();
    this.picked.recount();
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
    if (message.line === "empty") return (this.nothing = message.text), this.paint();
    if (message.line === "title") this.root.classList.toggle("beanops-stale", message.tone === "lost");
    if (["title", "label", "orphaned"].includes(message.line)) return this.header.say(message);
    say(this[message.line], message);
    if (message.line === "progress") this.work.hidden = !message.text;
    if (["detail", "problems"].includes(message.line)) this[message.line].hidden = !message.text;
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
    this.picked.click(event);
    this.view.focus({ preventScroll: true });
  }

  key(event) {
    if (event.target !== this.view) return;
    if (this.columns.at >= 0 ? !this.columns.key(event) : !this.picked.key(event)) return;
    event.preventDefault();
  }

  // -- painting ----------------------------------------------------------------------------------------------------

  schedule() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.drawn.draw());
  }

  paint() {
    const { order, live, matching } = this.rows;
    this.drawn.element.style.height = `${order.length * ROW}px`;
    this.view.setAttribute("aria-rowcount", order.length);
    this.empty.hidden = order.length > 0;
    if (this.seq !== null || live) {
      const filtered = this.rows.masked && !this.rows.filter ? `no ${this.noun} is chosen` : "no row matches the filter";
      this.empty.textContent = live ? filtered : this.nothing || "nothing here";
    }
    const all = Math.max(live, this.total ?? 0); // a notebook file keeps the first of them
    const some = matching === all ? "" : `${counted(matching)} of `;
    this.count.textContent = `${some}${counted(all)} ${this.noun}${all === 1 ? "" : "s"}${this.picked.about}`;
    this.columns.layout();
    this.tools.refresh();
    this.drawn.draw();
  }
}

kinds.table = Table;
