// What the table and the chart both need of the page.

function make(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

// What Python says of a line; text only ever becomes textContent.
function say(line, { text, tone }) {
  line.textContent = text;
  line.dataset.tone = tone;
}

// Says hello until Python answers, and bye at the end. A hello can be lost while a page is loaded anew; a busy kernel
// answers late, so each wait is twice the one before.
class Greeting {
  constructor(model) {
    this.model = model;
    this.page = `${Date.now()}-${Math.random()}`;
    this.leave = () => this.model.send({ kind: "bye", page: this.page });
    window.addEventListener("pagehide", this.leave);
  }

  hello(wait = 1000) {
    this.answered();
    this.model.send({ kind: "hello", page: this.page });
    this.timer = setTimeout(() => this.hello(2 * wait), wait);
  }

  answered() {
    clearTimeout(this.timer);
  }

  bye() {
    this.answered();
    window.removeEventListener("pagehide", this.leave);
    this.leave();
  }
}
