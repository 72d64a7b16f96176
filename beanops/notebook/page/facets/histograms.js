// The bins of one number as bars that are brushed, and those of values as rows that are pressed. What the jobs have that
// match all other choices is drawn over the shape of all jobs. dom.js and crossfilter.js are loaded before.

const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const exact = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6 });

function bytes(size) {
  if (size < 1000) return `${exact.format(size)} B`;
  return size < 1e6 ? `${exact.format(Math.round(size / 100) / 10)} kB` : `${exact.format(Math.round(size / 1e5) / 10)} MB`;
}

function percent(part, whole) {
  if (!whole || !part) return "0%";
  const share = (100 * part) / whole;
  return share < 1 ? "<1%" : share > 99 && share < 100 ? ">99%" : `${Math.round(share)}%`;
}

// A moment in the reader's own time, with the day where it is not today.
function clockTime(seconds, withSeconds) {
  const moment = new Date(seconds * 1000);
  const time = moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: withSeconds ? "2-digit" : undefined });
  const today = new Date().toDateString() === moment.toDateString();
  return today ? time : `${moment.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time}`;
}

// An age in one unit: what stands under bars is no measurement.
function shortAge(seconds) {
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]].find(([size]) => seconds >= 2 * size || size === 1);
  return `${exact.format(Math.round(seconds / size))}${unit}`;
}

const written = {
  time: (value, at) => duration(Math.max(0, at - value)),
  bytes: (value) => bytes(value),
  count: (value) => exact.format(value),
  number: (value) => exact.format(value),
};

// What a bin of a range is called.
function binName(dim, code, at) {
  const [low, high] = [dim.edges[code], dim.edges[code + 1]];
  const write = written[dim.unit];
  if (dim.single.length) return write(low, at);
  if (dim.unit !== "time") return `${write(low)} to ${write(high)}`;
  const short = high - low < 60;
  return `${clockTime(low, short)} to ${clockTime(high, short)}, ${write(high, at)} to ${write(low, at)} old`;
}

// Bars that are brushed: drag, drag what is chosen to move it, or arrows with Shift and Enter.
class BinBars {
  constructor(name, title, choose) {
    this.name = name;
    this.choose = choose; // (codes or null, over)
    this.element = make("section", "beanops-histogram");
    const head = make("div", "beanops-facet-head");
    this.title = make("span", "beanops-facet-title", title);
    this.title.title = title;
    this.said = make("span", "beanops-facet-said", "");
    this.clear = button("beanops-facet-clear", "×");
    this.clear.title = `show all: no choice of ${title}`;
    this.clear.setAttribute("aria-label", this.clear.title);
    this.clear.hidden = true;
    this.clear.addEventListener("click", () => (this.choose(null, true), this.bars.focus()));
    head.append(this.title, this.said, this.clear);
    this.bars = make("div", "beanops-bars");
    this.bars.tabIndex = 0;
    this.bars.setAttribute("role", "slider");
    this.axis = make("div", "beanops-bins-axis");
    this.element.append(head, this.bars, this.axis);
    this.cursor = 0;
    this.drag = null;
    this.bars.addEventListener("pointerdown", (event) => this.down(event));
    this.bars.addEventListener("pointermove", (event) => this.move(event));
    this.bars.addEventListener("pointerup", () => this.up());
    this.bars.addEventListener("pointercancel", () => this.up());
    this.bars.addEventListener("pointerleave", () => this.hover(null));
    this.bars.addEventListener("keydown", (event) => this.key(event));
    this.bars.addEventListener("blur", () => this.hover(null));
  }

  show(dim, chosen, at, total) {
    Object.assign(this, { dim, chosen, at, total });
    if (this.bars.children.length !== dim.size) {
      this.bars.replaceChildren(...Array.from({ length: dim.size }, () => {
        const bin = make("div", "beanops-bin");
        bin.append(make("i", "beanops-bin-all"), make("i", "beanops-bin-now"));
        return bin;
      }));
    }
    const most = Math.max(1, ...dim.counts);
    const mostNow = Math.max(1, ...dim.now);
    const [low, high] = this.range();
    this.bars.classList.toggle("beanops-brushed", low !== null);
    [...this.bars.children].forEach((bin, code) => {
      bin.firstChild.style.height = `${(100 * dim.counts[code]) / most}%`;
      bin.lastChild.style.height = dim.now[code] ? `max(2px, ${(100 * dim.now[code]) / mostNow}%)` : "0";
      bin.classList.toggle("beanops-in", low !== null && code >= low && code <= high);
      bin.classList.toggle("beanops-from", code === low);
      bin.classList.toggle("beanops-until", code === high);
    });
    this.ticks();
    this.clear.hidden = low === null;
    this.caption();
  }

  range() {
    return this.chosen?.length ? [Math.min(...this.chosen), Math.max(...this.chosen)] : [null, null];
  }

  // Both ends, and what is between them where there is room.
  ticks() {
    const { edges, size, unit, single } = this.dim;
    const key = `${edges} ${Math.round(this.at / 60)}`;
    if (key === this.ticked) return;
    this.ticked = key;
    const short = { time: (value) => shortAge(Math.max(0, this.at - value)), bytes, count: compact.format, number: compact.format };
    const write = short[unit];
    if (single.length) {
      const step = Math.ceil(size / 6);
      const labels = edges.slice(0, size).map((edge, code) => make("span", "beanops-tick", code % step ? "" : write(edge)));
      this.axis.replaceChildren(...labels);
    } else if (this.uneven()) {
      // Each label stands at the left edge of its bin: the middle of the axis is not the middle of the range.
      const step = Math.ceil(size / 4);
      const labels = edges.slice(0, size).map((edge, code) => (code % step || code > size - 1.5 ? "" : write(edge)));
      this.axis.replaceChildren(...[...labels, unit === "time" ? "now" : write(edges[size])].map((text) => make("span", "beanops-tick", text)));
    } else {
      const places = [0, size / 2, size].map(Math.floor);
      const texts = [...new Set(places)].map((place) => write(edges[place]));
      if (unit === "time" && this.at - edges[size] < edges[size] - edges[size - 1]) texts.splice(-1, 1, "now");
      this.axis.replaceChildren(...texts.map((text) => make("span", "beanops-tick", text)));
    }
    this.axis.classList.toggle("beanops-each", single.length > 0);
    this.axis.classList.toggle("beanops-uneven", !single.length && this.uneven());
  }

  // Whether the bins are wider at one end, as 1, 2, 5, 10.
  uneven() {
    const { edges, size } = this.dim;
    const [first, last] = [edges[1] - edges[0], edges[size] - edges[size - 1]];
    return Math.max(first, last) > 1.5 * Math.min(first, last);
  }

  caption(code = null) {
    if (!this.dim) return;
    const { dim } = this;
    const [low, high] = this.range();
    let text = "";
    if (code !== null) text = `${whole.format(dim.now[code])} of ${whole.format(dim.counts[code])}: ${binName(dim, code, this.at)}`;
    else if (low !== null) {
      const write = written[dim.unit];
      const [from, to] = [write(dim.edges[low], this.at), write(dim.edges[dim.single.length ? high : high + 1], this.at)];
      text = low === high && dim.single.length ? from : dim.unit === "time" ? `${to} to ${from} old` : `${from} to ${to}`;
    }
    this.said.textContent = this.said.title = text;
    this.bars.setAttribute("aria-label", `${this.title.textContent}: ${text || "all"}`);
    this.bars.setAttribute("aria-valuetext", text || "all");
    this.bars.setAttribute("aria-valuenow", String(code ?? low ?? 0));
  }

  at_(event) {
    const box = this.bars.getBoundingClientRect();
    const place = Math.floor(((event.clientX - box.left) / box.width) * this.dim.size);
    return Math.max(0, Math.min(this.dim.size - 1, place));
  }

  hover(code) {
    [...this.bars.children].forEach((bin, place) => bin.classList.toggle("beanops-hovered", place === code));
    this.caption(code);
  }

  down(event) {
    if (event.button || !this.dim?.codes) return;
    const code = this.at_(event);
    const [low, high] = this.range();
    const inside = low !== null && code >= low && code <= high && high - low + 1 < this.dim.size;
    const grip = inside && code === low && high > low ? "low" : inside && code === high && high > low ? "high" : inside ? "move" : "new";
    this.drag = { from: event.shiftKey && low !== null ? (code < low ? high : low) : code, low, high, grip: event.shiftKey ? "new" : grip, moved: false };
    try {
      this.bars.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that a test or an aid plays
    }
    if (event.shiftKey) this.brush(this.drag.from, code);
  }

  move(event) {
    if (!this.dim) return;
    const code = this.at_(event);
    if (!this.drag) return this.hover(code);
    const { from, low, high, grip, moved } = this.drag;
    if (code === from && !moved) return;
    this.drag.moved = true;
    if (grip === "new") return this.brush(from, code);
    if (grip === "low") return this.brush(Math.min(code, high), high);
    if (grip === "high") return this.brush(low, Math.max(code, low));
    const shift = Math.max(-low, Math.min(this.dim.size - 1 - high, code - from));
    this.brush(low + shift, high + shift);
  }

  up() {
    if (!this.drag) return;
    const { moved, from, low, high, grip, brushed } = this.drag;
    this.drag = null;
    if (moved) return this.choose(brushed ?? null, true);
    // A press chooses one bin; on the only chosen one it takes the choice back.
    const only = low === high && low === from;
    if (grip === "new" || !only) this.brush(from, from);
    this.choose(only ? null : [from], true);
  }

  brush(from, to, over = false) {
    const [low, high] = [Math.min(from, to), Math.max(from, to)];
    const all = low === 0 && high === this.dim.size - 1;
    const codes = all ? null : Array.from({ length: high - low + 1 }, (_, i) => low + i);
    if (this.drag) this.drag.brushed = codes; // it may not be drawn yet when the pointer goes up
    this.choose(codes, over);
  }

  key(event) {
    if (!this.dim?.codes) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -this.dim.size, End: this.dim.size }[event.key];
    if (step) {
      const before = this.cursor;
      this.cursor = Math.max(0, Math.min(this.dim.size - 1, this.cursor + step));
      if (event.shiftKey) {
        const [low, high] = this.range();
        const anchor = low === null ? before : before === low ? high : low;
        this.brush(anchor, this.cursor, true);
      }
      this.hover(this.cursor);
    } else if (event.key === "Enter" || event.key === " ") {
      const [low, high] = this.range();
      this.choose(low === this.cursor && high === low ? null : [this.cursor], true);
    } else if (event.key === "Escape" && this.chosen?.length) this.choose(null, true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

const MOST_ROWS_SHOWN = 6;

// Values with their counts; a press adds one to what is chosen or takes it away, with Alt it leaves only it out.
class ValueList {
  constructor(name, title, choose) {
    this.name = name;
    this.choose = choose;
    this.element = make("section", "beanops-values");
    const head = make("div", "beanops-facet-head");
    this.title = make("span", "beanops-facet-title", title);
    this.title.title = title;
    this.said = make("span", "beanops-facet-said", "");
    this.clear = button("beanops-facet-clear", "×");
    this.clear.title = `show all: no choice of ${title}`;
    this.clear.setAttribute("aria-label", this.clear.title);
    this.clear.addEventListener("click", () => this.choose(null, true));
    head.append(this.title, this.said, this.clear);
    this.rows = make("div", "beanops-value-rows");
    this.more = button("beanops-more", "");
    this.more.addEventListener("click", () => ((this.all = !this.all), this.paint()));
    this.element.append(head, this.rows, this.more);
  }

  show(dim, chosen, at, total) {
    Object.assign(this, { dim, chosen: chosen ?? [], total });
    this.paint();
  }

  paint() {
    const { dim } = this;
    const known = this.rows.children.length;
    const wanted = this.all ? dim.size : Math.min(dim.size, MOST_ROWS_SHOWN);
    for (let code = known; code < wanted; code++) this.rows.append(this.row(code));
    while (this.rows.children.length > wanted) this.rows.lastChild.remove();
    const most = Math.max(1, ...dim.counts);
    const mostNow = Math.max(1, ...dim.now);
    [...this.rows.children].forEach((row, code) => {
      const [bar, label, count] = row.children;
      const on = this.chosen.includes(code);
      row.setAttribute("aria-pressed", String(on));
      row.dataset.off = String(this.chosen.length > 0 && !on);
      bar.style.setProperty("--all", dim.counts[code] / most);
      bar.style.setProperty("--now", dim.now[code] / mostNow);
      if (dim.unit === "state") row.dataset.state = dim.labels[code];
      if (label.textContent !== dim.labels[code]) label.textContent = dim.labels[code];
      label.classList.toggle("beanops-rest", dim.rest.includes(code));
      count.textContent = whole.format(dim.now[code]);
      row.title = `${dim.labels[code]}: ${whole.format(dim.now[code])} of ${whole.format(dim.counts[code])} jobs`;
    });
    this.clear.hidden = !this.chosen.length;
    this.said.textContent = dim.size > wanted ? `${dim.size} values` : "";
    this.more.hidden = dim.size <= MOST_ROWS_SHOWN;
    this.more.textContent = this.all ? "fewer" : `${dim.size - wanted} more`;
  }

  row(code) {
    const row = button("beanops-value", "");
    row.append(make("i", "beanops-value-bar"), make("span", "beanops-value-label", ""), make("span", "beanops-value-count", ""));
    row.addEventListener("click", (event) => this.press(code, event.altKey));
    return row;
  }

  press(code, invert) {
    if (!this.dim.codes) return;
    const all = [...Array(this.dim.size).keys()];
    const now = new Set(invert ? all : this.chosen);
    if (now.has(code)) now.delete(code);
    else now.add(code);
    this.choose(now.size && now.size < all.length ? [...now].sort((a, b) => a - b) : null, true);
  }
}
