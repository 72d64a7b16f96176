// The numbers and times beside the charts: round ticks, clock times of the reader's zone, and how long ago they were.

// Seconds between two ticks of time.
const TIME_STEPS = [
  ...[5, 10, 15, 30, 60, 120, 300, 600, 900, 1800],
  ...[3600, 7200, 10800, 21600, 43200, 86400, 172800, 345600],
];

// Round numbers from 0 to at least `most`: 3 or 4 of them above 0, fewer where only whole numbers count.
function chartTicks(most, isWhole) {
  if (!(most > 0)) return [0, 1];
  const power = 10 ** Math.floor(Math.log10(most / 4));
  const sizes = [1, 2, 2.5, 5, 10].map((size) => size * power);
  const step = sizes.find((size) => size * 4 >= most * (1 - 1e-9) && (!isWhole || Number.isInteger(size))) ?? 1;
  const number = Math.max(1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: number + 1 }, (_, place) => Number((place * step).toPrecision(12)));
}

// A number in few characters, as count() of ui/formatting.py writes it.
function compactNumber(value) {
  let [size, unit] = [value, ""];
  for (const next of "kMGTPE") {
    if (size < 999.5) break;
    [size, unit] = [size / 1000, next];
  }
  return unit ? `${Number(size.toFixed(1))}${unit}` : String(Number(size.toPrecision(3)));
}

// Jobs, or jobs per second as rate() of ui/formatting.py writes them.
function chartValue(value, isWhole) {
  if (value === null || value === undefined) return "–";
  if (isWhole || value >= 99.95) return whole.format(Math.round(value));
  return value ? value.toFixed(value >= 0.095 ? 1 : 2) : "0";
}

// The parts of a moment in the zone of the charts: the reader's own, or UTC.
function momentParts(at, isUtc) {
  const date = new Date(at * 1000);
  const of = (name) => date[`get${isUtc ? "UTC" : ""}${name}`]();
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, seconds] = [of("Hours"), of("Minutes"), of("Seconds")];
  const day = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][of("Day")];
  const month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][of("Month")];
  return {
    sinceMidnight: hours * 3600 + minutes * 60 + seconds,
    clock: `${two(hours)}:${two(minutes)}`,
    seconds: two(seconds),
    day: `${day} ${of("Date")} ${month}`,
  };
}

// The ticks between two moments: at most `most`, at round times of the day.
function timeTicks(from, to, most, isUtc) {
  const step = TIME_STEPS.find((size) => (to - from) / size <= most) ?? 604800;
  const ticks = [];
  // From a midnight of that zone on: the hours of a step would else be odd in half of the world.
  const begin = Math.ceil(from);
  const past = momentParts(begin, isUtc).sinceMidnight % Math.min(step, 86400);
  for (let at = begin + (past ? Math.min(step, 86400) - past : 0); at <= to; at += step) {
    const { sinceMidnight, clock, seconds, day } = momentParts(at, isUtc);
    const isDay = sinceMidnight === 0 && step >= 3600;
    ticks.push({ at, isDay, text: isDay ? day : step < 60 ? `${clock}:${seconds}` : clock });
  }
  return ticks;
}

// A moment in words for the reader: the time of the day, with the day where it is another one.
function momentText(at, now, isUtc) {
  const [then, today] = [momentParts(at, isUtc), momentParts(now, isUtc)];
  const time = `${then.clock}:${then.seconds}${isUtc ? " UTC" : ""}`;
  return then.day === today.day ? time : `${then.day}, ${time}`;
}
