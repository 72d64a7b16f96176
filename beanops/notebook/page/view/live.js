// Whether a kernel answers a view, and the line above a view that none answers. dom.js is loaded before this file.

const ANSWER_MS = 2000; // an answer that takes longer does not come
const SILENT_MS = 5000; // Python speaks more often than that, even while a cell runs

// Handlers of events that not every front end has; some throw for those that they do not know.
function listen(model, event, handler) {
  try {
    model.on(event, handler);
  } catch {
    // what never happens needs no handler
  }
}

function unlisten(model, event, handler) {
  try {
    model.off(event, handler);
  } catch {
    // it was never there
  }
}

// Asks Python for a sign of life when it has been silent, when the front end reports a change, and when the user comes
// back to the page.
class Liveness {
  constructor(model, ping, changed) {
    this.model = model;
    this.ping = ping;
    this.changed = changed;
    this.live = true;
    this.heardAt = null; // milliseconds since 1970
    this.ask = () => this.doubt();
    this.lost = () => this.set(false);
    this.back = () => document.visibilityState === "visible" && !this.live && this.doubt();
    listen(model, "comm_live_update", this.ask);
    listen(model, "comm:close", this.lost);
    document.addEventListener("visibilitychange", this.back);
    window.addEventListener("online", this.back);
    this.wait();
  }

  // Expects an answer to what has been sent.
  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.lost, ANSWER_MS);
  }

  doubt() {
    this.wait();
    this.ping();
  }

  heard() {
    this.heardAt = Date.now();
    clearTimeout(this.timer);
    this.timer = setTimeout(this.ask, SILENT_MS);
    this.set(true);
  }

  set(live) {
    if (!live) clearTimeout(this.timer);
    if (live === this.live) return;
    this.live = live;
    this.changed(live);
  }

  close() {
    clearTimeout(this.timer);
    unlisten(this.model, "comm_live_update", this.ask);
    unlisten(this.model, "comm:close", this.lost);
    document.removeEventListener("visibilitychange", this.back);
    window.removeEventListener("online", this.back);
  }
}

// A moment as the tables write times: UTC, the day only where it is another one.
function moment(ms) {
  const [day, time] = new Date(ms).toISOString().split("T");
  const today = new Date().toISOString().startsWith(day);
  return `${today ? "" : `${day} `}${time.slice(0, 5)} UTC`;
}

// The line above a view without a kernel: what is shown below, and what to do.
class NotLive {
  constructor() {
    this.element = make("div", "beanops-notlive");
    this.element.setAttribute("role", "status");
    this.mark = make("b", "", "not live");
    this.text = make("span", "");
    this.element.append(this.mark, this.text);
    this.element.hidden = true;
  }

  // `heard`: when Python was heard last; null for a page that only knows what the notebook file keeps.
  show(live, heard, saved) {
    this.element.hidden = live;
    if (live) return;
    const at = heard ?? saved;
    const since = at ? ` as of ${moment(at)}` : " nothing is saved";
    const advice = heard ? "the kernel does not answer; run the cell again, or reload the page" : "run the cell to make it live";
    this.text.textContent = `${since} · ${advice}`;
    this.element.title = at ? new Date(at).toLocaleString() : "";
  }
}
