// The tool bar of a table: buttons that act on the selected rows, the dangerous ones armed first. dom.js stands before
// this file.

const ARMED_MS = 5000;
const TYPING_MS = 30000;

function button(className, text) {
  const element = make("button", className, text);
  element.type = "button";
  return element;
}

class Toolbar {
  // `confirm` must be typed before an armed button acts, if it is not empty.
  constructor({ actions, noun, confirm }, selected, send) {
    this.element = make("div", "beanops-tools");
    this.noun = noun;
    this.confirm = confirm;
    this.selected = selected;
    this.send = send;
    this.typed = make("input", "beanops-typed");
    Object.assign(this.typed, { type: "text", placeholder: `type ${confirm}`, spellcheck: false, hidden: true });
    this.typed.dataset.lmSuppressShortcuts = "true"; // it is not there yet when the table sees to the others
    this.typed.setAttribute("aria-label", `type ${confirm} to go on`);
    this.typed.addEventListener("input", () => this.wait(this.armed()));
    this.typed.addEventListener("blur", (event) => this.left(this.armed(), event));
    this.typed.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.press(this.armed());
      if (event.key === "Escape") this.disarmAll();
    });
    this.tools = actions.map((action) => this.tool(action));
  }

  tool(action) {
    const press = button("beanops-button", action.label);
    press.dataset.action = action.name;
    press.addEventListener("click", () => this.press(tool));
    press.addEventListener("blur", (event) => this.left(tool, event));
    press.addEventListener("keydown", (event) => event.key === "Escape" && this.disarm(tool));
    const tool = { action, press, amount: null, text: null, armed: null, offer: null };
    press.hidden = action.offered;
    this.element.append(press);
    if (action.text !== null) {
      tool.text = make("input", "beanops-to");
      Object.assign(tool.text, { type: "text", placeholder: action.text, spellcheck: false });
      tool.text.setAttribute("aria-label", `${action.label}: ${action.text}`);
      tool.text.addEventListener("input", () => this.disarm(tool));
      this.element.append(tool.text);
    }
    if (action.amount !== null) {
      tool.amount = make("input", "beanops-amount");
      Object.assign(tool.amount, { type: "number", min: 1, max: 4294967295, required: true, value: action.amount });
      tool.amount.setAttribute("aria-label", `${action.label}: ${action.unit}`);
      tool.amount.addEventListener("input", () => this.disarm(tool));
      this.element.append(tool.amount, make("span", "beanops-unit", action.unit));
    }
    return tool;
  }

  press(tool) {
    const text = tool.text ? tool.text.value.trim() : null;
    if (text === "") return tool.text.focus();
    if (tool.amount && !tool.amount.reportValidity()) return;
    const keys = tool.armed?.keys ?? tool.offer?.keys ?? this.selected().map(([key]) => key);
    if (!tool.armed && (tool.action.arms || (!tool.offer && keys.length > 1))) return this.arm(tool, keys);
    const typed = tool.armed && this.confirm ? this.typed.value.trim() : null;
    if (typed !== null && typed !== this.confirm) return this.typed.focus();
    this.disarm(tool);
    const amount = tool.amount ? Number(tool.amount.value) : null;
    this.send({ kind: "action", name: tool.action.name, keys, amount, text, typed });
  }

  arm(tool, keys) {
    this.disarmAll();
    tool.armed = { keys };
    tool.press.classList.add("beanops-armed");
    this.ask(tool);
    this.wait(tool);
    if (!this.confirm) return;
    tool.press.after(this.typed);
    this.typed.value = "";
    this.typed.hidden = false;
    this.typed.focus();
  }

  // What an armed button says: its target, and how much.
  ask(tool) {
    const { keys } = tool.armed;
    const target = keys.length === 1 ? ` ${this.noun} ${keys[0]}` : ` ${whole.format(keys.length)} ${this.noun}s`;
    const amount = tool.amount ? `, ${whole.format(tool.amount.value)} ${tool.action.unit}` : "";
    tool.press.textContent = `${this.label(tool)}${tool.offer ? "" : target}${amount}: sure?`;
  }

  wait(tool) {
    clearTimeout(tool.armed.timer);
    tool.armed.timer = setTimeout(() => this.disarm(tool), this.confirm ? TYPING_MS : ARMED_MS);
  }

  armed() {
    return this.tools.find((tool) => tool.armed);
  }

  // The focus goes back and forth between an armed button and the box where its name is typed.
  left(tool, { relatedTarget }) {
    if (tool?.armed && relatedTarget !== this.typed && relatedTarget !== tool.press) this.disarm(tool);
  }

  disarm(tool) {
    if (!tool.armed) return;
    clearTimeout(tool.armed.timer);
    tool.armed = null;
    tool.press.textContent = this.label(tool);
    tool.press.classList.remove("beanops-armed");
    this.typed.hidden = true;
  }

  // Rows have gone: an armed button must not mean them, nor what takes their place.
  keep(isThere) {
    const tool = this.armed();
    if (!tool || tool.offer) return;
    tool.armed.keys = tool.armed.keys.filter(isThere);
    if (tool.armed.keys.length) this.ask(tool);
    else this.disarm(tool);
  }

  label(tool) {
    return tool.offer?.label ?? tool.action.label;
  }

  offer({ name, label, keys }) {
    const tool = this.tools.find(({ action }) => action.name === name);
    this.disarm(tool);
    tool.offer = label ? { label, keys } : null;
    tool.press.hidden = !label;
    tool.press.textContent = this.label(tool);
  }

  disarmAll() {
    this.tools.forEach((tool) => this.disarm(tool));
  }

  refresh() {
    const rows = this.selected();
    for (const tool of this.tools) {
      const { states, offered } = tool.action;
      if (offered) continue;
      tool.press.disabled = !rows.some(([, state]) => states === null || states.includes(state));
      if (tool.press.disabled) this.disarm(tool);
    }
  }
}
