// What is shown of a table as text: to the clipboard or into a file that the page makes. Whole bodies come from Python.
// menus.js is loaded before this file.

// A value that a spreadsheet neither splits nor takes for a formula.
function quoted(value, separator) {
  const text = typeof value === "string" && /^[=+@\t\r-]/.test(value) ? `'${value}` : String(value ?? "");
  if (separator === "\t") return text.replace(/[\t\r\n]/g, " ");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// Rows are lists of values, one for each column.
function delimited(columns, rows, separator) {
  const lines = [columns.map(({ name }) => name), ...rows].map((row) => row.map((value) => quoted(value, separator)));
  return lines.map((line) => `${line.join(separator)}\n`).join("");
}

function jsonLines(columns, rows) {
  // Ids are numbers, of more digits than numbers have here.
  const value = ({ kind }, each) => (kind === "id" && /^\d+$/.test(each) ? each : JSON.stringify(each));
  const line = (row) => columns.map((column, i) => `${JSON.stringify(column.name)}:${value(column, row[i])}`).join(",");
  return rows.map((row) => `{${line(row)}}\n`).join("");
}

const formats = {
  tsv: { name: "TSV", type: "text/tab-separated-values", write: (columns, rows) => delimited(columns, rows, "\t") },
  csv: { name: "CSV", type: "text/csv", write: (columns, rows) => delimited(columns, rows, ",") },
  jsonl: { name: "JSON lines", type: "application/x-ndjson", write: jsonLines },
};

function saveFile(name, type, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

class Exports {
  // `table` has rows, columns, noun, port, and tell().
  constructor(table) {
    this.table = table;
    this.menu = new Menu("Export", (panel) => this.choices(panel));
  }

  choices(panel) {
    const { port, noun } = this.table;
    const count = this.numbers().length;
    const what = this.table.picked.selection.size ? "selected" : "shown";
    panel.append(make("div", "beanops-choices-title", `${counted(count)} ${what} ${noun}${count === 1 ? "" : "s"}`));
    const add = (text, note, act, possible = count > 0) => {
      const choice = this.menu.choice(text, note, undefined, () => (this.menu.close(), act()));
      choice.disabled = !possible;
      panel.append(choice);
    };
    for (const format of ["tsv", "csv", "jsonl"]) {
      add(`Copy as ${formats[format].name}`, format === "tsv" ? "Ctrl+C" : "", () => this.copy(format));
    }
    for (const format of ["csv", "jsonl"]) add(`Save as ${formats[format].name}`, "", () => this.save(format));
    if (!port.options.bodies) return;
    for (const format of ["csv", "jsonl"]) {
      const ask = () => {
        this.table.tell(`reading the bodies of ${counted(count)} ${noun}${count === 1 ? "" : "s"}`);
        port.send({ kind: "export", format, keys: this.numbers().map((n) => this.table.rows.keys[n]) });
      };
      add(`Save with bodies as ${formats[format].name}`, "", ask, count > 0 && port.live);
    }
  }

  // The selected rows in the order of the view, or else all that are shown.
  numbers() {
    const { rows } = this.table;
    const { selection } = this.table.picked;
    const shown = rows.inOrder();
    if (!selection.size) return shown;
    const chosen = shown.filter((n) => selection.has(rows.keys[n]));
    const others = chosen.length < selection.size ? [...selection].map((key) => rows.number(key)) : [];
    return [...new Set([...chosen, ...others.filter((n) => n !== undefined)])];
  }

  write(format) {
    const { rows, columns } = this.table;
    const places = columns.places.filter((i) => rows.columns[i].drawn !== "spark");
    const values = this.numbers().map((n) => places.map((i) => rows.value(n, i)));
    return [formats[format].write(places.map((i) => rows.columns[i]), values), values.length];
  }

  async copy(format) {
    const [text, count] = this.write(format);
    const rows = `${counted(count)} ${this.table.noun}${count === 1 ? "" : "s"}`;
    try {
      await copyText(text);
      this.table.tell(`${rows} copied as ${formats[format].name}`);
    } catch (error) {
      this.table.tell(`nothing was copied: ${error.message}`, "error");
    }
  }

  save(format) {
    const [text, count] = this.write(format);
    saveFile(`${this.table.noun}s.${format}`, formats[format].type, text);
    this.table.tell(`${counted(count)} ${this.table.noun}${count === 1 ? "" : "s"} saved as ${this.table.noun}s.${format}`);
  }
}
