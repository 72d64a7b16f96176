// The base of parts that show one action: a title, what it is about, its buttons, its progress and its result. Text is
// only set as textContent. dom.js and toolbar.js are loaded before this file.

class ActionPanel {
  constructor(port, el) {
    this.port = port;
    this.header = new Header();
    this.content = make("div", "beanops-panel");
    this.tools = new Toolbar(port.options, this);
    const bar = make("div", "beanops-bar");
    bar.append(this.tools.element);
    [this.progress, this.status] = ["progress", "status"].map((name) => {
      const line = make("div", `beanops-${name}`);
      line.setAttribute("role", "status");
      return line;
    });
    el.append(this.header.element, this.content, bar, this.progress, this.status);
    port.on((message) => this.receive(message));
    port.onLive(() => this.enliven());
  }

  // A part's own class draws what is shown.
  draw() {}

  receive(message) {
    if (message.kind === "offer") {
      this.tools.offer(message);
      this.tools.refresh();
    } else if (message.kind === "shown") {
      this.shown = message;
      this.draw(message);
    } else if (message.kind !== "say") return;
    else if (["title", "label", "orphaned"].includes(message.line)) this.header.say(message);
    else if (this[message.line]) say(this[message.line], message);
  }

  enliven() {
    this.header.enliven(this.port.live);
    this.tools.refresh();
    if (this.shown) this.draw(this.shown);
  }

  // What the tool bar asks: its buttons act on nothing that is selected here.
  selectedKeys() {
    return [];
  }

  states() {
    return new Map();
  }

  close() {
    this.tools.disarmAll();
  }
}

// A bar whose pieces are as long as their numbers: { number, tone, title }.
function pieces(className, list) {
  const bar = make("div", className);
  bar.setAttribute("aria-hidden", "true"); // the text beside it says the same
  bar.append(
    ...list.filter(({ number }) => number > 0).map(({ number, tone, title }) => {
      const piece = make("i", "beanops-piece");
      piece.dataset.tone = tone;
      piece.style.flexGrow = number;
      piece.title = title;
      return piece;
    }),
  );
  return bar;
}
