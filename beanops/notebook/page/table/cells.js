// What a cell shows: its text, its full value as a tooltip, a bar behind a number, a small line. Text is only set as
// textContent. dom.js is loaded before this file.

const tenths = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

// Jobs per second, as rate() of ui/formatting.py writes them.
function perSecond(value) {
  if (value === 0) return "0";
  if (value < 0.095) return value.toFixed(2);
  return value < 99.95 ? tenths.format(value) : counted(Math.round(value));
}

// The formatter takes a microsecond, and most counts are small.
function counted(value) {
  return value >= 0 && value < 1000 ? String(value) : whole.format(value);
}

// Null is unknown, which is not zero.
const shown = {
  text: (value) => value ?? "",
  state: (value) => value ?? "",
  id: (value) => value ?? "",
  count: (value) => (value === null ? "–" : counted(value)),
  rate: (value) => (value === null ? "–" : perSecond(value)),
  seconds: (value) => (value === null ? "–" : duration(value)),
};

const numeric = { count: true, rate: true, seconds: true };

// The whole of what a number says.
function fullText({ kind, label }, value) {
  if (value === null) return `${label}: unknown`;
  if (kind === "seconds") return `${label}: ${duration(value)}, ${counted(Math.round(value))} s`;
  if (kind === "rate") return `${label}: ${value} per second`;
  return `${label}: ${whole.format(value)}`;
}

// Sparks are one digit of 36 a value and "." where it is unknown, then a blank and words; "-" before them is a line
// without an area. See cells.py.
function sparkPath(digits, closed) {
  const step = digits.length > 1 ? 100 / (digits.length - 1) : 0;
  let [line, begun] = ["", null];
  const close = (x) => (closed && begun !== null ? `L${x} 20L${begun} 20Z` : "");
  for (let i = 0; i < digits.length; i++) {
    const x = Math.round(i * step * 10) / 10;
    if (digits[i] === ".") {
      line += close(Math.round((i - 1) * step * 10) / 10);
      begun = null;
    } else {
      line += `${begun === null ? "M" : "L"}${x} ${Math.round((19 - parseInt(digits[i], 36) * 0.5143) * 10) / 10}`;
      begun ??= x;
    }
  }
  return line + close(100);
}

function sparkline() {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 100 20", preserveAspectRatio: "none", "aria-hidden": true })) {
    svg.setAttribute(name, value);
  }
  for (const name of ["area", "line"]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", `beanops-spark-${name}`);
    svg.append(path);
  }
  return svg;
}

class Cell {
  constructor(column) {
    const { kind, drawn } = column;
    this.column = column;
    const sort = numeric[kind] || kind === "id" ? " beanops-number" : "";
    this.element = make("div", `beanops-cell beanops-${kind}${sort}${drawn ? ` beanops-drawn-${drawn}` : ""}`);
    this.element.setAttribute("role", "gridcell");
    if (drawn === "spark") this.element.append((this.svg = sparkline()));
  }

  // `value` as Python sent it, its text, the tone of the row if it has one, and the share of a bar.
  show(value, text, tone, share) {
    const { element, column } = this;
    element.dataset.tone = tone ?? (column.kind === "state" ? value : value ? column.tone : "zero");
    if (column.drawn === "spark") return this.spark(text);
    if (share !== undefined && share !== this.share) element.style.setProperty("--share", (this.share = share));
    if (text === this.text && value === this.value) return;
    [this.text, this.value] = [text, value];
    element.textContent = column.name === "error" ? shortError(text) : text;
    element.title = numeric[column.kind] ? fullText(column, value) : text;
  }

  spark(text) {
    if (text === this.text) return;
    this.text = text;
    const blank = text.indexOf(" ");
    const [drawn, words] = blank < 0 ? [text, ""] : [text.slice(0, blank), text.slice(blank + 1)];
    const filled = !drawn.startsWith("-");
    const digits = filled ? drawn : drawn.slice(1);
    this.svg.firstChild.setAttribute("d", filled ? sparkPath(digits, true) : "");
    this.svg.lastChild.setAttribute("d", sparkPath(digits, false));
    this.element.title = words;
    this.element.setAttribute("aria-label", words);
  }
}
