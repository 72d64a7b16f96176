// The rows of a table that are in sight, the only ones that have elements. Text is only set as textContent. cells.js and
// rows.js are loaded before this file.

const ROW = 26;

class DrawnRows {
  constructor(table) {
    this.table = table;
    this.rows = table.rows;
    this.columns = table.columns;
    this.element = make("div", "beanops-body");
    this.element.setAttribute("role", "presentation");
    this.pool = [];
  }

  // The rows get new elements: other columns are shown.
  clear() {
    for (const { element } of this.pool) element.remove();
    this.pool = [];
  }

  // All that a scroll changes.
  draw() {
    const { order } = this.rows;
    const { scrollTop, clientHeight } = this.table.view;
    const first = Math.max(0, Math.floor(scrollTop / ROW) - 4);
    const last = Math.min(order.length, first + Math.ceil((clientHeight || 400) / ROW) + 8);
    while (this.pool.length < last - first) this.pool.push(this.row());
    this.scales = new Map();
    this.pool.forEach((row, i) => this.fill(row, first + i, first + i < last ? order[first + i] : null));
  }

  row() {
    const element = make("div", "beanops-row");
    element.setAttribute("role", "row");
    const cells = this.columns.places.map((i) => new Cell(this.rows.columns[i]));
    element.append(...cells.map((cell) => cell.element));
    const folds = make("div", "beanops-folds");
    folds.hidden = true;
    element.append(folds);
    this.element.append(element);
    return { element, cells, folds };
  }

  fill({ element, cells, folds }, index, n) {
    element.hidden = n === null;
    if (n === null) return;
    element.style.top = `${index * ROW}px`;
    element.setAttribute("aria-rowindex", index + 1);
    const folded = n === FOLDED;
    if (folds.hidden === folded) {
      folds.hidden = !folded;
      for (const cell of cells) cell.element.hidden = folded;
      if (!folded) delete element.dataset.folds;
    }
    if (folded) return this.fillFold(element, folds);
    const key = this.rows.keys[n];
    element.dataset.key = key;
    const { selection, focus, onFold } = this.table.picked;
    element.setAttribute("aria-selected", selection.has(key));
    element.classList.toggle("beanops-focus", key === focus && !onFold);
    const { columns } = this.rows;
    this.columns.places.forEach((i, at) => {
      const column = columns[i];
      const value = this.rows.value(n, i);
      const tone = column.toned ? this.rows.column(column.toned)?.get(n) : undefined;
      const share = column.drawn === "bar" ? this.share(column, value) : undefined;
      cells[at].show(value, this.rows.text(n, i), tone, share);
    });
  }

  fillFold(element, folds) {
    const { noun, rest } = this.table.port.options.fold;
    const { foldedRows, unfolded } = this.rows;
    delete element.dataset.key;
    element.dataset.folds = "true";
    element.removeAttribute("aria-selected");
    element.setAttribute("aria-expanded", unfolded);
    element.classList.toggle("beanops-focus", this.table.picked.onFold);
    folds.textContent = `${unfolded ? "▾" : "▸"} ${counted(foldedRows)} ${noun}s ${rest}`.trim();
  }

  // The length of a bar, in percent of the longest of its scale.
  share({ scale }, value) {
    if (!value) return 0;
    let most = this.scales.get(scale);
    if (most === undefined) {
      const ends = this.rows.columns.map((column, i) =>
        column.scale === scale && column.drawn === "bar" ? this.rows.data[i].range(this.rows.alive)[1] : 0,
      );
      this.scales.set(scale, (most = Math.max(...ends)));
    }
    return Math.max(3, Math.round((100 * value) / most));
  }

  reveal(index) {
    const { view } = this.table;
    const top = index * ROW;
    const room = view.clientHeight - 2 * ROW;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top > view.scrollTop + room) view.scrollTop = top - room;
  }
}
