// A button that opens a panel of choices: arrow keys move, Escape and a click elsewhere close it.

class Menu {
  // `fill` puts the choices into the panel, each time that it opens.
  constructor(label, fill) {
    this.fill = fill;
    this.element = make("div", "beanops-menu");
    this.opener = button("beanops-button beanops-opener", label);
    this.opener.setAttribute("aria-haspopup", "true");
    this.opener.addEventListener("click", () => (this.panel.hidden ? this.open() : this.close()));
    this.panel = make("div", "beanops-choices");
    this.panel.tabIndex = -1; // or a click between two choices would count as one elsewhere
    this.panel.setAttribute("role", "group");
    this.panel.setAttribute("aria-label", label);
    this.element.append(this.opener, this.panel);
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      if (!this.element.contains(relatedTarget)) this.close(false);
    });
    this.close(false);
  }

  open() {
    this.panel.replaceChildren();
    this.fill(this.panel);
    this.panel.hidden = false;
    this.opener.setAttribute("aria-expanded", "true");
    // It opens to the side where there is room.
    const place = this.element.getBoundingClientRect();
    const view = this.element.closest(".beanops").getBoundingClientRect();
    this.panel.classList.toggle("beanops-leftwards", place.left - view.left > view.width / 2);
    (this.choices()[0] ?? this.panel).focus();
  }

  // Shows the choices as they are now, and leaves the focus where it is.
  refill() {
    if (this.panel.hidden) return;
    const at = this.choices().indexOf(this.element.getRootNode().activeElement);
    this.panel.replaceChildren();
    this.fill(this.panel);
    this.choices()[Math.max(0, at)]?.focus();
  }

  close(back = true) {
    this.panel.hidden = true;
    this.opener.setAttribute("aria-expanded", "false");
    if (back) this.opener.focus();
  }

  choices() {
    return [...this.panel.querySelectorAll("button:enabled, input:enabled")];
  }

  key(event) {
    if (event.key === "Escape" && !this.panel.hidden) this.close();
    else if (event.key === "ArrowDown" && this.panel.hidden) this.open();
    else if (["ArrowDown", "ArrowUp"].includes(event.key)) {
      const choices = this.choices();
      const at = choices.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1);
      choices[(at + choices.length) % choices.length]?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // A choice: its text, a note beside it, and whether it is chosen; undefined for one that does something.
  choice(text, note, chosen, act) {
    const press = button("beanops-choice", "");
    press.append(make("span", "beanops-choice-name", text), make("span", "beanops-note", note));
    if (chosen === undefined) press.setAttribute("role", "menuitem");
    else {
      press.setAttribute("role", "menuitemcheckbox");
      press.setAttribute("aria-checked", chosen);
    }
    press.addEventListener("click", () => act(press));
    return press;
  }
}
