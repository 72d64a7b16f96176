// The tool bar of a table: buttons that act on the selected rows. The kernel decides what must be confirmed, and checks
// it again. dom.js is loaded before this file.

const ARMED_MS = 5000;
const TYPING_MS = 30000;

// Whether the typed text confirms an action.
function accepts({ kind, typed }, text) {
  return typed === (kind === "number" ? text.replaceAll(",", "") : text);
}

class Toolbar {
  // `selected` has selectedKeys(), hidden(keys): how many of them are not seen, and states(): how many of the selected
  // rows are in each state.
  constructor({ actions, noun }, selected) {
    this.element = make("div", "beanops-tools");
    this.noun = noun;
    this.selected = selected;
    this.port = selected.port;
    this.typed = make("input", "beanops-typed");
    Object.assign(this.typed, { type: "text", spellcheck: false, hidden: true });
    this.typed.addEventListener("input", () => this.wait(this.armed()));
    this.typed.addEventListener("blur", (event) => this.left(this.armed(), event));
    this.typed.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.press(this.armed());
      if (event.key === "Escape") this.disarmAll();
    });
    this.warning = make("span", "beanops-warning");
    this.warning.hidden = true;
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
    const keys = tool.armed?.keys ?? tool.offer?.keys ?? this.selected.selectedKeys();
    const needed = this.needed(tool, keys);
    if (!tool.armed && needed.kind !== "nothing") return this.arm(tool, keys);
    const typed = needed.typed ? this.typed.value.trim() : null;
    if (typed !== null && !accepts(needed, typed)) return this.typed.focus();
    this.disarm(tool);
    const amount = tool.amount ? Number(tool.amount.value) : null;
    this.port.send({ kind: "action", name: tool.action.name, keys, amount, text, typed });
  }

  // The confirmation of an action on these rows; the kernel counts jobs the same way.
  needed({ action, offer, amount }, keys) {
    const one = action.unit === "jobs" ? Number(amount.value) : 0;
    const jobs = this.noun === "job" ? keys.length : keys.length * one;
    const needed = offer ? offer.confirm : action.confirm.findLast((step) => step.from <= jobs);
    if (needed.kind === "number") return { ...needed, typed: offer ? needed.typed : String(jobs) };
    // Nobody acts at once on what is not seen.
    const asks = action.arms || (!offer && (keys.length > 1 || this.selected.hidden(keys) > 0));
    return needed.kind === "nothing" && asks ? { ...needed, kind: "yes" } : needed;
  }

  arm(tool, keys) {
    this.disarmAll();
    tool.armed = { keys };
    tool.press.classList.add("beanops-armed");
    this.typed.value = "";
    this.typed.hidden = true;
    this.ask(tool);
    this.wait(tool);
    tool.press.after(this.typed, this.warning);
    if (!this.typed.hidden) this.typed.focus();
  }

  // The text of an armed button: its target and amount; beside it the text to type, and a warning.
  ask(tool) {
    const { keys } = tool.armed;
    const { typed, warning } = this.needed(tool, keys);
    this.typed.hidden = !typed;
    this.typed.placeholder = `type ${typed}`;
    this.typed.setAttribute("aria-label", `type ${typed} to confirm`);
    const target = keys.length === 1 ? ` ${this.noun} ${keys[0]}` : ` ${whole.format(keys.length)} ${this.noun}s`;
    const amount = tool.amount ? `, ${whole.format(tool.amount.value)} ${tool.action.unit}` : "";
    const unseen = tool.offer ? 0 : this.selected.hidden(keys);
    const hidden = unseen ? `, ${unseen === keys.length ? "" : `${whole.format(unseen)} `}hidden` : "";
    tool.press.textContent = `${this.label(tool)}${tool.offer ? "" : target}${hidden}${amount}: sure?`;
    this.warning.textContent = warning;
    this.warning.hidden = !warning;
  }

  wait(tool) {
    clearTimeout(tool.armed.timer);
    tool.armed.timer = setTimeout(() => this.disarm(tool), this.typed.hidden ? ARMED_MS : TYPING_MS);
  }

  armed() {
    return this.tools.find((tool) => tool.armed);
  }

  // The focus may move between an armed button and its text box.
  left(tool, { relatedTarget }) {
    if (tool?.armed && relatedTarget !== this.typed && relatedTarget !== tool.press) this.disarm(tool);
  }

  disarm(tool) {
    if (!tool.armed) return;
    clearTimeout(tool.armed.timer);
    tool.armed = null;
    tool.press.textContent = this.label(tool);
    tool.press.classList.remove("beanops-armed");
    this.typed.hidden = this.warning.hidden = true;
  }

  // Rows have gone: an armed button must act neither on them nor on rows that replace them.
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

  offer({ name, label, keys, confirm }) {
    const tool = this.tools.find(({ action }) => action.name === name);
    this.disarm(tool);
    tool.offer = label ? { label, keys, confirm } : null;
    tool.press.hidden = !label;
    tool.press.textContent = this.label(tool);
  }

  disarmAll() {
    this.tools.forEach((tool) => this.disarm(tool));
  }

  // A button that would act on nothing is off, and says why; without a kernel all of them are.
  refresh() {
    const chosen = this.selected.states();
    for (const tool of this.tools) {
      const { states, offered } = tool.action;
      const some = chosen.size > 0;
      const fits = offered || (some && (states === null || states.some((state) => chosen.has(state))));
      const off = !this.port.live || !fits;
      const missing = some ? `no selected ${this.noun} is ${states?.join(" or ")}` : `select ${this.noun}s first`;
      tool.press.title = !off ? "" : this.port.live ? missing : "no kernel answers";
      for (const part of [tool.press, tool.text, tool.amount]) if (part) part.disabled = off;
      if (off) this.disarm(tool);
    }
  }
}
