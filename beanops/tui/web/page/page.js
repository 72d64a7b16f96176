// What stands between the terminal of textual.js and this page. It has to run before textual.js, which makes the
// websocket and opens windows.
"use strict";

window.beanops = (() => {
  const KEYS = { escape: "\x1b", up: "\x1b[A", down: "\x1b[B", enter: "\r", tab: "\t", space: " ", actions: "\x10" };
  const SMALLEST = 7, LARGEST = 32, USUAL = 16;
  // A phone shows about so many columns; smaller letters could not be read.
  const COLUMNS = 60, READABLE = 10;
  const Socket = window.WebSocket;
  let socket = null, size = null, opened = false, over = false, why = "";

  const byId = (id) => document.getElementById(id);
  const area = () => document.querySelector("#terminal textarea");
  const send = (...message) => {
    if (socket !== null && socket.readyState === Socket.OPEN) socket.send(JSON.stringify(message));
  };

  // -- the connection ---------------------------------------------------------------------------------------------

  window.WebSocket = class extends Socket {
    constructor(url) {
      const { base, ticket } = document.body.dataset;
      const at = new URL(`${base}/ws`, location.href);
      at.protocol = location.protocol === "https:" ? "wss:" : "ws:";
      at.search = new URL(url, location.href).search;
      if (ticket) at.searchParams.set("ticket", ticket);
      super(at.href);
      socket = this;
      this.addEventListener("open", () => {
        opened = true;
        setTimeout(focus, 0);
      });
      this.addEventListener("message", heard);
      this.addEventListener("close", end);
    }

    send(data) {
      if (this.readyState !== Socket.OPEN) return;
      const [kind, value] = JSON.parse(data);
      if (kind === "resize") size = value;
      super.send(data);
    }
  };

  function heard(event) {
    if (typeof event.data !== "string") {
      byId("starting").hidden = true;
      return;
    }
    const [kind, value] = JSON.parse(event.data);
    if (kind === "ended") why = value;
  }

  function end(event) {
    if (over) return;
    over = true;
    if (!why && event.code === 1008) why = "The page sent something that the server does not understand.";
    if (!why) why = opened ? "The connection was lost." : "No connection: the server is full, or it has been stopped.";
    byId("why").textContent = why;
    byId("starting").hidden = true;
    byId("ended").hidden = false;
    byId("again").focus();
  }

  // Files of the dashboard are downloads of this page; nothing leads to another site.
  window.open = (url) => {
    const at = url ? new URL(url, location.href) : null;
    if (at !== null && at.origin === location.origin && at.pathname.startsWith("/download/")) {
      const link = document.createElement("a");
      link.href = document.body.dataset.base + at.pathname;
      link.download = "";
      link.click();
    }
    return null;
  };

  // -- the keyboard -----------------------------------------------------------------------------------------------

  function focus() {
    const text = area();
    if (text !== null && !over) text.focus({ preventScroll: true });
  }

  // A tap on the terminal must not raise the keyboard of a phone, which hides half of it.
  function raise(on) {
    byId("keyboard").setAttribute("aria-pressed", String(on));
    area().inputMode = on ? "text" : "none";
    area().blur();
    focus();
  }

  // -- touch ------------------------------------------------------------------------------------------------------

  function cell(touch) {
    const screen = document.querySelector("#terminal .xterm-screen").getBoundingClientRect();
    const at = (value, from, length, count) => Math.max(1, Math.min(count, 1 + Math.floor(((value - from) / length) * count)));
    return [
      at(touch.clientX, screen.left, screen.width, size.width),
      at(touch.clientY, screen.top, screen.height, size.height),
      screen.height / size.height,
    ];
  }

  // A finger that moves turns the wheel.
  function swipes(terminal) {
    let from = null;
    terminal.addEventListener("touchstart", (event) => {
      from = event.touches.length === 1 ? event.touches[0].clientY : null;
    }, { passive: true });
    terminal.addEventListener("touchmove", (event) => {
      if (from === null || size === null || event.touches.length !== 1) return;
      event.preventDefault();
      const [x, y, height] = cell(event.touches[0]);
      const lines = Math.trunc((from - event.touches[0].clientY) / height);
      if (lines === 0) return;
      from -= lines * height;
      send("stdin", `\x1b[<${lines > 0 ? 65 : 64};${x};${y}M`.repeat(Math.min(10, Math.abs(lines))));
    }, { passive: false });
  }

  // -- the size of letters ----------------------------------------------------------------------------------------

  function fitting() {
    const chosen = Number(new URLSearchParams(location.search).get("fontsize")) || Number(stored("fontsize"));
    if (chosen) return Math.max(SMALLEST, Math.min(LARGEST, Math.round(chosen)));
    return Math.max(READABLE, Math.min(USUAL, Math.floor(window.innerWidth / COLUMNS / 0.6)));
  }

  function stored(name) {
    try {
      return localStorage.getItem(`beanops.${name}`);
    } catch {
      return null;
    }
  }

  function resizeLetters(by) {
    try {
      localStorage.setItem("beanops.fontsize", String(Math.max(SMALLEST, Math.min(LARGEST, fitting() + by))));
    } catch {
      return;
    }
    restart();
  }

  function restart() {
    location.replace(location.pathname);
  }

  // -- the start --------------------------------------------------------------------------------------------------

  function prepare() {
    const terminal = byId("terminal");
    terminal.dataset.sessionWebsocketUrl = location.href;
    terminal.dataset.fontSize = String(fitting());
    const touch = matchMedia("(pointer: coarse), (max-width: 700px)").matches;
    document.body.classList.toggle("touch", touch);
    byId("again").addEventListener("click", restart);
    byId("smaller").addEventListener("click", () => resizeLetters(-1));
    byId("larger").addEventListener("click", () => resizeLetters(1));
    byId("keyboard").addEventListener("click", () => raise(byId("keyboard").getAttribute("aria-pressed") !== "true"));
    for (const button of document.querySelectorAll("#touch button")) {
      // The terminal keeps the keyboard.
      button.addEventListener("mousedown", (event) => event.preventDefault());
      const keys = button.dataset.keys;
      if (keys) button.addEventListener("click", () => send("stdin", KEYS[keys] ?? keys));
    }
    swipes(terminal);
    new ResizeObserver(() => window.dispatchEvent(new Event("resize"))).observe(terminal);
    window.addEventListener("focus", focus);
    return touch;
  }

  return { prepare, raise };
})();
