// The charts of a view: panels over one time, with one crosshair, and a choice of the time that they show.
// chart_axes.js and chart_panel.js are loaded before this file.

const CHART_LEAST = 30; // seconds across a chart, at least
const CHART_NEAR = 6; // pixels between the crosshair and an action that it names
const CHART_NAMED = 4; // actions that the crosshair names at most
const CHART_STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

class Chart {
  constructor(port, el) {
    const { panels, windows, utc } = port.options;
    Object.assign(this, { port, windows, isUtc: utc, window: windows[0].name, hidden: new Set(), marks: [], seq: null });
    this.course = { step: 1, first: 0, rows: [], at: 0, now: null, live: false };
    this.el = el;
    this.element = make("div", "beanops-charts");
    this.header = new Header();
    this.quiet = make("span", "beanops-quiet", "");
    this.header.element.append(this.quiet);
    this.scope = make("div", "beanops-scope");
    const bar = make("div", "beanops-charts-bar");
    bar.append(this.scope, this.makeWindows());
    const row = make("div", "beanops-panels");
    let start = 0;
    this.panels = panels.map((options) => {
      const panel = new ChartPanel(options, start, (label, isAlone) => this.toggle(options.series, label, isAlone));
      start += options.series.length;
      this.watch(panel);
      row.append(panel.element);
      return panel;
    });
    this.tip = make("div", "beanops-tip");
    this.tip.hidden = true;
    this.element.append(this.header.element, bar, row, this.tip);
    el.append(this.element);
    this.resize = new ResizeObserver(() => this.paint());
    this.resize.observe(row);
    this.quietness = setInterval(() => this.listen(), 1000);
    port.on((message) => this.hear(message));
    port.onLive(() => this.paint());
    port.onScheme(() => this.paint());
    port.onLive(() => {
      this.listen();
      this.paint();
    });
  }

  close() {
    clearInterval(this.quietness);
    this.resize.disconnect();
    this.element.remove();
  }

  // -- from Python -------------------------------------------------------------------------------------------------

  // Whether updates still come.
  listen() {
    const age = this.port.age();
    const isSilent = this.port.live && age > this.port.options.late; // without a kernel the view says so
    this.quiet.textContent = isSilent ? `no updates for ${duration(age)}` : "";
    this.el.classList.toggle("beanops-stale", isSilent);
  }

  hear(message) {
    const { kind, seq, line } = message;
    this.listen();
    if (kind === "say") return line === "scope" ? say(this.scope, message) : this.header.say(message);
    if (kind === "hidden") this.hidden = new Set(message.labels);
    else if (kind === "marks") this.marks = message.marks;
    else if (kind === "course") {
      this.course = message;
      this.choose(message.window);
      this.seq = seq;
    } else if (kind === "bins") {
      if (this.seq === null) return;
      if (seq !== this.seq + 1) {
        this.seq = null;
        return this.port.hello();
      }
      this.seq = seq;
      this.grow(message);
    } else return;
    this.paint();
  }

  // Takes the newest rows, of which the first replace those at the end.
  grow({ first, rows, at, now, live }) {
    const course = this.course;
    const kept = course.rows.slice(0, Math.max(0, first - course.first));
    while (kept.length < first - course.first) kept.push(null);
    const all = [...kept, ...rows];
    const gone = course.reach ? Math.max(0, Math.floor((at - course.reach) / course.step) - course.first) : 0;
    this.course = { ...course, first: course.first + gone, rows: all.slice(gone), at, now, live };
  }

  // -- the reader's choices ----------------------------------------------------------------------------------------

  makeWindows() {
    const group = make("div", "beanops-windows");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Time in the charts");
    this.choices = this.windows.map(({ name, label, title }) => {
      const choice = button("beanops-window", label);
      choice.title = title;
      choice.addEventListener("click", () => {
        this.choose(name);
        this.paint(); // what is known here, until Python sends the rest
        this.port.send({ kind: "window", name });
      });
      group.append(choice);
      return [name, choice];
    });
    return group;
  }

  choose(window) {
    this.window = window;
    for (const [name, choice] of this.choices) choice.setAttribute("aria-pressed", String(name === window));
  }

  toggle(series, label, isAlone) {
    const others = series.map((one) => one.label).filter((other) => other !== label);
    if (isAlone) {
      this.hidden.delete(label);
      others.forEach((other) => this.hidden.add(other));
    } else if (!this.hidden.delete(label)) this.hidden.add(label);
    // A chart without any series shows nothing that could be wanted: it shows all again.
    if (series.every((one) => this.hidden.has(one.label))) series.forEach((one) => this.hidden.delete(one.label));
    this.paint();
    this.port.send({ kind: "hidden", labels: [...this.hidden] });
  }

  // -- the crosshair -----------------------------------------------------------------------------------------------

  watch(panel) {
    const { plot } = panel;
    plot.tabIndex = 0;
    plot.setAttribute("role", "slider");
    plot.setAttribute("aria-label", `${panel.title}, by time`);
    const follow = (event) => this.point({ panel, clientX: event.clientX });
    plot.addEventListener("pointermove", follow);
    plot.addEventListener("pointerdown", follow);
    plot.addEventListener("pointerleave", () => this.point(null));
    plot.addEventListener("blur", () => this.point(null));
    plot.addEventListener("keydown", (event) => {
      const isStep = event.key in CHART_STEPS;
      if (isStep) this.step(panel, CHART_STEPS[event.key] * (event.shiftKey ? 10 : 1));
      else if (event.key === "PageUp" || event.key === "PageDown") this.leap(panel, event.key === "PageUp" ? -1 : 1);
      else if (event.key === "Escape" && this.pointed) this.point(null);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  point(pointed) {
    this.pointed = pointed;
    this.paint();
  }

  step(panel, by) {
    const { rows, first, step } = this.course;
    const { place } = this.cursor() ?? { place: rows.length };
    const next = Math.min(rows.length - 1, Math.max(0, place + by));
    this.point({ panel, at: (first + next + 1) * step });
  }

  // Goes to the next action, or to the one before.
  leap(panel, by) {
    const at = this.cursor()?.moment ?? Infinity;
    const marks = this.marks.filter((mark) => mark.at >= this.begin && (by < 0 ? mark.at < at - 0.001 : mark.at > at + 0.001));
    const mark = by < 0 ? marks.at(-1) : marks[0];
    if (mark) this.point({ panel, at: mark.at });
  }

  // Where the crosshair is: its moment, the row that is nearest and the end of that, and the actions there.
  cursor() {
    const { rows, first, step, at: now } = this.course;
    if (!this.pointed || !rows.length) return null;
    const { panel, clientX, at } = this.pointed;
    const moment = at ?? panel.momentAt(clientX);
    if (moment === null) return null;
    const place = Math.min(rows.length - 1, Math.max(0, Math.round(moment / step) - 1 - first));
    const marks = this.marks.filter((mark) => Math.abs(panel.placeOf(mark.at) - panel.placeOf(moment)) <= CHART_NEAR);
    return { place, moment, at: Math.min(now, (first + place + 1) * step), marks, panel };
  }

  // -- paint -------------------------------------------------------------------------------------------------------

  get begin() {
    const { first, step, at } = this.course;
    const { seconds } = this.windows.find(({ name }) => name === this.window);
    return Math.min(at - CHART_LEAST, Math.max(first * step, seconds ? at - seconds : -Infinity));
  }

  paint() {
    const { first, step, rows, at, now, live } = this.course;
    const from = this.begin;
    const skipped = Math.min(rows.length, Math.max(0, Math.floor(from / step) - first));
    const shown = rows.slice(skipped);
    const cursor = this.cursor();
    const scene = {
      rows: shown,
      hidden: this.hidden,
      marks: this.marks,
      from,
      to: at,
      isUtc: this.isUtc,
      isNow: live && this.port.live,
      beginOf: (place) => Math.max(from, (first + skipped + place) * step),
      endOf: (place) => Math.min(at, (first + skipped + place + 1) * step),
      cursor: cursor && { ...cursor, place: cursor.place - skipped < 0 ? null : cursor.place - skipped },
    };
    const row = cursor ? rows[cursor.place] : now;
    for (const panel of this.panels) {
      panel.tell(row, this.hidden);
      panel.paint(scene);
      this.tellScreenReader(panel, row, cursor);
    }
    this.showTip(cursor, row);
  }

  tellScreenReader(panel, row, cursor) {
    const values = panel.said(row).map((text, place) => `${panel.series[place].label} ${text}`);
    const { at, live } = this.course;
    const time = !cursor && live && this.port.live ? "now" : momentText(cursor ? cursor.at : at, at, this.isUtc);
    const actions = cursor ? cursor.marks.map((mark) => mark.text) : [];
    const said = {
      "aria-valuemin": 0,
      "aria-valuemax": Math.max(0, this.course.rows.length - 1),
      "aria-valuenow": cursor ? cursor.place : Math.max(0, this.course.rows.length - 1),
      "aria-valuetext": [`${time}: ${values.join(", ")}`, ...actions].join("; "),
    };
    for (const [name, value] of Object.entries(said)) panel.plot.setAttribute(name, value);
  }

  showTip(cursor, row) {
    this.tip.hidden = !cursor;
    if (!cursor) return;
    const time = make("div", "beanops-tip-time", momentText(cursor.at, this.course.at, this.isUtc));
    const ago = this.course.at - cursor.at;
    if (ago >= 1) time.append(make("span", "", this.course.live ? `${duration(ago)} ago` : `−${duration(ago)}`));
    // The legends of all charts show the values of that moment too.
    const lines = row ? this.tipLines(cursor.panel, row) : [make("div", "beanops-tip-gap", "no data")];
    const actions = cursor.marks
      .slice(-CHART_NAMED)
      .map(({ at, text }) => make("div", "beanops-tip-action", `${momentText(at, this.course.at, this.isUtc)} ${text}`));
    const more = cursor.marks.length - actions.length;
    if (more) actions.unshift(make("div", "beanops-tip-gap", `${more} earlier action${more > 1 ? "s" : ""}`));
    this.tip.replaceChildren(time, ...lines, ...actions);
    const [whole, plot] = [this.element.getBoundingClientRect(), cursor.panel.plot.getBoundingClientRect()];
    const across = plot.left - whole.left + cursor.panel.placeOf(cursor.moment);
    const isRight = across + 14 + this.tip.offsetWidth > whole.width;
    this.tip.style.left = `${Math.max(0, isRight ? across - 14 - this.tip.offsetWidth : across + 14)}px`;
    this.tip.style.top = `${plot.top - whole.top + 4}px`;
  }

  tipLines(panel, row) {
    const texts = panel.said(row);
    const shown = panel.series.map((one, place) => ({ ...one, place })).filter(({ label }) => !this.hidden.has(label));
    const lines = shown.map(({ label, tone, place }) => this.tipLine(label, texts[place], tone));
    if (panel.stacked && shown.length > 1) {
      const values = panel.valuesOf(row);
      const sum = shown.reduce((total, { place }) => total + (values[place] ?? 0), 0);
      lines.push(this.tipLine("all", chartValue(sum, panel.isWhole), ""));
    }
    lines[0]?.classList.add("beanops-tip-first");
    return lines;
  }

  tipLine(label, text, tone) {
    const line = make("div", "beanops-tip-line");
    const mark = make("span", "beanops-mark");
    if (tone) mark.dataset.tone = tone;
    else mark.hidden = true;
    const value = make("b", "", text);
    if (text === "0") value.dataset.tone = "zero";
    line.append(mark, make("span", "", label), value);
    return line;
  }
}

kinds.chart = Chart;
