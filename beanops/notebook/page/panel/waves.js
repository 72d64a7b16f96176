// A canary: a bar over all jobs, and a card for each wave. panel.js is loaded before this file.

const WAVE_MARKS = { passed: ["✓", "ready"], failed: ["✗", "buried"], unknown: ["?", "delayed"], "": ["●", "reserved"] };

const UNTIMED = "–"; // as Python writes what is not known

function jobsOf(number) {
  return `${whole.format(number)} job${number === 1 ? "" : "s"}`;
}

class Waves extends ActionPanel {
  constructor(port, el) {
    super(port, el);
    this.strip = make("div", "beanops-all-jobs");
    this.list = make("ol", "beanops-waves");
    this.list.setAttribute("aria-label", "waves");
    this.content.append(this.strip, this.list);
    this.content.hidden = true;
    // The server is asked less often than seconds pass.
    this.ticker = setInterval(() => this.port.live && this.count(), 500);
  }

  close() {
    clearInterval(this.ticker);
    super.close();
  }

  draw(shown) {
    this.drawn = performance.now();
    this.content.hidden = !shown.total;
    this.drawStrip(shown);
    const [over, next] = [shown.waves.length, shown.next];
    const first = over ? shown.waves.at(-1).number + 1 : 1;
    this.list.replaceChildren(
      ...shown.waves.map((wave) => this.card(wave, shown)),
      ...next.map((size, i) => this.toCome(first + i, size)),
    );
    this.count();
  }

  // All jobs of the canary: what became of those that were kicked, and the others.
  drawStrip({ waves, total }) {
    const found = new Map();
    for (const { verdicts } of waves) {
      for (const { verdict, tone, jobs } of verdicts) {
        const piece = found.get(verdict) ?? { number: 0, tone, verdict };
        found.set(verdict, { ...piece, number: piece.number + jobs });
      }
    }
    const kicked = [...found.values()].map((piece) => ({ ...piece, title: `${jobsOf(piece.number)} ${piece.verdict}` }));
    const rest = Math.max(0, total - kicked.reduce((sum, { number }) => sum + number, 0));
    const all = [...kicked, { number: rest, tone: "none", verdict: "not kicked", title: `${jobsOf(rest)} not kicked` }];
    const legend = make("div", "beanops-verdicts");
    legend.append(...all.filter(({ number }) => number).map((piece) => this.verdict(piece)));
    this.strip.replaceChildren(pieces("beanops-pieces beanops-pieces-all", all), legend);
  }

  verdict({ number, tone, verdict, title, times }) {
    const shown = make("span", "beanops-verdict-of");
    const mark = make("i", "beanops-piece");
    mark.dataset.tone = tone;
    shown.append(mark, make("b", "", whole.format(number)), ` ${verdict}`);
    if (times) shown.append(make("span", "beanops-unit", ` ${times}`));
    shown.title = title;
    return shown;
  }

  card(wave, shown) {
    const item = make("li", "beanops-wave");
    const [mark, tone] = WAVE_MARKS[wave.mark];
    item.dataset.mark = wave.mark || "live";
    const head = make("div", "beanops-wave-head");
    const sign = make("span", "beanops-wave-mark", mark);
    sign.dataset.tone = tone;
    const under = wave.left !== undefined;
    const time = make("span", "beanops-wave-time", under ? "" : `watched for ${wave.seconds}`);
    head.append(sign, make("b", "", `wave ${wave.number}`), make("span", "", jobsOf(wave.jobs)), time);
    const list = wave.verdicts.map(({ verdict, tone, jobs, first, last, meaning, ids }) => {
      const times = first === last || jobs === 1 ? first : `${first} to ${last}`;
      return { number: jobs, tone, verdict, title: `${meaning}: ${ids}`, times: first === UNTIMED ? "" : times };
    });
    const verdicts = make("div", "beanops-verdicts");
    verdicts.append(...list.map((one) => this.verdict(one)));
    item.append(head, pieces("beanops-pieces", list), verdicts);
    if (wave.said) item.append(make("div", "beanops-wave-said", wave.said));
    if (under) {
      const clock = make("div", "beanops-wave-clock");
      clock.append(make("i", ""));
      item.append(clock);
      this.running = { wave, time, bar: clock.firstChild, most: shown.seconds };
    }
    return item;
  }

  toCome(number, size) {
    const item = make("li", "beanops-wave beanops-wave-next");
    const head = make("div", "beanops-wave-head");
    head.append(make("span", "beanops-wave-mark", "○"), make("b", "", `wave ${number}`), make("span", "", jobsOf(size)));
    item.append(head);
    return item;
  }

  // The seconds that are left of the wave under way.
  count() {
    const wave = this.shown?.waves.at(-1);
    if (wave?.left === undefined || !this.running) return;
    const { time, bar, most } = this.running;
    const passed = this.port.live ? (performance.now() - this.drawn) / 1000 : 0;
    const left = Math.max(0, wave.left - passed);
    time.textContent = `${whole.format(wave.decided)} of ${whole.format(wave.jobs)} decided, ${duration(left)} left`;
    bar.style.width = `${most ? (100 * left) / most : 0}%`;
  }
}

kinds.waves = Waves;
