// A wait: a bar, what is left by state, its pace, and a line of the jobs left. panel.js is loaded before this file.

function drawn(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

class Waiting extends ActionPanel {
  constructor(port, el) {
    super(port, el);
    this.content.hidden = true;
    this.bar = make("div", "beanops-meter");
    this.bar.setAttribute("role", "progressbar");
    this.bar.setAttribute("aria-valuemin", 0);
    this.bar.setAttribute("aria-valuemax", 100);
    this.fill = make("i", "");
    this.percent = make("span", "beanops-meter-text", "");
    this.bar.append(this.fill);
    const row = make("div", "beanops-meter-row");
    row.append(this.bar, this.percent);
    this.facts = make("div", "beanops-wait-facts");
    this.counts = make("div", "beanops-verdicts");
    this.note = make("div", "beanops-wave-said", "");
    this.line = drawn("svg", { class: "beanops-wait-line", viewBox: "0 0 100 30", preserveAspectRatio: "none" });
    this.line.setAttribute("role", "img");
    this.content.append(row, this.facts, this.line, this.counts, this.note);
  }

  draw({ share, over, counts, facts, note, points, remaining, true: isTrue }) {
    this.content.hidden = false;
    const percent = Math.floor(100 * share);
    this.fill.style.width = `${100 * share}%`;
    this.bar.dataset.tone = isTrue ? "ready" : over ? "delayed" : "reserved";
    this.bar.setAttribute("aria-valuenow", percent);
    this.bar.setAttribute("aria-valuetext", `${percent} %, ${whole.format(remaining)} left`);
    this.percent.textContent = `${percent} %`;
    this.facts.replaceChildren(
      ...facts.map(([value, noun]) => {
        const fact = make("span", "beanops-verdict-of");
        fact.append(make("b", "", value), ` ${noun}`);
        return fact;
      }),
    );
    this.counts.replaceChildren(
      ...counts.map(([state, number]) => {
        const shown = make("span", number ? "beanops-verdict-of" : "beanops-verdict-of beanops-none");
        const mark = make("i", "beanops-piece");
        mark.dataset.tone = state;
        shown.append(mark, make("b", "", whole.format(number)), ` ${state}`);
        return shown;
      }),
    );
    this.note.textContent = note;
    this.note.hidden = !note;
    this.drawLine(points);
  }

  drawLine(points) {
    this.line.toggleAttribute("hidden", points.length < 2);
    if (points.length < 2) return;
    const most = Math.max(1, ...points.map(([, jobs]) => jobs));
    const [first, last] = [points[0][0], points.at(-1)[0]];
    const at = ([seconds, jobs]) => `${((100 * (seconds - first)) / (last - first || 1)).toFixed(2)},${(29 - (28 * jobs) / most).toFixed(2)}`;
    const way = points.map(at).join(" ");
    this.line.setAttribute("aria-label", `jobs left: ${points.map(([, jobs]) => jobs).slice(-5).join(", ")}`);
    this.line.replaceChildren(
      drawn("polygon", { points: `0,30 ${way} 100,30` }),
      drawn("polyline", { points: way, "vector-effect": "non-scaling-stroke" }),
    );
  }
}

kinds.waiting = Waiting;
