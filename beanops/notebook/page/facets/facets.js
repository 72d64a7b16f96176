// The part that filters the table beside it: histograms and values of everything in which the jobs differ, their causes,
// and what was chosen. crossfilter.js, histograms.js, heatmap.js, groups.js and matching.js are loaded before.

// The table whose rows are filtered.
const FILTERED = "jobs";

class Facets {
  constructor(port, el) {
    this.port = port;
    this.filter = new CrossFilter();
    this.facets = new Map(); // the histogram or the list of each dimension
    this.call = port.options.call;
    this.frame = null;
    this.pending = new Map(); // choices that are not counted yet
    el.classList.add("beanops-facets");
    const choose = (name, codes, over) => this.choose(name, codes, over);
    this.strip = make("div", "beanops-strip");
    this.groups = new GroupList(choose);
    this.matching = new Matching(port.options, {
      choose,
      clear: () => this.clear(),
      act: (order) => this.act(order),
    });
    this.groups.top.prepend(this.addBox());
    this.header = new Header();
    this.ask = this.askBox(port.options.ask);
    this.element = make("div", "beanops-facets-inside");
    this.element.append(this.strip, this.groups.element, this.matching.element);
    this.element.hidden = true;
    el.append(this.header.element, this.ask, this.element);
    port.on((message, buffers) => this.receive(message, buffers));
    port.onLive(() => this.paint());
    port.onScheme(() => this.paint());
    this.resize = new ResizeObserver(() => this.filter.dims.length && this.groups.heat.paint());
    this.resize.observe(this.element);
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.resize.disconnect();
    [this.header.element, this.ask, this.element].forEach((element) => element.remove());
  }

  // The predicate of the search.
  askBox(placeholder) {
    const ask = make("input", "beanops-ask");
    Object.assign(ask, { type: "search", placeholder, spellcheck: false });
    ask.setAttribute("aria-label", placeholder);
    ask.addEventListener("keydown", (event) => event.key === "Enter" && this.port.send({ kind: "ask", text: ask.value }));
    return ask;
  }

  // A box for one more path, with what the bodies have.
  addBox() {
    const box = make("div", "beanops-add-facet");
    this.adding = make("input", "beanops-filter");
    this.known = make("datalist", "");
    this.known.id = `beanops-paths-${Math.random().toString(36).slice(2)}`;
    Object.assign(this.adding, { type: "search", placeholder: "add a path: $.customer", spellcheck: false });
    this.adding.setAttribute("list", this.known.id);
    this.adding.setAttribute("aria-label", "add a path into the bodies");
    const add = () => {
      const path = this.adding.value.trim();
      if (!path) return;
      this.adding.value = "";
      this.port.send({ kind: "path", path });
    };
    this.adding.addEventListener("keydown", (event) => event.key === "Enter" && add());
    this.adding.addEventListener("input", () => this.paths?.some(({ path }) => path === this.adding.value) && add());
    box.append(this.adding, this.known);
    return box;
  }

  // -- messages ----------------------------------------------------------------------------------------------------

  receive(message, buffers) {
    if (message.kind === "bins") this.load(message, buffers ?? []);
    else if (message.kind === "gone") this.drop(message.ids);
    else if (message.kind === "chosen") this.take(message.chosen);
    else if (message.kind === "say" && message.line === "ask") this.ask.value = message.text;
    else if (message.kind === "say") this.header.say(message);
  }

  load(message, buffers) {
    const views = [...buffers].map((one) => (one.buffer ? new Uint8Array(one.buffer, one.byteOffset, one.byteLength) : new Uint8Array(one)));
    this.at = message.at;
    this.version = message.version;
    this.call = message.call;
    this.paths = message.paths;
    this.total = message.total;
    this.cross = message.cross; // of a snapshot
    this.ids = views.length ? new Float64Array(views[0].slice().buffer) : null;
    this.places = null;
    this.filter.load(message.dims, views.slice(1), message.chosen);
    if (message.gone.length) this.filter.drop(message.gone);
    this.watch();
    this.known.replaceChildren(...message.paths.map(({ path, about }) => {
      const option = make("option", "", about);
      option.value = path;
      return option;
    }));
    this.arrange();
    this.paint(false);
    this.mask();
  }

  // The table says when rows come or go.
  watch() {
    const table = this.port.peer?.(FILTERED);
    if (!table?.onRows || this.watched) return;
    this.watched = true;
    table.onRows(() => {
      this.places = null;
      this.mask();
    });
  }

  drop(ids) {
    if (!this.ids) return;
    const gone = new Set(ids);
    this.filter.drop([...this.ids.keys()].filter((place) => gone.has(this.ids[place])));
    this.paint(false);
    this.mask();
  }

  take(chosen) {
    for (const dim of this.filter.dims) this.filter.mark(dim.name, chosen[dim.name]);
    this.filter.recount();
    this.paint(false);
    this.mask();
  }

  // -- choices -----------------------------------------------------------------------------------------------------

  // `over`: the brush has ended. What pointers report between two frames is counted once.
  choose(name, codes, over) {
    this.pending.set(name, codes);
    this.still = !over;
    this.frame ??= requestAnimationFrame(() => this.flush());
    if (over) {
      this.flush();
      this.tell();
    }
  }

  flush() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    for (const [name, codes] of this.pending) if (this.filter.dim(name)) this.filter.choose(name, codes);
    this.pending.clear();
    this.mask();
    this.paint(this.still);
  }

  clear() {
    this.pending.clear();
    for (const dim of this.filter.dims) this.filter.mark(dim.name, null);
    this.filter.recount();
    this.still = false;
    this.flush();
    this.tell();
  }

  tell() {
    this.port.send({ kind: "choose", version: this.version, chosen: Object.fromEntries(this.filter.chosen) });
  }

  act(order) {
    this.port.send({ kind: "act", version: this.version, chosen: Object.fromEntries(this.filter.chosen), ...order });
  }

  // -- the table ---------------------------------------------------------------------------------------------------

  // The place of the job of each row of the table, -1 for a row that has no bins yet. Both are in one order.
  align(rows) {
    const { ids } = this;
    const places = new Int32Array(rows.size).fill(-1);
    let [next, known] = [0, null];
    places.inOrder = rows.size === ids.length;
    for (let row = 0; row < rows.size; row++) {
      const id = Number(rows.keys[row]);
      if (ids[next] !== id) {
        known ??= new Map(Array.from(ids, (one, place) => [one, place]));
        if (!known.has(id)) {
          places.inOrder = false;
          continue;
        }
        next = known.get(id);
      }
      if (next !== row) places.inOrder = false;
      places[row] = next++;
    }
    return places;
  }

  mask() {
    const table = this.port.peer?.(FILTERED);
    if (!table?.mask || !this.ids) return;
    if (!this.filter.chosen.size) return table.mask(null);
    if (!this.places || this.places.length !== table.rows.size) this.places = this.align(table.rows);
    const { places } = this;
    const { passes } = this.filter;
    if (places.inOrder) return table.mask(passes);
    const mask = new Uint8Array(places.length);
    for (let row = 0; row < mask.length; row++) mask[row] = places[row] < 0 ? 0 : passes[places[row]];
    return table.mask(mask);
  }

  // -- the page ----------------------------------------------------------------------------------------------------

  // One histogram or list for each dimension, in the order of Python; those that stay keep the focus.
  arrange() {
    const shown = this.filter.dims.filter((dim) => dim.name !== "age" && dim.name !== "cause");
    const wanted = new Map();
    for (const dim of shown) {
      const known = this.facets.get(dim.name);
      const fits = known && (dim.kind === "range") === known instanceof BinBars;
      wanted.set(dim.name, fits ? known : this.facet(dim));
    }
    this.facets = wanted;
    const elements = [...wanted.values()].map((facet) => facet.element);
    const now = [...this.strip.children];
    const same = now.length === elements.length && elements.every((element, i) => now[i] === element);
    if (!same) this.strip.replaceChildren(...elements);
    this.strip.hidden = !elements.length;
  }

  facet(dim) {
    const choose = (codes, over) => this.choose(dim.name, codes, over);
    const made = new (dim.kind === "range" ? BinBars : ValueList)(dim.name, dim.name, choose);
    if (dim.name.startsWith("$")) {
      const drop = button("beanops-facet-drop", "hide");
      drop.title = `hide ${dim.name}`;
      drop.addEventListener("click", () => this.port.send({ kind: "drop", path: dim.name }));
      made.clear.before(drop);
    }
    return made;
  }

  paint(still = false) {
    const { filter, at } = this;
    if (!filter.dims.length && !this.total) return;
    this.element.hidden = !this.total;
    for (const dim of filter.dims) this.facets.get(dim.name)?.show(dim, filter.chosen.get(dim.name), at, filter.total);
    const [causes, times] = [filter.dim("cause"), filter.dim("age")];
    this.groups.element.hidden = !causes && !times;
    if (causes) {
      const cross = times && (filter.loaded ? filter.cross(causes, times) : this.cross);
      this.groups.show({ causes, times, cross, chosen: filter.chosen, at, total: filter.total, still });
    }
    this.matching.show({
      matching: filter.matching,
      total: filter.loaded ? filter.total : this.total,
      wheres: filter.wheres(),
      call: this.call,
      counts: this.byState(),
      live: this.port.live,
    });
  }

  // The jobs that match, by state.
  byState() {
    const states = this.filter.dim("state");
    if (!states) return { [this.call.only ?? ""]: this.filter.matching };
    if (!states.codes) return {};
    const counts = this.filter.matchingBy(states);
    return Object.fromEntries(states.keys.map((state, code) => [state, counts[code]]));
  }
}

kinds.facets = Facets;
