// A selection as the synced trait has it: a list of keys, or a text where those are many numbers; selection.py writes
// and reads the same.

const MOST_KEYS = 1000;

function packed(keys, focus) {
  if (keys.length <= MOST_KEYS || !keys.every((key) => /^(0|[1-9]\d*)$/.test(key))) return { keys, focus };
  // Numbers are fifty times as fast, and exact up to 15 digits.
  const exact = keys.every((key) => key.length < 16);
  const one = exact ? 1 : 1n;
  const ids = (exact ? Float64Array.from(keys, Number) : BigUint64Array.from(keys, BigInt)).sort();
  const runs = [];
  let end = -one;
  for (const id of ids) {
    if (runs.length && id === end + one) runs.at(-1)[1]++;
    else runs.push([id - end, 1]);
    end = id;
  }
  return { ids: runs.map(([gap, length]) => (length === 1 ? `${gap}` : `${gap}:${length}`)).join(" "), focus };
}

function unpacked({ keys = [], ids, focus = null } = {}) {
  if (ids === undefined) return { keys, focus };
  const found = [];
  let end = -1n;
  for (const run of ids.split(" ")) {
    const [gap, length = "1"] = run.split(":");
    end += BigInt(gap);
    found.push(String(end));
    for (let more = Number(length) - 1; more > 0; more--) found.push(String(++end));
  }
  return { keys: found, focus };
}
