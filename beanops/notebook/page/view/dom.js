// Shared by all parts of a view.

// The classes of the parts, by the name of their kind: each file of a part adds its own.
const kinds = {};

const SVG = "http://www.w3.org/2000/svg";
const whole = new Intl.NumberFormat("en-US");

function make(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

// A length of time in its two largest units, as span() of text.py writes it.
function duration(seconds) {
  const length = Math.floor(Math.abs(seconds));
  const sign = seconds <= -1 ? "-" : "";
  if (length < 60) return `${sign}${length}s`;
  const units = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
  const at = units.findIndex(([size]) => length >= size);
  const [[size, unit], [smaller, its]] = [units[at], units[at + 1]];
  const rest = String(Math.floor((length % size) / smaller)).padStart(2, "0");
  return `${sign}${Math.floor(length / size)}${unit}${rest}${its}`;
}

function button(className, text) {
  const element = make("button", className, text);
  element.type = "button";
  return element;
}

// Puts a text on the clipboard.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without the permission, as in frames of some notebooks, or in a page that is not secure.
    const area = make("textarea", "");
    area.value = text;
    area.style.position = "fixed";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("the browser does not allow it");
  }
}

// A class without its namespace; what is no plain name stays as it is.
function shortClass(name) {
  return /^[\w.\\:/-]+$/.test(name) ? name.split(/[\\./]|::/).pop() || name : name;
}

// An error whose class is without its namespace: what differs would be cut instead.
function shortError(text) {
  const cut = text.indexOf(": ");
  return cut < 0 ? text : shortClass(text.slice(0, cut)) + text.slice(cut);
}

// The user's colour of a server; the browser ignores an invalid one.
function inTone(label, tone) {
  label.style.borderColor = tone;
  label.style.backgroundColor = tone ? `color-mix(in srgb, ${tone} 22%, transparent)` : "";
}

// Shows a line that Python sent; text is only set as textContent.
function say(line, { text, tone }) {
  line.textContent = text;
  line.dataset.tone = tone;
}

// The first line: the user's label and colour of the server, and its title.
// Without a kernel it has another title where there is one: a view that held something does not hold it any more.
class Header {
  constructor() {
    this.live = true;
    this.titles = {};
    this.element = make("div", "beanops-head");
    this.label = make("span", "beanops-label", "");
    this.title = make("div", "beanops-title");
    this.title.setAttribute("role", "status");
    this.element.append(this.label, this.title);
  }

  say(message) {
    if (message.line !== "label") return (this.titles[message.line] = message), this.paint();
    this.label.textContent = message.text;
    inTone(this.label, message.tone);
  }

  enliven(live) {
    this.live = live;
    this.paint();
  }

  paint() {
    const { title, orphaned } = this.titles;
    const shown = !this.live && orphaned?.text ? orphaned : title;
    if (shown) say(this.title, shown);
  }
}

// The time of the last message on Python's clock, and its age here: together the time of a click on Python's clock,
// however far the two clocks differ.
class Clock {
  hear(sent) {
    this.sent = sent;
    this.heard = performance.now();
  }

  age() {
    return this.sent === undefined ? 0 : (performance.now() - this.heard) / 1000;
  }

  now() {
    return this.sent === undefined ? null : this.sent + this.age();
  }
}
