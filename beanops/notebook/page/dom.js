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
