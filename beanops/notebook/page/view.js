// The root of a view: its parts, one below the other or as layout.css says. The files of the parts are loaded before.

class View {
  constructor(model, el) {
    this.link = new Link(model);
    this.root = make("div", `beanops beanops-${model.get("view")}`);
    const parts = make("div", "beanops-parts");
    const notLive = new NotLive();
    this.root.append(notLive.element, parts);
    this.link.onLive((live) => {
      this.root.classList.toggle("beanops-dead", !live);
      notLive.show(live, this.link.liveness.heardAt, 1000 * model.get("snapshot")?.at);
    });
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
    this.link.hello();
  }

  close() {
    this.parts.forEach((part) => part.close());
    this.link.close();
    this.root.remove();
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};
