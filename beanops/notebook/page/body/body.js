// One job: its error first, then its numbers, and its body as fields that can be filtered by, and as text. Text is only
// set as textContent. dom.js is loaded before.

// JSON in parts, each with its kind: keys, strings, and the other values.
function jsonParts(text) {
  const parts = [];
  const pattern = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) parts.push(["", text.slice(end, match.index)]);
    if (match[1] && match[2]) parts.push(["key", match[1]], ["", match[2]]);
    else parts.push([match[1] ? "string" : "value", match[0]]);
    end = match.index + match[0].length;
  }
  parts.push(["", text.slice(end)]);
  return parts;
}

class Body {
  constructor(port, el) {
    this.port = port;
    this.tab = "fields";
    this.element = make("section", "beanops-job");
    this.element.hidden = true;
    this.title = make("div", "beanops-job-title");
    this.state = make("span", "beanops-job-state", "");
    this.error = make("div", "beanops-job-error");
    this.facts = make("dl", "beanops-job-facts");
    this.notes = make("div", "beanops-job-notes");
    this.tabs = make("div", "beanops-tabs");
    this.tabs.setAttribute("role", "tablist");
    this.tabButtons = ["fields", "body"].map((name) => {
      const tab = button("beanops-tab", name);
      tab.setAttribute("role", "tab");
      tab.addEventListener("click", () => this.open(name));
      return tab;
    });
    this.copy = button("beanops-button beanops-copy", "Copy body");
    this.copy.addEventListener("click", async () => {
      await copyText(this.job.text);
      this.copy.textContent = "Copied";
      setTimeout(() => (this.copy.textContent = "Copy body"), 1500);
    });
    this.tabs.append(...this.tabButtons, this.copy);
    this.fields = make("div", "beanops-fields");
    this.text = make("pre", "beanops-detail");
    this.text.tabIndex = 0;
    const head = make("div", "beanops-job-head");
    head.append(this.state, this.title);
    this.element.append(head, this.error, this.facts, this.notes, this.tabs, this.fields, this.text);
    this.element.setAttribute("aria-label", "the job selected last");
    el.append(this.element);
    port.on((message) => message.kind === "job" && this.show(message.job));
    port.onLive(() => this.enable());
  }

  close() {
    this.element.remove();
  }

  show(job) {
    this.job = job;
    this.element.hidden = !job;
    if (!job) return;
    this.title.textContent = job.title;
    this.state.textContent = job.state;
    this.state.dataset.tone = job.state;
    this.error.textContent = job.error;
    this.error.hidden = !job.error;
    this.notes.textContent = job.notes;
    this.notes.hidden = !job.notes;
    this.facts.replaceChildren(...job.facts.map(([name, text]) => {
      const fact = make("div", "");
      fact.append(make("dt", "", name), make("dd", "", text));
      return fact;
    }));
    this.fields.replaceChildren(...job.fields.map((field) => this.field(field)));
    this.text.replaceChildren(...jsonParts(job.text).map(([kind, part]) => make("span", kind && `beanops-json-${kind}`, part)));
    this.open(job.fields.length ? this.tab : "body", false);
    this.enable();
  }

  open(name, byUser = true) {
    if (byUser) this.tab = name;
    this.fields.hidden = name !== "fields";
    this.text.hidden = name !== "body";
    this.tabButtons[0].hidden = !this.job?.fields.length;
    this.tabButtons.forEach((tab) => tab.setAttribute("aria-selected", String(tab.textContent === name)));
  }

  field([path, text, value]) {
    const row = make("div", "beanops-field");
    const [name, shown] = [make("span", "beanops-field-path", path), make("span", "beanops-field-value", text)];
    name.title = path;
    shown.title = text;
    const tools = make("span", "beanops-field-tools");
    const tool = (label, title, message) => {
      const press = button("beanops-field-tool", label);
      press.title = title;
      press.setAttribute("aria-label", title);
      press.addEventListener("click", () => this.port.send(message));
      tools.append(press);
    };
    if (value !== null) {
      tool("+", `only jobs with ${path} = ${text}`, { kind: "value", path, value, with: true });
      tool("−", `without jobs with ${path} = ${text}`, { kind: "value", path, value, with: false });
    }
    tool("▥", `column ${path}`, { kind: "column", path });
    row.append(name, shown, tools);
    return row;
  }

  enable() {
    this.fields.querySelectorAll("button").forEach((press) => (press.disabled = !this.port.live));
  }
}

kinds.body = Body;
