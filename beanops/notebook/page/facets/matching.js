// What was chosen: each choice as the predicate that it is, all of them as code to copy, and what to do with the jobs
// that match. The kernel decides what must be confirmed, and checks it again.

const CHOICE_ARMED_MS = 8000;

// A text in Python.
function python(text) {
  const quoted = JSON.stringify(text);
  return text.includes('"') && !text.includes("'") && !quoted.includes("\\u") ? `'${quoted.slice(1, -1).replaceAll('\\"', '"')}'` : quoted;
}

// The call that finds the same jobs.
function asCode({ tube, state }, where) {
  const parts = [tube === null ? null : python(tube), state && `state=${python(state)}`, where && `where=${python(where)}`];
  return `session.jobs(${parts.filter(Boolean).join(", ")})`;
}

function both(where, and) {
  if (!where || !and) return where || and || "";
  return [where, and].map((part) => `(${part}${part.includes("--") ? "\n" : ""})`).join(" and ");
}

class Matching {
  constructor({ actions }, { choose, clear, act }) {
    Object.assign(this, { choose, act });
    this.element = make("section", "beanops-matching");
    this.count = make("span", "beanops-match-count", "");
    this.count.setAttribute("role", "status");
    this.chips = make("span", "beanops-chips");
    this.clear = button("beanops-button beanops-clear-all", "Clear");
    this.clear.addEventListener("click", clear);
    this.copyWhere = this.copier("Copy where", () => this.where);
    this.copyCode = this.copier("Copy code", () => this.code.textContent);
    this.code = make("code", "beanops-code", "");
    this.tools = make("span", "beanops-match-tools");
    this.buttons = actions.map((action) => this.tool(action));
    const line = make("div", "beanops-match-line");
    line.append(this.count, this.chips, this.clear);
    const second = make("div", "beanops-match-line");
    second.append(this.code, this.copyWhere, this.copyCode);
    this.element.append(line, second, this.tools);
  }

  copier(label, text) {
    const press = button("beanops-button beanops-copy", label);
    press.addEventListener("click", async () => {
      await copyText(text());
      press.textContent = "Copied";
      setTimeout(() => (press.textContent = label), 1500);
    });
    return press;
  }

  tool(action) {
    const press = button("beanops-button beanops-match-action", action.label);
    press.dataset.action = action.name;
    const typed = make("input", "beanops-typed");
    Object.assign(typed, { type: "text", spellcheck: false, hidden: true });
    const to = action.text === null ? null : make("input", "beanops-to");
    const tool = { action, press, typed, to, armed: null };
    press.addEventListener("click", () => this.press(tool));
    typed.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.press(tool);
      if (event.key === "Escape") this.disarm();
    });
    press.addEventListener("keydown", (event) => event.key === "Escape" && this.disarm());
    this.tools.append(press);
    if (to) {
      Object.assign(to, { type: "text", placeholder: action.text, spellcheck: false });
      to.setAttribute("aria-label", `${action.label}: ${action.text}`);
      to.addEventListener("input", () => this.disarm());
      this.tools.append(to);
    }
    this.tools.append(typed);
    return tool;
  }

  // `counts`: the jobs that match, by state.
  show({ matching, total, wheres, call, counts, live }) {
    this.counts = counts;
    this.live = live;
    this.where = both(call.where, wheres.map(({ where }) => where).join(" and "));
    const some = wheres.length > 0;
    this.count.textContent = some ? `${whole.format(matching)} of ${whole.format(total)} jobs` : `${whole.format(total)} jobs`;
    const chips = wheres.map(({ name, where }) => {
      const chip = make("span", "beanops-chip");
      const text = make("code", "", where);
      text.title = where;
      const close = button("beanops-facet-clear", "×");
      close.setAttribute("aria-label", `without ${where}`);
      close.addEventListener("click", () => this.choose(name, null, true));
      chip.append(text, close);
      return chip;
    });
    this.chips.replaceChildren(...chips);
    this.element.classList.toggle("beanops-some", some);
    this.element.hidden = !some; // the table says how many there are
    const code = asCode(call, this.where);
    if (code !== this.code.textContent) this.disarm();
    this.code.textContent = this.code.title = code;
    this.refresh();
  }

  number({ states }) {
    return Object.entries(this.counts).reduce((sum, [state, count]) => sum + (states.includes(state) ? count : 0), 0);
  }

  refresh() {
    for (const { action, press, to, armed } of this.buttons) {
      const count = this.number(action);
      press.disabled = !this.live || count === 0;
      if (to) to.disabled = press.disabled;
      if (!armed) press.textContent = `${action.label} ${whole.format(count)}`;
    }
  }

  needed(action, count) {
    const needed = action.confirm.findLast((step) => step.from <= count);
    return needed.kind === "nothing" ? { ...needed, kind: "yes" } : needed.kind === "number" ? { ...needed, typed: String(count) } : needed;
  }

  // What many jobs are is seen by nobody at once: every button asks first.
  press(tool) {
    const { action, press, typed, to } = tool;
    const text = to ? to.value.trim() : "";
    if (to && !text) return to.focus();
    const count = this.number(action);
    const needed = this.needed(action, count);
    if (!tool.armed) {
      this.disarm();
      press.classList.add("beanops-armed");
      press.textContent = `${action.label} ${whole.format(count)} jobs: sure?`;
      press.title = needed.warning;
      typed.hidden = !needed.typed;
      typed.value = "";
      typed.placeholder = `type ${needed.typed}`;
      typed.setAttribute("aria-label", `type ${needed.typed} to confirm`);
      if (needed.typed) typed.focus();
      tool.armed = setTimeout(() => this.disarm(), needed.typed ? 4 * CHOICE_ARMED_MS : CHOICE_ARMED_MS);
      return undefined;
    }
    const said = needed.typed ? typed.value.trim() : null;
    const right = said === null || said === needed.typed || (needed.kind === "number" && said.replaceAll(",", "") === needed.typed);
    if (!right) return typed.focus();
    this.disarm();
    return this.act({ name: action.name, count, text, typed: said });
  }

  disarm() {
    for (const tool of this.buttons) {
      if (!tool.armed) continue;
      clearTimeout(tool.armed);
      tool.armed = null;
      tool.press.classList.remove("beanops-armed");
      tool.press.title = "";
      tool.typed.hidden = true;
    }
    if (this.counts) this.refresh();
  }
}
