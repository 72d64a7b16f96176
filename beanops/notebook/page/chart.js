// The charts: one canvas per panel, one new sample per tick; lines or stacked areas.

const HEIGHT = 110;
const TOP = 16;
const SPAN = 60; // seconds across the width, at least
const GAP = 15; // seconds between two samples that leave a gap in the line

const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const label = (value) => (value === null ? "–" : short.format(value));

// The next round number, so that the scale does not move with every sample.
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((step) => step * power >= value);
}

// The stretches between gaps: an unknown value is a gap, not zero.
function known(layer, samples) {
  const stretches = [];
  layer.forEach((value, i) => {
    if (value === null) return;
    if (i > 0 && layer[i - 1] !== null && samples[i][0] - samples[i - 1][0] < GAP) stretches.at(-1)[1] = i;
    else stretches.push([i, i]);
  });
  return stretches;
}

class Panel {
  constructor({ title, series, stacked }, start) {
    this.series = series;
    this.stacked = stacked;
    this.start = start; // index of its first value in a sample
    this.element = make("div", "beanops-panel");
    this.canvas = make("canvas", "beanops-canvas");
    this.canvas.setAttribute("role", "img");
    const legend = make("div", "beanops-legend");
    legend.append(make("span", "beanops-unit", title));
    this.values = series.map(({ label, tone }) => {
      const entry = make("span", "beanops-series", "■ ");
      entry.dataset.tone = tone;
      const value = make("b", "");
      entry.append(`${label} `, value);
      legend.append(entry);
      return value;
    });
    this.element.append(legend, this.canvas);
    this.title = title;
  }

  paint(samples) {
    const last = samples.at(-1);
    this.values.forEach((value, i) => (value.textContent = last ? label(last[this.start + i]) : "–"));
    const said = this.series.map(({ label: name }, i) => `${name} ${this.values[i].textContent}`);
    this.canvas.setAttribute("aria-label", `${this.title}: ${said.join(", ")}`);
    const width = this.canvas.clientWidth;
    if (!width) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = width * ratio;
    this.canvas.height = (HEIGHT + TOP) * ratio;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(this.canvas);
    const layers = this.layers(samples);
    const top = ceiling(Math.max(1, ...layers.flat().filter((value) => value !== null)));
    const span = samples.length ? Math.max(SPAN, last[0] - samples[0][0]) : SPAN;
    const x = (i) => width - ((last[0] - samples[i][0]) / span) * width;
    const y = (value) => HEIGHT - 1 - (value / top) * (HEIGHT - TOP);
    pen.strokeStyle = style.getPropertyValue("--b-line");
    pen.strokeRect(0, y(top), width, 0);
    pen.strokeRect(0, y(0), width, 0);
    pen.fillStyle = style.getPropertyValue("--b-dim");
    pen.font = `11px ${style.fontFamily}`;
    pen.fillText(label(top), 2, TOP - 4);
    // The highest layer first: the lower ones cover its lower part.
    for (const i of [...layers.keys()].reverse()) {
      const colour = style.getPropertyValue(`--b-${this.series[i].tone}`);
      this.draw(pen, known(layers[i], samples), layers[i], x, y, colour);
    }
    pen.fillStyle = style.getPropertyValue("--b-dim");
    pen.fillText(`${duration(span)} ago`, 2, HEIGHT + TOP - 4);
    pen.textAlign = "right";
    pen.fillText("now", width - 2, HEIGHT + TOP - 4);
  }

  layers(samples) {
    const sums = samples.map(() => 0);
    return this.series.map((_, s) =>
      samples.map((sample, i) => {
        const value = sample[this.start + s];
        return this.stacked && value !== null ? (sums[i] += value) : value;
      }),
    );
  }

  draw(pen, stretches, layer, x, y, colour) {
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = 1.5;
    for (const [from, to] of stretches) {
      pen.beginPath();
      for (let i = from; i <= to; i++) pen.lineTo(x(i), y(layer[i]));
      if (this.stacked) {
        pen.lineTo(x(to), y(0));
        pen.lineTo(x(from), y(0));
        pen.fill();
      } else pen.stroke();
    }
  }
}

class Chart {
  constructor(port, el) {
    this.port = port;
    this.el = el;
    this.samples = [];
    this.seq = null; // null: waiting for all samples
    this.header = new Header();
    this.quiet = make("span", "beanops-quiet", "");
    this.header.element.append(this.quiet);
    const row = make("div", "beanops-panels");
    let start = 1; // the first value of a sample is its moment
    this.panels = port.options.panels.map((panel) => {
      const made = new Panel(panel, start);
      start += panel.series.length;
      return made;
    });
    row.append(...this.panels.map((panel) => panel.element));
    el.append(this.header.element, row);
    this.watch = setInterval(() => this.listen(), 1000);
    this.resize = new ResizeObserver(() => this.paint());
    this.resize.observe(row);
    port.on((message) => this.receive(message));
  }

  close() {
    clearInterval(this.watch);
    this.resize.disconnect();
  }

  // Whether updates still come.
  listen() {
    const age = this.port.age();
    const silent = age > this.port.options.late;
    this.quiet.textContent = silent ? `no updates for ${duration(age)}` : "";
    this.el.classList.toggle("beanops-stale", silent);
  }

  receive(message) {
    this.listen();
    if (message.kind === "say") return this.header.say(message);
    if (message.kind === "samples") this.samples = message.samples;
    else if (this.seq === null) return;
    else if (message.seq !== this.seq + 1) return (this.seq = null), this.port.hello();
    else this.samples = [...this.samples.slice(1 - this.port.options.limit), message.sample];
    this.seq = message.seq;
    this.paint();
  }

  paint() {
    this.panels.forEach((panel) => panel.paint(this.samples));
  }
}

kinds.chart = Chart;
