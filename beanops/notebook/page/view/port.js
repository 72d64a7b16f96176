// The page's side of a view: one model, shared by its parts, each of which has a port of its own.

// What a part knows of its view.
class Port {
  constructor(link, { name, options }) {
    this.link = link;
    this.name = name;
    this.options = options; // what does not change
    this.handlers = [];
    this.liveHandlers = [];
    this.schemeHandlers = [];
    this.selectedHandlers = [];
  }

  // Called with each message of this part, and with its buffers.
  on(handler) {
    this.handlers.push(handler);
  }

  // Never throws: a part paints first and sends then, and nobody may listen.
  send(message) {
    this.link.send({ ...message, part: this.name });
  }

  // What is selected: { keys, focus }. It is a synced trait, so that all pages and Python agree on it.
  get selected() {
    return unpacked(this.link.selection(this.name));
  }

  select(keys, focus) {
    this.link.select(this.name, packed(keys, focus));
  }

  // Called with a selection that Python or another page made.
  onSelected(handler) {
    this.selectedHandlers.push(handler);
  }

  // Another part of the view, by its name; it may be made after this one.
  peer(name) {
    return this.link.made.get(name);
  }

  // Asks for everything again, after a message that did not come.
  hello() {
    this.link.hello(this.name);
  }

  // Whether what the user does has an effect.
  get live() {
    return this.link.live;
  }

  onLive(handler) {
    this.liveHandlers.push(handler);
  }

  // Called when the page becomes light, dark or of high contrast: what is drawn has other colours then.
  onScheme(handler) {
    this.schemeHandlers.push(handler);
  }

  // Seconds since the last message of the view.
  age() {
    return this.link.clock.age();
  }
}

// Messages from and to Python. Says hello until Python answers, and bye at the end: a hello may be lost while a page
// reloads, and a busy kernel answers late, so each wait is twice the one before.
class Link {
  constructor(model) {
    this.model = model;
    this.liveness = new Liveness(model, () => this.send({ kind: "ping" }), (live) => this.liveChanged(live));
    this.liveHandlers = [];
    this.clock = new Clock();
    this.page = `${Date.now()}-${Math.random()}`;
    this.ports = new Map();
    this.made = new Map(); // the parts themselves, by name
    this.hear = (message, buffers) => this.receive(message, buffers);
    this.choose = () => this.selected();
    this.known = {}; // selections by part, as text
    this.leave = () => this.send({ kind: "bye", page: this.page });
    this.step = () => this.tell();
    listen(model, "msg:custom", this.hear);
    listen(model, "change:selected", this.choose);
    listen(model, "change:aside", this.step);
    window.addEventListener("pagehide", this.leave);
  }

  port(part) {
    const port = new Port(this, part);
    this.known[part.name] = JSON.stringify(this.selection(part.name));
    this.ports.set(part.name, port);
    return port;
  }

  // Some front ends throw where there is no kernel, others return a promise that fails.
  async attempt(sending) {
    try {
      await sending();
    } catch {
      this.liveness.set(false);
    }
  }

  send(message) {
    this.attempt(() => this.model.send({ ...message, clicked: this.clock.now() }));
  }

  selection(part) {
    return this.model.get("selected")?.[part];
  }

  select(part, selection) {
    this.known[part] = JSON.stringify(selection);
    this.attempt(() => {
      this.model.set("selected", { ...this.model.get("selected"), [part]: selection });
      return this.model.save_changes();
    });
  }

  selected() {
    for (const port of this.ports.values()) {
      const now = JSON.stringify(this.selection(port.name));
      if (now === this.known[port.name]) continue;
      this.known[port.name] = now;
      port.selectedHandlers.forEach((handle) => handle(port.selected));
    }
  }

  // `part`: the one that needs everything again; undefined for all of them.
  hello(part, wait = 1000) {
    const [all, waiting] = [part === undefined, this.timer !== undefined];
    if (waiting && !all && this.asked !== part) return this.hello(undefined, wait);
    this.answered();
    this.asked = part;
    this.send({ kind: "hello", page: this.page, ...(all ? {} : { part }) });
    this.timer = setTimeout(() => this.hello(part, 2 * wait), wait);
  }

  answered() {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  receive(message, buffers) {
    this.clock.hear(message.sent);
    this.liveness.heard();
    if (message.kind === "welcome") return this.answered();
    this.deliver(message.part, message, buffers);
  }

  // A view that stands aside is not live either.
  get live() {
    return this.liveness.live && !this.model.get("aside");
  }

  // Called when a kernel answers, or does no more.
  onLive(handler) {
    this.liveHandlers.push(handler);
  }

  schemeChanged() {
    for (const port of this.ports.values()) port.schemeHandlers.forEach((handle) => handle());
  }

  // Messages between may be lost: everything is sent again.
  liveChanged(live) {
    this.liveHandlers.forEach((handle) => handle(live));
    this.tell();
    if (live && this.timer === undefined) this.hello();
  }

  tell() {
    for (const port of this.ports.values()) port.liveHandlers.forEach((handle) => handle(this.live));
  }

  deliver(part, message, buffers) {
    this.ports.get(part)?.handlers.forEach((handle) => handle(message, buffers));
  }

  // Shows what the notebook file keeps, until Python answers.
  recall() {
    const { parts = {} } = this.model.get("snapshot") ?? {};
    for (const [part, messages] of Object.entries(parts)) messages.forEach((message) => this.deliver(part, message));
  }

  close() {
    this.answered();
    this.liveness.close();
    window.removeEventListener("pagehide", this.leave);
    this.leave();
    unlisten(this.model, "msg:custom", this.hear);
    unlisten(this.model, "change:selected", this.choose);
    unlisten(this.model, "change:aside", this.step);
  }
}
