// The groups of jobs by cause: how many there are of each, their share, and when they were put. The time of all of them
// stands above the heat map, bin above bin.

const GROUPS_SHOWN = 40;

class GroupList {
  constructor(choose) {
    this.choose = choose; // (name, codes, over)
    this.element = make("section", "beanops-causes");
    this.heading = make("div", "beanops-causes-head");
    this.title = make("span", "beanops-facet-title", "causes");
    this.said = make("span", "beanops-facet-said", "");
    this.clear = button("beanops-facet-clear", "×");
    this.clear.title = "show all causes";
    this.clear.setAttribute("aria-label", this.clear.title);
    this.clear.addEventListener("click", () => this.choose("cause", null, true));
    this.heading.append(this.title, this.said, this.clear);
    this.times = new BinBars("age", "put", (codes, over) => this.choose("age", codes, over));
    this.rows = make("div", "beanops-cause-rows");
    this.rows.addEventListener("keydown", (event) => this.key(event));
    this.heat = new HeatMap(
      (cause, time) => {
        this.choose("cause", [cause], false);
        this.choose("age", [time], true);
      },
      (codes, over) => this.choose("age", codes, over),
      (row, text) => this.hover(row, text),
    );
    this.table = make("div", "beanops-cause-table");
    this.table.append(this.rows, this.heat.element);
    this.more = button("beanops-more", "");
    this.more.addEventListener("click", () => {
      this.all = !this.all;
      this.arrange();
      this.repaint();
    });
    this.top = make("div", "beanops-causes-top"); // beside the times
    this.top.append(this.heading);
    this.element.append(this.top, this.times.element, this.table, this.more);
    this.order = [];
    this.common = "";
  }

  // `cross`: the jobs by cause and time, null where they are not known.
  show({ causes, times, cross, chosen, at, total, still }) {
    Object.assign(this, { causes, dim: times, cross, chosen, at, total });
    if (!still || this.order.length > causes.size) this.arrange();
    this.repaint();
  }

  // The largest first, of those that match.
  arrange() {
    const { causes } = this;
    const codes = [...Array(causes.size).keys()];
    const rest = new Set(causes.rest);
    codes.sort((a, b) => rest.has(a) - rest.has(b) || causes.now[b] - causes.now[a] || causes.counts[b] - causes.counts[a]);
    this.order = this.all ? codes : codes.slice(0, GROUPS_SHOWN);
  }

  repaint() {
    const { causes, order, rows } = this;
    this.common = this.shared();
    const chosen = this.chosen.get("cause") ?? [];
    const some = new Set(chosen);
    while (rows.children.length > order.length) rows.lastChild.remove();
    while (rows.children.length < order.length) rows.append(this.row());
    const all = causes.now.reduce((sum, count) => sum + count, 0);
    const most = Math.max(1, ...causes.now);
    [...rows.children].forEach((row, place) => {
      const code = order[place];
      const [count, share, bar, text] = row.children;
      const now = causes.now[code];
      row.dataset.code = code;
      row.setAttribute("aria-pressed", String(some.has(code)));
      row.dataset.off = String(some.size > 0 && !some.has(code));
      row.dataset.none = String(now === 0);
      row.tabIndex = place === (this.cursor ?? 0) ? 0 : -1;
      count.textContent = whole.format(now);
      share.textContent = percent(now, all);
      bar.style.setProperty("--now", now / most);
      this.text(text, causes, code);
      row.title = `${causes.labels[code]}\n${whole.format(now)} of ${whole.format(causes.counts[code])} jobs`;
    });
    const hidden = causes.size - order.length;
    this.more.hidden = causes.size <= GROUPS_SHOWN;
    this.more.textContent = this.all ? "fewer" : `${whole.format(hidden)} smaller groups`;
    this.clear.hidden = !some.size;
    this.say("");
    const known = Boolean(this.dim && this.cross);
    this.times.element.hidden = !this.dim;
    this.heat.element.hidden = !known;
    this.element.classList.toggle("beanops-without-times", !this.dim);
    if (this.dim) this.times.show(this.dim, this.chosen.get("age"), this.at, this.total);
    if (known) {
      this.heat.show({
        order, counts: this.cross, dim: this.dim, causes, at: this.at, chosenCauses: chosen, chosenTimes: this.chosen.get("age"),
      });
    }
  }

  // What all causes begin with, such as the class of the job; empty where they differ.
  shared() {
    const { causes } = this;
    const texts = causes.labels.filter((_, code) => !causes.rest.includes(code));
    const cut = texts[0]?.indexOf(": ") ?? -1;
    if (texts.length < 2 || cut < 0) return "";
    const beginning = texts[0].slice(0, cut + 2);
    return texts.every((text) => text.startsWith(beginning) && text.length > beginning.length) ? beginning : "";
  }

  // What all have in common stands in the heading, and a class without its namespace is dim: the error is what differs.
  text(element, causes, code) {
    const rest = causes.rest.includes(code);
    const text = rest ? causes.labels[code] : causes.labels[code].slice(this.common.length);
    if (element.dataset.text === text) return;
    element.dataset.text = text;
    const cut = rest ? -1 : text.indexOf(": ");
    const parts = cut < 0 || this.common ? [shortError(text)] : [`${shortClass(text.slice(0, cut))}:`, ` ${shortError(text.slice(cut + 2))}`];
    element.replaceChildren(...parts.map((part, i) => make("span", parts.length > 1 && !i ? "beanops-cause-job" : "beanops-cause-error", part)));
    element.classList.toggle("beanops-rest", rest);
  }

  say(text) {
    const { causes } = this;
    const number = causes.size === 1 ? "one cause" : `${whole.format(causes.size)} causes`;
    this.title.textContent = this.common ? `${number} of ${shortClass(this.common.slice(0, -2))}` : number;
    this.title.title = this.common.slice(0, -2);
    this.said.textContent = text;
  }

  hover(row, text) {
    [...this.rows.children].forEach((one, place) => one.classList.toggle("beanops-hovered", place === row));
    this.say(text);
  }

  row() {
    const row = button("beanops-cause", "");
    row.append(
      make("span", "beanops-cause-count", ""), make("span", "beanops-cause-share", ""),
      make("i", "beanops-cause-bar"), make("span", "beanops-cause-text", ""),
    );
    row.addEventListener("click", (event) => this.press(Number(row.dataset.code), event.altKey));
    return row;
  }

  press(code, invert) {
    if (!this.causes.codes) return;
    const all = [...Array(this.causes.size).keys()];
    const now = new Set(invert ? all : (this.chosen.get("cause") ?? []));
    if (now.has(code)) now.delete(code);
    else now.add(code);
    this.choose("cause", now.size && now.size < all.length ? [...now] : null, true);
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -1e6, End: 1e6 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const rows = this.rows.children;
    this.cursor = Math.max(0, Math.min(rows.length - 1, (this.cursor ?? 0) + step));
    [...rows].forEach((row, place) => (row.tabIndex = place === this.cursor ? 0 : -1));
    rows[this.cursor].focus();
  }
}
