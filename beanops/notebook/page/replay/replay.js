// The time of a recording: buttons, speed and a slider.

class Replay {
  constructor(port, el) {
    this.port = port;
    const row = make("div", "beanops-bar");
    const press = (text, kind) => {
      const made = button("beanops-button", text);
      made.addEventListener("click", () => port.send({ kind }));
      row.append(made);
      return made;
    };
    press("Previous problem", "previous");
    this.play = button("beanops-button", "Play");
    this.play.addEventListener("click", () => port.send({ kind: this.playing ? "pause" : "play" }));
    row.append(this.play);
    press("Next problem", "next");
    this.speed = make("select", "beanops-speed");
    this.speed.setAttribute("aria-label", "speed");
    for (const [text, value] of port.options.speeds) this.speed.append(new Option(text, value));
    this.speed.addEventListener("change", () => port.send({ kind: "speed", speed: Number(this.speed.value) }));
    this.now = make("span", "beanops-now", "");
    row.append(this.speed, this.now);
    this.slider = make("input", "beanops-slider");
    Object.assign(this.slider, { type: "range", min: 0, max: 1, step: 1 });
    this.slider.setAttribute("aria-label", "time");
    this.slider.addEventListener("pointerdown", () => (this.held = true));
    this.slider.addEventListener("change", () => {
      this.held = false;
      port.send({ kind: "jump", place: Number(this.slider.value) });
    });
    el.append(row, this.slider);
    port.on((message) => this.show(message));
    port.onLive((live) => row.querySelectorAll("button, select").forEach((control) => (control.disabled = !live)));
    port.onLive((live) => (this.slider.disabled = !live));
  }

  show({ kind, text, place, end, playing, speed }) {
    if (kind !== "time") return;
    this.playing = playing;
    this.play.textContent = playing ? "Pause" : "Play";
    const known = [...this.speed.options].some(({ value }) => Number(value) === speed);
    if (!known) this.speed.append(new Option(`${speed}×`, speed)); // one that Python set
    this.speed.value = speed;
    this.now.textContent = text;
    if (this.held) return; // the user is dragging it
    this.slider.max = end;
    this.slider.value = place;
    this.slider.setAttribute("aria-valuetext", text);
  }

  close() {}
}

kinds.replay = Replay;
