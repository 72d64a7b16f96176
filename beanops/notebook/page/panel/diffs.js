// An edit: how many jobs it changes, and the first of them before and after. panel.js is loaded before this file.

const DIFF_OPEN = 4;
const DIFF_TONES = { "+": "ready", "-": "buried", "@": "reserved" };

class Diffs extends ActionPanel {
  constructor(port, el) {
    super(port, el);
    this.content.hidden = true;
    this.counts = make("div", "beanops-all-jobs");
    this.reasons = make("ul", "beanops-reasons");
    this.reasons.setAttribute("aria-label", "why not");
    this.list = make("div", "beanops-diffs");
    this.more = make("div", "beanops-wave-said", "");
    this.content.append(this.counts, this.reasons);
    el.append(this.list, this.more); // below the buttons, for it may be long
  }

  draw({ phase, counts, reasons, jobs, more }) {
    this.content.hidden = !counts.length;
    const known = counts.map(([word, number, tone]) => ({ number, tone, title: `${whole.format(number)} ${word}`, word }));
    const words = make("div", "beanops-verdicts");
    words.append(
      ...known.filter(({ number }, i) => number || !i).map(({ number, tone, word }) => {
        const shown = make("span", "beanops-verdict-of");
        const mark = make("i", "beanops-piece");
        mark.dataset.tone = tone;
        shown.append(mark, make("b", "", whole.format(number)), ` ${word}`);
        return shown;
      }),
    );
    this.counts.replaceChildren(pieces("beanops-pieces beanops-pieces-all", known), words);
    this.reasons.hidden = !reasons.length;
    this.reasons.replaceChildren(
      ...reasons.map(([why, times, first]) => {
        const item = make("li", "");
        item.append(make("b", "", whole.format(times)), ` ${why}`, make("span", "beanops-unit", ` first ${first}`));
        return item;
      }),
    );
    // Once for each look: what the user has opened stays open.
    const text = JSON.stringify([jobs, more]);
    if (text === this.drawnJobs) return;
    this.drawnJobs = text;
    this.list.replaceChildren(...jobs.map((job, i) => this.job(job, i < DIFF_OPEN)));
    this.more.textContent = more > 0 ? `and ${whole.format(more)} more job${more === 1 ? "" : "s"}` : "";
    this.more.hidden = more <= 0;
  }

  job({ id, where, changes, kicked, lines, more }, open) {
    const item = make("details", "beanops-diff");
    item.open = open;
    const head = make("summary", "");
    head.append(make("b", "", `job ${id}`), make("span", "beanops-unit", ` ${where}`));
    for (const change of kicked ? [...changes, "kicked"] : changes) head.append(make("span", "beanops-change", change));
    const text = make("pre", "beanops-diff-lines");
    text.tabIndex = 0;
    text.setAttribute("aria-label", `difference of job ${id}`);
    text.append(
      ...lines.map((line) => {
        const row = make("span", "beanops-diff-line", `${line}\n`);
        if (DIFF_TONES[line[0]]) row.dataset.tone = DIFF_TONES[line[0]];
        if ("+-".includes(line[0])) row.classList.add(line[0] === "+" ? "beanops-diff-new" : "beanops-diff-old");
        return row;
      }),
    );
    if (more > 0) text.append(make("span", "beanops-diff-line beanops-wave-said", `and ${whole.format(more)} more lines`));
    item.append(head, lines.length ? text : make("div", "beanops-wave-said", "the body stays as it is"));
    return item;
  }
}

kinds.diffs = Diffs;
