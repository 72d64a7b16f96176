// One chart: its legend, and a canvas with a scale, a grid, areas or stacked areas, the crosshair and the actions.
// chart_axes.js is loaded before this file.

const CHART_FOOT = 18; // pixels below the plot, for the times
const CHART_HEAD = 8; // pixels above it, for half of the highest number
const CHART_APART = 9; // pixels between two actions that have a mark each

class ChartPanel {
  // `start` is the place of its first value in a row; `toggle` is called with a series' label, and whether alone.
  constructor({ title, series, stacked, whole: isWhole }, start, toggle) {
    Object.assign(this, { title, series, stacked, isWhole, start });
    this.element = make("div", "beanops-panel");
    const legend = make("div", "beanops-legend");
    legend.append(make("span", "beanops-unit", title));
    this.entries = series.map(({ label, tone }) => {
      const entry = button("beanops-series");
      const [mark, value] = [make("span", "beanops-mark"), make("b", "", "–")];
      mark.dataset.tone = tone;
      entry.title = `Show or hide ${label}; double-click for ${label} alone`;
      entry.append(mark, make("span", "", label), value);
      entry.addEventListener("click", (event) => toggle(label, event.shiftKey));
      entry.addEventListener("dblclick", () => toggle(label, true));
      legend.append(entry);
      return { entry, value };
    });
    this.plot = make("div", "beanops-plot");
    this.canvas = make("canvas", "beanops-canvas");
    this.plot.append(this.canvas);
    this.element.append(legend, this.plot);
  }

  // The values of its series in a row.
  valuesOf(row) {
    return this.series.map((_, place) => (row ? row[this.start + place] : null));
  }

  said(row) {
    return this.valuesOf(row).map((value) => chartValue(value, this.isWhole));
  }

  // Shows the values of a row in the legend, and which series are hidden.
  tell(row, hidden) {
    this.said(row).forEach((text, place) => {
      const { entry, value } = this.entries[place];
      const isShown = String(!hidden.has(this.series[place].label));
      value.dataset.tone = text === "0" ? "zero" : "";
      if (value.textContent !== text) value.textContent = text;
      if (entry.getAttribute("aria-pressed") !== isShown) entry.setAttribute("aria-pressed", isShown);
    });
  }

  // Draws a `scene`: rows by time, the times at both ends, the hidden series, the crosshair's row, and the actions.
  paint(scene) {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(this.canvas);
    const property = (name) => style.getPropertyValue(`--b-${name}`).trim();
    pen.font = `11px ${style.fontFamily}`;
    const { rows, hidden } = scene;
    const series = this.series.map((one, place) => ({ ...one, place })).filter(({ label }) => !hidden.has(label));
    const layers = this.layers(series, rows);
    const most = Math.max(0, ...layers.flat().filter((value) => value !== null));
    const ticks = chartTicks(most, this.isWhole);
    const left = Math.ceil(Math.max(22, ...ticks.map((tick) => pen.measureText(compactNumber(tick)).width)) + 8);
    const [right, bottom] = [width - 6, height - CHART_FOOT];
    const span = scene.to - scene.from || 1;
    const x = (at) => left + ((at - scene.from) / span) * (right - left);
    const y = (value) => bottom - (value / ticks.at(-1)) * (bottom - CHART_HEAD);
    this.frame = { left, right, from: scene.from, span };

    const grid = { left, right, bottom, ink: property("dim"), line: property("line"), weight: Number(property("chart-grid")) };
    this.drawScale(pen, ticks, y, grid);
    this.drawTimes(pen, scene, x, grid);
    pen.save();
    pen.beginPath();
    pen.rect(left, 0, right - left, bottom + 1);
    pen.clip();
    const look = { fill: Number(property("chart-fill")), line: Number(property("chart-line")), dash: property("chart-dash") };
    // The highest layer first: the lower ones are drawn over its lower part.
    for (const place of [...layers.keys()].reverse()) {
      const below = this.stacked && place > 0 ? layers[place - 1] : null;
      const isDashed = look.dash === "on" && !this.stacked && place > 0;
      this.drawLayer(pen, scene, layers[place], below, x, y, property(series[place].tone), { ...look, isDashed });
    }
    pen.restore();
    this.drawActions(pen, scene, x, { left, right, bottom, ink: property("accent") });
    if (scene.cursor) this.drawCursor(pen, scene, series, layers, x, y, bottom, property);
  }

  layers(series, rows) {
    const sums = rows.map(() => 0);
    return series.map(({ place }) =>
      rows.map((row, i) => {
        const value = row ? row[this.start + place] : null;
        return this.stacked && value !== null ? (sums[i] += value) : value;
      }),
    );
  }

  drawScale(pen, ticks, y, { left, right, ink, line, weight }) {
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    pen.lineWidth = 1;
    for (const tick of ticks) {
      const at = Math.round(y(tick)) + 0.5;
      pen.strokeStyle = line;
      pen.globalAlpha = tick === 0 ? 1 : weight;
      pen.beginPath();
      pen.moveTo(left, at);
      pen.lineTo(right, at);
      pen.stroke();
      pen.globalAlpha = 1;
      pen.fillStyle = ink;
      pen.fillText(compactNumber(tick), left - 6, at);
    }
  }

  drawTimes(pen, scene, x, { left, right, bottom, ink, line, weight }) {
    pen.textBaseline = "alphabetic";
    const foot = bottom + 13;
    const now = scene.isNow ? "now" : "";
    pen.fillStyle = ink;
    pen.textAlign = "right";
    pen.fillText(now, right, foot);
    const end = right - (now ? pen.measureText(now).width + 12 : 0);
    pen.textAlign = "center";
    for (const { at, text, isDay } of timeTicks(scene.from, scene.to, (right - left) / 76, scene.isUtc)) {
      const [place, half] = [Math.round(x(at)) + 0.5, pen.measureText(text).width / 2];
      pen.strokeStyle = line;
      pen.globalAlpha = weight * (isDay ? 1 : 0.55);
      pen.beginPath();
      pen.moveTo(place, CHART_HEAD);
      pen.lineTo(place, bottom + 4);
      pen.stroke();
      pen.globalAlpha = 1;
      if (place - half >= left - 8 && place + half <= end) pen.fillText(text, place, foot);
    }
  }

  // An unknown value is a gap, not zero: each stretch between gaps is an area of its own.
  drawLayer(pen, scene, layer, below, x, y, colour, look) {
    for (const [from, to] of knownStretches(layer)) {
      const points = [[x(scene.beginOf(from)), y(layer[from])]];
      const floor = [[points[0][0], y(below ? below[from] : 0)]];
      for (let i = from; i <= to; i++) {
        points.push([x(scene.endOf(i)), y(layer[i])]);
        floor.push([x(scene.endOf(i)), y(below ? below[i] : 0)]);
      }
      pen.beginPath();
      for (const [across, up] of [...points, ...floor.reverse()]) pen.lineTo(across, up);
      pen.globalAlpha = look.fill;
      pen.fillStyle = this.stacked ? colour : this.fading(pen, colour, Math.min(...points.map(([, up]) => up)), y(0));
      pen.fill();
      pen.globalAlpha = 1;
      pen.strokeStyle = colour;
      pen.lineWidth = look.line;
      pen.lineJoin = "round";
      pen.setLineDash(look.isDashed ? [6, 4] : []);
      pen.beginPath();
      // A layer of a stack that has no height would only hide the line of the one below it.
      const isFlat = (i) => this.stacked && layer[i] === (below ? below[i] : 0);
      let isDown = false;
      points.forEach(([across, up], place) => {
        const i = Math.max(from, from + place - 1);
        if (isFlat(i)) isDown = false;
        else if (isDown) pen.lineTo(across, up);
        else (pen.moveTo(across, up), (isDown = true));
      });
      pen.stroke();
      pen.setLineDash([]);
    }
  }

  // Areas over each other fade downwards, so that both of them are seen.
  fading(pen, colour, top, bottom) {
    const fill = pen.createLinearGradient(0, top, 0, Math.max(bottom, top + 1));
    fill.addColorStop(0, colour);
    fill.addColorStop(1, "transparent");
    return fill;
  }

  // A triangle and a line for each action; a bar on the axis for those that are too close together.
  drawActions(pen, scene, x, { left, right, bottom, ink }) {
    const seen = scene.marks.map((mark) => ({ mark, at: Math.round(x(mark.at)) + 0.5 }));
    const groups = [];
    for (const one of seen.filter(({ at }) => at >= left && at <= right)) {
      if (groups.length && one.at - groups.at(-1).at(-1).at < CHART_APART) groups.at(-1).push(one);
      else groups.push([one]);
    }
    pen.strokeStyle = pen.fillStyle = ink;
    pen.lineWidth = 1;
    for (const group of groups) {
      const chosen = group.find(({ mark }) => scene.cursor?.marks.includes(mark));
      if (group.length > 1) pen.fillRect(group[0].at - 4, bottom - 1, group.at(-1).at - group[0].at + 8, 3);
      const single = group.length === 1 ? group[0] : chosen;
      if (!single) continue;
      const [at, half] = [single.at, chosen ? 5 : 4];
      pen.globalAlpha = chosen ? 1 : 0.6;
      pen.setLineDash([2, 3]);
      pen.beginPath();
      pen.moveTo(at, CHART_HEAD);
      pen.lineTo(at, bottom);
      pen.stroke();
      pen.setLineDash([]);
      pen.globalAlpha = 1;
      pen.beginPath();
      pen.moveTo(at, bottom - half - 2);
      pen.lineTo(at + half, bottom + 2);
      pen.lineTo(at - half, bottom + 2);
      pen.fill();
    }
  }

  drawCursor(pen, scene, series, layers, x, y, bottom, property) {
    const { place, at } = scene.cursor;
    const across = Math.round(x(at)) + 0.5;
    pen.strokeStyle = property("dim");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(across, CHART_HEAD);
    pen.lineTo(across, bottom);
    pen.stroke();
    layers.forEach((layer, i) => {
      const value = place === null ? null : layer[place];
      if (value === null) return;
      pen.beginPath();
      pen.arc(across, y(value), 3.5, 0, 2 * Math.PI);
      pen.fillStyle = property(series[i].tone);
      pen.strokeStyle = property("ground");
      pen.lineWidth = 1.5;
      pen.fill();
      pen.stroke();
    });
  }

  // The moment under a place of the page, from the left edge of the screen.
  momentAt(clientX) {
    if (!this.frame) return null;
    const { left, right, from, span } = this.frame;
    const share = (clientX - this.canvas.getBoundingClientRect().left - left) / (right - left);
    return from + Math.min(1, Math.max(0, share)) * span;
  }

  // Where a moment is, in pixels from the left edge of the plot.
  placeOf(at) {
    if (!this.frame) return 0;
    const { left, right, from, span } = this.frame;
    return left + ((at - from) / span) * (right - left);
  }
}

// The first and last place of each stretch without a gap.
function knownStretches(layer) {
  const stretches = [];
  layer.forEach((value, i) => {
    if (value === null) return;
    if (i > 0 && layer[i - 1] !== null) stretches.at(-1)[1] = i;
    else stretches.push([i, i]);
  });
  return stretches;
}
