// The card of a server: its name, its jobs by state as tiles and a bar, and its problems as a list whose entries select
// their tubes. Text is only set as textContent.

const CARD_STATES = ["ready", "reserved", "delayed", "buried"];

class ServerCard {
  constructor(port, el) {
    this.port = port;
    this.pieces = { figures: null, lost: null, problems: null, alerts: null };
    this.card = make("section", "beanops-card");
    this.card.setAttribute("aria-label", "server");
    this.card.hidden = true;
    this.card.append(this.buildHead(), this.buildNumbers(), this.buildConcerns());
    el.append(this.card);
    port.on((message) => this.receive(message));
    port.onLive(() => {
      this.drawState();
      this.drawConcerns();
    });
  }

  close() {}

  // -- the page ----------------------------------------------------------------------------------------------------

  buildHead() {
    const head = make("header", "beanops-card-head");
    this.label = make("span", "beanops-label", "");
    this.address = make("b", "beanops-card-address", "");
    this.version = make("span", "beanops-card-version", "");
    this.flags = make("span", "beanops-card-flags");
    this.state = make("span", "beanops-card-state", "");
    this.state.setAttribute("role", "status");
    head.append(this.label, this.address, this.version, this.flags, this.state);
    return head;
  }

  buildNumbers() {
    const numbers = make("div", "beanops-card-numbers");
    const tiles = make("dl", "beanops-tiles");
    this.bar = make("div", "beanops-statebar");
    this.bar.setAttribute("aria-hidden", "true"); // the tiles say the same
    this.tiles = Object.fromEntries(
      CARD_STATES.map((state) => {
        const tile = make("div", "beanops-tile");
        tile.dataset.state = state;
        const [value, growth] = [make("span", "beanops-tile-value", ""), make("span", "beanops-tile-growth", "")];
        const shown = make("dd", "");
        shown.append(value, growth);
        tile.append(make("dt", "", state), shown);
        tiles.append(tile);
        const part = make("i", "beanops-statebar-part");
        part.dataset.state = state;
        this.bar.append(part);
        return [state, { tile, value, growth, part }];
      }),
    );
    this.facts = make("div", "beanops-card-facts");
    numbers.append(tiles, this.bar, this.facts);
    return numbers;
  }

  buildConcerns() {
    this.concerns = make("div", "beanops-concerns");
    this.verdict = make("div", "beanops-verdict", "");
    this.verdict.setAttribute("role", "status");
    this.list = make("ul", "beanops-concern-list");
    this.list.setAttribute("aria-label", "problems");
    // Nothing moves under the pointer: entries keep their place until it leaves.
    this.list.addEventListener("pointerenter", () => (this.held = true));
    this.list.addEventListener("pointerleave", () => {
      this.held = false;
      this.drawConcerns();
    });
    this.entries = new Map();
    this.concerns.append(this.verdict, this.list);
    return this.concerns;
  }

  // -- messages from Python ----------------------------------------------------------------------------------------

  receive(message) {
    if (message.kind === "say" && message.line === "label") {
      this.label.textContent = message.text;
      inTone(this.label, message.tone);
    }
    if (message.kind !== "card") return;
    this.card.hidden = false;
    Object.assign(this.pieces, message);
    if (message.about) this.drawAbout(message.about);
    if (message.figures) this.drawFigures(message.figures);
    this.drawState();
    if ("problems" in message || "alerts" in message || "lost" in message) this.drawConcerns();
  }

  drawAbout({ address, version, host, flags }) {
    this.address.textContent = address;
    this.address.title = host;
    this.release = version;
    this.flags.replaceChildren(...flags.map((flag) => make("span", "beanops-flag", flag)));
  }

  drawFigures({ jobs, growth, rates, tubes, workers, connections, cpu, uptime }) {
    this.version.textContent = [this.release, `up ${uptime}`].filter(Boolean).join(" · ");
    for (const state of CARD_STATES) {
      const { tile, value, growth: grown, part } = this.tiles[state];
      const number = jobs[state];
      value.textContent = whole.format(number);
      tile.classList.toggle("beanops-none", !number);
      const more = growth[state] ?? 0;
      grown.textContent = more ? `${more > 0 ? "▲" : "▼"} ${whole.format(Math.abs(more))}/min` : "";
      grown.title = more ? `${whole.format(Math.abs(more))} ${more > 0 ? "more" : "fewer"} per minute` : "";
      part.style.flexGrow = number;
      part.hidden = !number;
      part.title = `${whole.format(number)} ${state}`;
    }
    this.bar.classList.toggle("beanops-none", !CARD_STATES.some((state) => jobs[state]));
    const counted = (number, noun) => [whole.format(number), `${noun}${number === 1 ? "" : "s"}`];
    const facts = [
      [rates[0], "in", "jobs put per second"],
      [rates[1], "out", "jobs deleted per second"],
      [...counted(tubes, "tube"), ""],
      [...counted(workers, "worker"), connections],
      [cpu, "cpu", "share of one core that the server uses"],
    ];
    this.facts.replaceChildren(
      ...facts.filter(([value]) => value).map(([value, noun, title]) => {
        const fact = make("span", "beanops-fact");
        fact.append(make("b", "", value), ` ${noun}`);
        fact.title = title;
        return fact;
      }),
    );
  }

  drawState() {
    const { lost, figures } = this.pieces;
    this.state.textContent = lost ?? (figures && this.port.live ? "live" : "");
    this.state.dataset.tone = lost === null ? "live" : "lost";
    this.card.classList.toggle("beanops-lost", lost !== null);
  }

  // Problems and alerts, which are one list: alerts first, for somebody has asked to hear of them.
  drawConcerns() {
    const { problems, alerts } = this.pieces;
    const lines = [...(alerts?.lines ?? []), ...(problems?.lines ?? [])];
    const unknown = this.pieces.lost !== null || problems === null;
    const [critical, warning] = [problems?.critical ?? 0, problems?.warning ?? 0];
    const words = [
      alerts?.number ? `${alerts.number} alert${alerts.number === 1 ? "" : "s"}` : "",
      critical && !unknown ? `✖ ${whole.format(critical)} critical` : "",
      warning && !unknown ? `▲ ${whole.format(warning)} warning${warning === 1 ? "" : "s"}` : "",
      unknown ? "not known: the server does not answer" : "",
      alerts?.note ?? "",
    ].filter(Boolean);
    this.verdict.textContent = words.join(" · ") || "✓ no problems";
    this.verdict.dataset.tone = unknown ? "zero" : critical ? "buried" : warning || lines.length ? "delayed" : "ready";
    const keys = lines.map(({ place, title }) => `${title} ${place}`);
    for (const [key, entry] of this.entries) {
      const gone = !keys.includes(key);
      entry.item.classList.toggle("beanops-gone", gone);
      if (!gone || this.held) continue;
      entry.item.remove();
      this.entries.delete(key);
    }
    lines.forEach((line, i) => {
      const known = this.entries.get(keys[i]);
      const entry = known ?? this.entry(keys[i]);
      this.fill(entry, line);
      if (!(known && this.held) && this.list.children[i] !== entry.item) {
        this.held ? this.list.append(entry.item) : this.list.insertBefore(entry.item, this.list.children[i] ?? null);
      }
    });
    const more = critical + warning - (problems?.lines.length ?? 0);
    this.rest ??= make("li", "beanops-concern-rest", "");
    if (more > 0) {
      this.rest.textContent = `and ${whole.format(more)} more: session.problems() lists them`;
      this.list.append(this.rest);
    } else this.rest.remove();
    this.list.hidden = !this.list.children.length;
  }

  entry(key) {
    const item = make("li", "");
    const press = button("beanops-concern");
    const [mark, place, title, reason, since] = ["mark", "place", "title", "reason", "since"].map((name) =>
      make("span", `beanops-concern-${name}`, ""),
    );
    mark.setAttribute("aria-hidden", "true");
    press.append(mark, place, title, reason, since);
    item.append(press);
    const entry = { item, press, mark, place, title, reason, since, tubes: [] };
    press.addEventListener("click", () => this.port.send({ kind: "tubes", tubes: entry.tubes }));
    this.entries.set(key, entry);
    return entry;
  }

  fill(entry, line) {
    entry.tubes = line.tubes;
    for (const name of ["mark", "place", "title", "reason", "since"]) {
      if (entry[name].textContent !== line[name]) entry[name].textContent = line[name];
    }
    entry.press.dataset.tone = line.tone;
    entry.press.disabled = !line.tubes.length || !this.port.live;
    const selects = line.tubes.length === 1 ? `select tube ${line.tubes[0]}` : `select ${line.tubes.length} tubes`;
    entry.press.title = `${line.title}, ${line.place}: ${line.reason}${line.tubes.length ? `\nclick: ${selects}` : ""}`;
  }
}

kinds.card = ServerCard;
