// The root of a view: its parts, one below the other or as layout.css says. The files of the parts are loaded before.

// Says why a view stands aside, with a way back.
class Aside {
  constructor(link) {
    this.link = link;
    this.element = make("div", "beanops-aside");
    this.element.setAttribute("role", "status");
    this.text = make("span", "");
    this.resume = button("beanops-button", "Resume here");
    this.resume.addEventListener("click", () => link.send({ kind: "resume" }));
    this.element.append(this.text, this.resume);
    this.show = () => this.paint();
    listen(link.model, "change:aside", this.show);
    this.paint();
  }

  paint() {
    const why = this.link.model.get("aside");
    this.text.textContent = why ? `Not refreshed: ${why}` : "";
    this.element.hidden = !why;
  }

  close() {
    unlisten(this.link.model, "change:aside", this.show);
  }
}

// Hides the table that pages without widgets show, as long as the view is there.
function withoutTable(key) {
  const style = make("style", "", `.beanops-static-${key} { display: none; }`);
  const around = make("style", "", `.jp-OutputArea-child:has(.beanops-static-${key}) { display: none; }`);
  document.head.append(style, around);
  return () => [style, around].forEach((each) => each.remove());
}

class View {
  constructor(model, el) {
    this.link = new Link(model);
    this.root = make("div", `beanops beanops-${model.get("view")}`);
    const parts = make("div", "beanops-parts");
    const notLive = new NotLive();
    this.aside = new Aside(this.link);
    this.root.append(notLive.element, this.aside.element, parts);
    this.fade = () => this.root.classList.toggle("beanops-dead", !this.link.live);
    listen(model, "change:aside", this.fade);
    this.link.onLive((live) => {
      this.fade();
      notLive.show(live, this.link.liveness.heardAt, 1000 * model.get("snapshot")?.at);
      this.aside.resume.disabled = !live;
    });
    this.showTable = withoutTable(model.get("key"));
    el.append(this.root);
    // Or JupyterLab handles the keys in what has the focus: d d deletes the cell.
    this.root.addEventListener("focusin", ({ target }) => (target.dataset.lmSuppressShortcuts = "true"));
    this.parts = model.get("parts").map((part) => {
      const place = make("div", `beanops-part beanops-part-${part.name}`);
      parts.append(place);
      const made = new kinds[part.kind](this.link.port(part), place);
      this.link.made.set(part.name, made);
      return made;
    });
    this.scheme = new Scheme(this.root, () => this.link.schemeChanged());
    if (!this.link.live) (this.fade(), this.link.tell());
    this.link.recall();
    this.link.hello();
  }

  close() {
    this.parts.forEach((part) => part.close());
    this.aside.close();
    this.scheme.close();
    unlisten(this.link.model, "change:aside", this.fade);
    this.link.close();
    this.showTable();
    this.root.remove();
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};
