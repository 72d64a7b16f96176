// When the jobs of each cause were put: a cell for each cause and time, as dark as there are jobs in it. One canvas
// beside the list of causes, row by row. Pressing a cell chooses its cause and time, dragging along chooses a time.

const HEAT_ROW = 24;

class HeatMap {
  constructor(choose, chooseTime, hovered) {
    this.choose = choose; // (cause, time): a cell was pressed
    this.chooseTime = chooseTime; // (codes, over)
    this.hovered = hovered; // (row or null, text)
    this.element = make("canvas", "beanops-heat");
    this.element.setAttribute("role", "img");
    this.element.addEventListener("pointermove", (event) => this.move(event));
    this.element.addEventListener("pointerleave", () => this.hovered(null, ""));
    this.element.addEventListener("pointerdown", (event) => this.down(event));
    this.element.addEventListener("pointerup", (event) => this.up(event));
    this.drag = null;
  }

  // `order`: the codes of causes from the top; `counts`: by cause and time; `times` and `causes`: what is chosen.
  show({ order, counts, dim, causes, chosenTimes, chosenCauses, at }) {
    Object.assign(this, { order, counts, dim, causes, chosenTimes, chosenCauses, at });
    this.element.style.height = `${order.length * HEAT_ROW}px`;
    this.paint();
    this.element.setAttribute("aria-label", `when the jobs of ${order.length} causes were put`);
  }

  paint() {
    const { element, order, counts, dim } = this;
    const width = element.clientWidth;
    if (!width || !order) return;
    const ratio = window.devicePixelRatio || 1;
    const height = order.length * HEAT_ROW;
    [element.width, element.height] = [width * ratio, height * ratio];
    const pen = element.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(element);
    const [hot, line] = ["--b-heat", "--b-line"].map((name) => style.getPropertyValue(name));
    let most = 1;
    for (const code of order) for (let time = 0; time < dim.size; time++) most = Math.max(most, counts[code * dim.size + time]);
    const step = width / dim.size;
    const gap = step > 8 ? 2 : step > 4 ? 1 : 0;
    pen.fillStyle = line;
    order.forEach((_, row) => pen.fillRect(0, (row + 1) * HEAT_ROW - 1, width, 1));
    pen.fillStyle = hot;
    const times = new Set(this.chosenTimes ?? []);
    const some = new Set(this.chosenCauses ?? []);
    order.forEach((code, row) => {
      for (let time = 0; time < dim.size; time++) {
        const count = counts[code * dim.size + time];
        if (!count) continue;
        const off = (times.size && !times.has(time)) || (some.size && !some.has(code));
        pen.globalAlpha = (0.14 + 0.86 * Math.sqrt(count / most)) * (off ? 0.45 : 1);
        const [left, right] = [Math.round(time * step), Math.round((time + 1) * step)];
        pen.fillRect(left, row * HEAT_ROW + 3, Math.max(1, right - left - gap), HEAT_ROW - 7);
      }
    });
    pen.globalAlpha = 1;
    if (!times.size) return;
    // The edges of what is chosen, through all rows.
    pen.fillStyle = style.getPropertyValue("--b-accent");
    for (const edge of [Math.min(...times), Math.max(...times) + 1]) pen.fillRect(Math.min(width - 1, Math.round(edge * step)), 0, 1, height);
  }

  cell(event) {
    const box = this.element.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / HEAT_ROW];
    const time = Math.max(0, Math.min(this.dim.size - 1, Math.floor(x * this.dim.size)));
    return { time, row: Math.max(0, Math.min(this.order.length - 1, Math.floor(y))) };
  }

  move(event) {
    if (!this.order?.length) return;
    const { time, row } = this.cell(event);
    const count = this.counts[this.order[row] * this.dim.size + time];
    const text = `${whole.format(count)} put ${binName(this.dim, time, this.at)}`;
    this.element.title = `${this.causes.labels[this.order[row]]}\n${text}`;
    this.hovered(row, text);
    if (!this.drag || (time === this.drag.time && !this.drag.moved)) return;
    this.drag.moved = true;
    const [low, high] = [Math.min(time, this.drag.time), Math.max(time, this.drag.time)];
    this.drag.brushed = Array.from({ length: high - low + 1 }, (_, i) => low + i);
    this.chooseTime(this.drag.brushed, false);
  }

  down(event) {
    if (event.button || !this.dim?.codes) return;
    this.drag = { ...this.cell(event), moved: false };
    try {
      this.element.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that a test or an aid plays
    }
  }

  up() {
    if (!this.drag) return;
    const { time, row, moved, brushed } = this.drag;
    this.drag = null;
    if (moved) this.chooseTime(brushed, true);
    else this.choose(this.order[row], time);
  }
}
