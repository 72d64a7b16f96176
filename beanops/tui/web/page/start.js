// textual.js starts when the page is loaded; the letters must be there then, because the terminal measures them.
"use strict";

(() => {
  const start = window.onload;
  window.onload = async (event) => {
    const touch = window.beanops.prepare();
    await Promise.race([
      Promise.all(["16px", "bold 16px"].map((font) => document.fonts.load(`${font} "Roboto Mono"`))),
      new Promise((resolve) => setTimeout(resolve, 5000)),
    ]).catch(() => {});
    start(event);
    if (touch) window.beanops.raise(false);
  };
})();
