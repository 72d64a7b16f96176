// Whether the page around a view is light, dark or of high contrast, whoever made that page. Styles ask for
// `data-scheme`; what is drawn on a canvas is drawn again when it changes.

const QUERIES = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"];
const SETTLED_MS = 300; // style sheets come after the attributes that announce them

function parentOf(element) {
  return element.parentElement ?? element.getRootNode().host;
}

// Whether a colour in any notation is dark; null where it is transparent.
function isDark(colour) {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const [red, green, blue, opacity] = pen.getImageData(0, 0, 1, 1).data;
  return opacity < 128 ? null : 0.3 * red + 0.59 * green + 0.11 * blue < 128;
}

function isDarkAround(element) {
  const { jpThemeLight } = document.body.dataset;
  if (jpThemeLight) return jpThemeLight === "false";
  const code = /\bvscode-(light|dark|high-contrast-light|high-contrast)\b/.exec(document.body.className);
  if (code) return !code[1].endsWith("light");
  const colab = document.documentElement.getAttribute("theme");
  if (colab) return colab === "dark";
  for (let each = element; each; each = parentOf(each)) {
    const dark = isDark(getComputedStyle(each).backgroundColor);
    if (dark !== null) return dark;
  }
  const { colorScheme } = getComputedStyle(element);
  return colorScheme.includes("dark") && (!colorScheme.includes("light") || matchMedia(QUERIES[0]).matches);
}

function schemeAround(element) {
  if (!isDarkAround(element)) return "light";
  const { jpThemeName = "" } = document.body.dataset;
  const high = /high.contrast/i.test(`${jpThemeName} ${document.body.className}`);
  return high || QUERIES.slice(1).some((query) => matchMedia(query).matches) ? "contrast" : "dark";
}

class Scheme {
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    this.look = () => this.update();
    this.soon = () => {
      this.update();
      clearTimeout(this.timer);
      this.timer = setTimeout(this.look, SETTLED_MS);
    };
    this.observer = new MutationObserver(this.soon);
    [document.documentElement, document.body].forEach((element) => this.observer.observe(element, { attributes: true }));
    this.queries = QUERIES.map((query) => matchMedia(query));
    this.queries.forEach((query) => query.addEventListener("change", this.soon));
    this.soon();
  }

  update() {
    const scheme = schemeAround(this.root);
    if (scheme === this.root.dataset.scheme) return;
    this.root.dataset.scheme = scheme;
    this.changed();
  }

  close() {
    clearTimeout(this.timer);
    this.observer.disconnect();
    this.queries.forEach((query) => query.removeEventListener("change", this.soon));
  }
}
