// The columns of a table: which are shown, how wide they are, and the header that sorts and resizes them. menus.js and
// store.js are loaded before this file.

const NARROWEST = 40;
const STEP = 16;

class Columns {
  // `changed` is called when other columns are shown, `sorted` with the place of one to sort by.
  constructor(port, rows, { changed, sorted, reset }) {
    this.port = port;
    this.rows = rows;
    this.changed = changed;
    this.sorted = sorted;
    this.reset = reset;
    this.options = port.options;
    this.own = new Set(this.options.columns.map(({ name }) => name));
    this.hidden = new Set(this.options.hidden); // not wanted
    this.kept = new Set(); // wanted even if constant
    this.varied = new Set();
    this.constant = new Map(); // why a column is not shown
    this.widths = new Map(); // as the user wants them
    this.longest = new Map(); // characters
    this.paths = [];
    this.at = -1; // the header that has the keys
    this.element = make("div", "beanops-row beanops-header");
    this.element.setAttribute("role", "row");
    this.note = make("div", "beanops-constant");
    this.menu = new Menu("Columns", (panel) => this.choices(panel));
    this.build();
  }

  // -- which are shown -----------------------------------------------------------------------------------------------

  get all() {
    return this.rows.columns;
  }

  isShown({ name, helper }) {
    return !helper && !this.hidden.has(name) && (!this.constant.has(name) || this.kept.has(name));
  }

  // Hides what is the same in all rows. What has varied stays until the table begins anew.
  tidy(anew) {
    if (!this.options.tidy || !this.rows.data) return;
    if (anew) this.varied.clear();
    const last = this.all.findLast(({ kind, helper }) => kind === "text" && !helper);
    const before = [...this.constant.keys()].join();
    for (const [i, column] of this.all.entries()) {
      const { name, kind, helper } = column;
      if (helper || kind === "id" || this.varied.has(name) || !this.own.has(name)) continue;
      let same = this.rows.live ? this.same(i) : null;
      // One row alone only tells what is empty, and the last text has the room that others leave.
      if (same && (this.rows.live === 1 || column === last)) same = null;
      if (same === null) this.constant.delete(name);
      else this.constant.set(name, same);
      if (same === null && this.rows.live > 1) this.varied.add(name);
    }
    if (before !== [...this.constant.keys()].join()) this.build();
    this.tell();
  }

  // The text that all rows have in a column; null if they differ.
  same(i) {
    const { alive, size } = this.rows;
    const column = this.rows.data[i];
    const first = alive.indexOf(1);
    const value = column.get(first);
    for (let n = first + 1; n < size; n++) if (alive[n] && column.get(n) !== value) return null;
    return value === null || value === "" ? "" : this.rows.text(first, i);
  }

  // Says which columns are not shown, and why.
  tell() {
    const away = this.all.filter((column) => this.constant.has(column.name) && !this.hidden.has(column.name) && !this.isShown(column));
    const text = away.map(({ name }) => `${name} ${this.constant.get(name)}`).join("\n");
    if (text === this.told) return;
    this.told = text;
    this.note.replaceChildren();
    if (!away.length) return;
    const [full, empty] = [true, false].map((is) => away.filter(({ name }) => Boolean(this.constant.get(name)) === is));
    const words = full.map(({ label, name }) => {
      const part = make("span", "", `${label} `);
      part.append(make("b", "", this.constant.get(name)));
      return part;
    });
    if (full.length) words.unshift(make("span", "", "in all rows:"));
    if (empty.length) words.push(make("span", "", `hidden, empty: ${empty.map(({ label }) => label).join(", ")}`));
    const show = button("beanops-link", "show");
    show.title = "show these columns";
    show.addEventListener("click", () => {
      for (const { name } of away) this.kept.add(name);
      this.build();
      this.tell();
      this.changed();
    });
    this.note.append(...words, show);
  }

  toggle({ name, ...column }) {
    const shown = this.isShown({ name, ...column });
    if (shown) {
      this.hidden.add(name);
      this.kept.delete(name);
    } else {
      this.hidden.delete(name);
      this.kept.add(name);
    }
    this.build();
    this.tell();
    this.changed();
  }

  choices(panel) {
    for (const column of this.all.filter(({ helper }) => !helper)) {
      const { name, label } = column;
      const constant = this.constant.get(name);
      const note = constant === undefined ? "" : constant ? `always ${constant}` : "empty";
      const choice = this.menu.choice(label, note, this.isShown(column), () => {
        this.toggle(column);
        this.menu.refill();
      });
      const line = make("div", "beanops-line");
      line.append(choice);
      if (!this.own.has(name)) line.append(this.remover(column));
      panel.append(line);
    }
    if (this.options.paths) panel.append(this.adder());
    panel.append(
      this.menu.choice("Reset", "columns, widths and order", undefined, () => {
        this.hidden = new Set(this.options.hidden);
        this.kept.clear();
        this.widths.clear();
        this.reset();
        this.build();
        this.tell();
        this.menu.close();
        this.changed();
      }),
    );
  }

  remover({ name, label }) {
    const remove = button("beanops-remove", "×");
    remove.title = `remove ${label}`;
    remove.setAttribute("aria-label", remove.title);
    remove.disabled = !this.port.live;
    remove.addEventListener("click", () => this.port.send({ kind: "drop", name }));
    return remove;
  }

  // A box for the body path of one more column.
  adder() {
    const line = make("form", "beanops-adder");
    const path = make("input", "beanops-path");
    const suggested = make("datalist", "");
    suggested.id = `beanops-${Math.random().toString(36).slice(2)}`;
    suggested.append(...this.paths.map((text) => Object.assign(document.createElement("option"), { value: text })));
    Object.assign(path, { type: "text", placeholder: "body path, such as $.user.id", spellcheck: false });
    path.setAttribute("list", suggested.id);
    path.setAttribute("aria-label", "add a column of a body path");
    const add = button("beanops-button", "Add");
    add.type = "submit";
    path.disabled = add.disabled = !this.port.live;
    line.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!path.value.trim()) return;
      this.port.send({ kind: "column", path: path.value.trim() });
      path.value = "";
    });
    line.append(path, suggested, add);
    return line;
  }

  // -- header and widths -------------------------------------------------------------------------------------------

  build() {
    this.places = [...this.all.keys()].filter((i) => this.isShown(this.all[i]));
    this.heads = this.places.map((i) => this.head(this.all[i], i));
    this.element.replaceChildren(...this.heads);
    this.at = Math.min(this.at, this.heads.length - 1);
    this.mark();
    this.layout();
  }

  head(column, i) {
    const number = numeric[column.kind] || column.kind === "id" ? " beanops-number" : "";
    const cell = make("div", `beanops-cell beanops-${column.kind}${number}`);
    cell.id = `beanops-${Math.random().toString(36).slice(2)}`;
    cell.setAttribute("role", "columnheader");
    const press = button("beanops-sort", column.label);
    press.tabIndex = -1; // arrow keys reach it, see key()
    press.title = column.label;
    press.disabled = column.drawn === "spark";
    press.addEventListener("click", () => this.sorted(i));
    const edge = make("span", "beanops-edge");
    edge.title = "drag to resize, double-click to fit";
    edge.addEventListener("pointerdown", (event) => this.drag(event, column, cell, edge));
    edge.addEventListener("dblclick", () => this.fit(column, i));
    cell.append(press, edge);
    return cell;
  }

  // Marks the column that sorts, and the header that has the keys.
  mark() {
    const { column, descending } = this.rows.sort ?? {};
    this.heads.forEach((head, at) => {
      const sorts = this.places[at] === column;
      head.setAttribute("aria-sort", !sorts ? "none" : descending ? "descending" : "ascending");
      head.classList.toggle("beanops-at", at === this.at);
    });
  }

  // The widths: numbers and ids have the room of their longest value, texts share what is left.
  layout() {
    const view = this.element.parentElement;
    if (!view) return;
    const tracks = this.places.map((i) => this.track(this.all[i], i));
    if (!tracks.some((track) => track.grows)) tracks.push({ least: "0px", grows: 1 });
    const template = tracks.map(({ least, grows }) => (grows ? `minmax(${least}, ${grows}fr)` : `calc(${least})`)).join(" ");
    if (template === this.template) return;
    this.template = template;
    view.style.setProperty("--columns", template);
    view.style.setProperty("--least", `calc(${tracks.map(({ least }) => least).join(" + ")})`);
  }

  track(column, i) {
    const { kind, width, drawn, name, label } = column;
    if (this.widths.has(name)) return { least: `${this.widths.get(name)}px` };
    if (drawn === "spark") return { least: `${width}em` };
    if (kind === "state") return { least: `(${Math.max(10, label.length + 2)}ch + 20px)` };
    // What has a tone in each row is read as a whole, such as why a tube is in trouble.
    if (kind === "text") return { least: `max(${Math.min(column.toned ? 14 : 8, width)}em, ${label.length + 1}ch + 20px)`, grows: width };
    const longest = Math.max(this.length(i, column), label.length + 2);
    return { least: drawn === "bar" ? `max(${longest}ch + 20px, 5.5em)` : `(${longest}ch + 20px)` };
  }

  // Characters of the longest number or id so far: columns grow and never jump back.
  length(i, { name, kind }) {
    const data = this.rows.data?.[i];
    if (!data) return 4;
    const known = this.longest.get(name);
    if (known?.data === data && known.version === data.version) return known.length;
    let length = known?.length ?? 4;
    if (kind === "id") for (let n = 0; n < this.rows.size; n++) length = Math.max(length, String(data.get(n) ?? "").length);
    else for (const end of data.range(this.rows.alive)) if (Number.isFinite(end)) length = Math.max(length, shown[kind](end).length);
    if (kind === "seconds") length = Math.max(length, 6);
    this.longest.set(name, { data, version: data.version, length });
    return length;
  }

  resize(column, width) {
    this.widths.set(column.name, Math.max(NARROWEST, Math.round(width)));
    this.layout();
  }

  drag(event, column, cell, edge) {
    event.preventDefault();
    const [start, width] = [event.clientX, cell.getBoundingClientRect().width];
    edge.setPointerCapture(event.pointerId);
    const move = ({ clientX }) => this.resize(column, width + clientX - start);
    edge.addEventListener("pointermove", move);
    edge.addEventListener("lostpointercapture", () => edge.removeEventListener("pointermove", move), { once: true });
  }

  // As wide as the longest text of the rows that are drawn.
  fit(column, i) {
    const at = this.places.indexOf(i);
    const rows = [this.element, ...this.element.parentElement.querySelectorAll(".beanops-body .beanops-row:not([hidden])")];
    const cells = rows.map((row) => row.children[at]).filter(Boolean);
    const range = document.createRange();
    const widths = cells.map((cell) => (range.selectNodeContents(cell), range.getBoundingClientRect().width));
    this.resize(column, Math.max(...widths) + 24);
  }

  // Keys while a header has them: arrows move, Enter sorts, Shift with arrows resizes. Returns whether it took the key.
  key(event) {
    const i = this.places[this.at];
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (way && event.shiftKey) this.resize(this.all[i], this.heads[this.at].getBoundingClientRect().width + way * STEP);
    else if (way) this.enter(Math.min(this.heads.length - 1, Math.max(0, this.at + way)));
    else if (event.key === "Enter" || event.key === " ") this.heads[this.at].firstChild.click();
    else if (event.key === "ArrowDown" || event.key === "Escape") this.enter(-1);
    else return false;
    return true;
  }

  enter(at) {
    this.at = at;
    this.mark();
    const view = this.element.parentElement;
    if (at < 0) view.removeAttribute("aria-activedescendant");
    else {
      view.setAttribute("aria-activedescendant", this.heads[at].id);
      this.heads[at].scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }
}
