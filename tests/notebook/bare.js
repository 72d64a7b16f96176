// The front end of anywidget without JupyterLab: models whose messages go to `bare.py`, and views in their hosts.
// `beanopsSend(list)` and `beanopsTake()` are functions of the test; both return what Python has sent.

const bare = {
  models: new Map(),
  dead: "", // how the kernel is dead: "throws" refuses what is sent, the others lose it
  seq: 0,
  waiting: new Map(),

  // -- messages ----------------------------------------------------------------------------------------------------

  // Answers may overtake each other, but messages are heard in the order in which Python sent them.
  hear({ first, messages }) {
    messages.forEach((message, i) => bare.waiting.set(first + i, message));
    while (bare.waiting.has(bare.seq)) {
      const message = bare.waiting.get(bare.seq);
      bare.waiting.delete(bare.seq++);
      try {
        bare.models.get(message.model)?.hear(message);
      } catch (error) {
        reportError(error);
      }
    }
  },

  async take() {
    bare.hear(await beanopsTake());
    setTimeout(bare.take, 50);
  },

  async send(message) {
    bare.hear(await beanopsSend(message));
  },

  kill(how) {
    bare.dead = how;
    for (const model of bare.models.values()) {
      if (how === "closed") model.close();
      else if (how !== "hung") model.fire("comm_live_update");
    }
  },

  revive() {
    bare.dead = "";
    for (const model of bare.models.values()) model.fire("comm_live_update");
  },

  // -- how it looks -------------------------------------------------------------------------------------------------

  dress({ css, attributes, names }) {
    const style = document.getElementById("bare-theme") ?? document.createElement("style");
    style.id = "bare-theme";
    style.textContent = css;
    document.head.prepend(style);
    document.body.className = names;
    Object.entries(attributes).forEach(([name, value]) => document.body.setAttribute(name, value));
  },

  darken(dark) {
    for (const place of document.querySelectorAll(".bare-output")) {
      place.shadowRoot?.querySelector("div").classList.toggle("dark", dark);
    }
  },

  // -- views ---------------------------------------------------------------------------------------------------------

  async show(id, state, buffers, host, theme) {
    if (!bare.models.has(id)) bare.models.set(id, new Model(id, putBuffers(state, buffers)));
    const model = bare.models.get(id);
    const place = document.createElement("div");
    place.className = "bare-output";
    document.body.append(place);
    const [root, el] = host === "marimo" ? shadow(place, theme) : [document.head, place];
    const style = document.createElement("style");
    style.textContent = model.state._css ?? "";
    root.append(style);
    await model.view(el, place);
  },
};

function shadow(place, theme) {
  const root = place.attachShadow({ mode: "open" });
  const el = document.createElement("div");
  el.classList.toggle("dark", theme !== "light");
  root.append(el);
  return [root, el];
}

function bytes(base64) {
  return new DataView(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);
}

function base64(buffer) {
  const view = ArrayBuffer.isView(buffer) ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength) : new Uint8Array(buffer);
  let text = "";
  for (let i = 0; i < view.length; i += 8192) text += String.fromCharCode(...view.subarray(i, i + 8192));
  return btoa(text);
}

function putBuffers(state, buffers) {
  for (const [path, text] of buffers) {
    const last = path.at(-1);
    path.slice(0, -1).reduce((at, key) => at[key], state)[last] = bytes(text);
  }
  return state;
}

class Model {
  constructor(id, state) {
    this.id = id;
    this.state = state;
    this.handlers = new Map();
    this.changed = {};
    this.echoes = {}; // by trait: own changes that Python has not confirmed
    this.views = new Set();
    this.proxy = {
      get: (name) => this.state[name],
      set: (name, value) => this.set(typeof name === "object" ? name : { [name]: value }, true),
      save_changes: () => this.save(),
      send: (content, _callbacks, buffers = []) => this.send({ method: "custom", content }, buffers),
      on: (names, handler) => names.split(/\s+/).forEach((name) => this.on(name, handler)),
      off: (names, handler) => this.off(names, handler),
      widget_manager: {},
    };
    this.definition = this.load();
  }

  async load() {
    const url = URL.createObjectURL(new Blob([this.state._esm], { type: "text/javascript" }));
    const module = await import(url);
    const definition = typeof module.default === "function" ? await module.default() : module.default;
    await definition.initialize?.({ model: this.proxy, signal: new AbortController().signal });
    return definition;
  }

  async view(el, place) {
    const definition = await this.definition;
    const abort = new AbortController();
    const clean = await definition.render({ model: this.proxy, el, signal: abort.signal });
    const view = { place, end: () => (abort.abort(), clean?.(), place.remove()) };
    this.views.add(view);
  }

  on(name, handler) {
    this.handlers.set(name, [...(this.handlers.get(name) ?? []), handler]);
  }

  off(names, handler) {
    for (const name of names ? names.split(/\s+/) : [...this.handlers.keys()]) {
      this.handlers.set(name, (this.handlers.get(name) ?? []).filter((each) => handler && each !== handler));
    }
  }

  fire(name, ...values) {
    for (const handler of this.handlers.get(name) ?? []) handler(...values);
  }

  set(values, own) {
    let any = false;
    for (const [name, value] of Object.entries(values)) {
      if (JSON.stringify(this.state[name]) === JSON.stringify(value)) continue;
      any = true;
      this.state[name] = value;
      if (own) this.changed[name] = value;
      this.fire(`change:${name}`, this.proxy, value, {});
    }
    if (any) this.fire("change", this.proxy, {});
  }

  save() {
    const state = this.changed;
    this.changed = {};
    if (!Object.keys(state).length) return;
    for (const name of Object.keys(state)) this.echoes[name] = (this.echoes[name] ?? 0) + 1;
    this.send({ method: "update", state, buffer_paths: [] }, []);
  }

  send(data, buffers) {
    if (bare.dead === "throws") throw new Error("Cannot send");
    if (bare.dead) return;
    // As JupyterLab does: what is sent is a copy of this moment.
    bare.send({ model: this.id, data: JSON.parse(JSON.stringify(data)), buffers: buffers.map(base64) });
  }

  hear({ type, data, buffers }) {
    if (bare.dead) return;
    if (type === "comm_close") this.close();
    else if (data.method === "custom") this.fire("msg:custom", data.content, buffers.map(bytes));
    else if (data.method === "update" || data.method === "echo_update") {
      const state = putBuffers(data.state, data.buffer_paths.map((path, i) => [path, buffers[i]]));
      if (data.method === "echo_update") {
        for (const name of Object.keys(state)) {
          if (!this.echoes[name]) continue;
          this.echoes[name]--;
          delete state[name];
        }
      }
      this.set(state, false);
    }
  }

  close() {
    this.fire("comm:close");
    this.fire("destroy");
    for (const view of this.views) view.end();
    this.views.clear();
    bare.models.delete(this.id);
  }

  endView(place) {
    for (const view of this.views) {
      if (view.place !== place) continue;
      this.views.delete(view);
      view.end();
    }
  }
}
