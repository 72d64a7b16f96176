// Filters jobs by all of their bins at once. Python sends the bin of each job as one byte; what remains after a choice
// is counted here, so that a brush repaints while it is drawn. Nothing here touches the page.

const GONE = 2 ** 30; // the bit of a job that is no longer there; the others are those of the dimensions

// The predicate of chosen bins, as RangeBins.where and ValueBins.where of Python compose it.
function whereOf(dim, codes) {
  if (dim.kind === "range") {
    const [low, high] = [Math.min(...codes), Math.max(...codes)];
    if (low === high && dim.single.length) return dim.single[low];
    return [dim.above[low], dim.below[high]].filter(Boolean).join(" and ") || "true";
  }
  const any = (some) => {
    const literals = some.map((code) => dim.literals[code]).filter((literal) => literal !== null);
    const parts = some.filter((code) => dim.literals[code] === null).map((code) => dim.wheres[code]);
    if (literals.length) parts.unshift(`${dim.operand} ${literals[1] ? `in (${literals.join(", ")})` : `= ${literals[0]}`}`);
    return parts.length === 1 ? parts[0] : `(${parts.join(" or ")})`;
  };
  if (dim.size <= 2 || codes.length <= dim.size / 2) return any([...codes].sort((a, b) => a - b));
  const chosen = new Set(codes);
  const rest = [...Array(dim.size).keys()].filter((code) => !chosen.has(code));
  return rest.length ? `(${any(rest)}) is not true` : "true";
}

class CrossFilter {
  constructor() {
    this.dims = []; // { name, kind, codes, size, counts, now, bit, ... }
    this.chosen = new Map(); // codes by name
    this.length = 0;
    this.total = 0; // jobs that are there
    this.matching = 0;
  }

  get loaded() {
    return this.length > 0;
  }

  dim(name) {
    return this.dims.find((dim) => dim.name === name);
  }

  // Takes the dimensions with the codes of all jobs; without codes there are only the counts.
  load(dims, codes, chosen) {
    this.length = codes.length ? codes[0].length : 0;
    this.fails = new Uint32Array(this.length); // a bit for each dimension that hides the job
    this.passes = new Uint8Array(this.length); // whether none does
    this.dims = dims.map((dim, i) => {
      const size = dim.counts.length;
      return { ...dim, size, codes: codes[i], now: Uint32Array.from(dim.counts), bit: 2 ** i, allowed: new Uint8Array(256).fill(1) };
    });
    this.total = this.length;
    this.chosen = new Map();
    for (const [name, some] of Object.entries(chosen)) if (this.dim(name)) this.mark(name, some);
    this.recount();
  }

  // A job that went is counted no more.
  drop(places) {
    for (const place of places) if (place < this.length && !(this.fails[place] & GONE)) {
      this.fails[place] |= GONE;
      this.total--;
      for (const dim of this.dims) if (dim.codes[place] < dim.size) dim.counts[dim.codes[place]]--;
    }
    this.recount();
  }

  // Chooses bins of one dimension; null or none chooses all. Its own counts stay: they are of all that others let through.
  choose(name, codes) {
    this.mark(name, codes);
    this.recount(this.dim(name));
  }

  mark(name, codes) {
    const dim = this.dim(name);
    const all = !codes?.length;
    if (all) this.chosen.delete(name);
    else this.chosen.set(name, codes);
    dim.allowed.fill(all ? 1 : 0);
    if (!all) for (const code of codes) dim.allowed[code] = 1;
    const { fails, length } = this;
    const { bit, allowed, codes: of } = dim;
    for (let i = 0; i < length; i++) fails[i] = allowed[of[i]] ? fails[i] & ~bit : fails[i] | bit;
  }

  // Counts what each dimension has among the jobs that all others let through, one dimension after the other: a simple
  // loop over bytes is faster than one that looks at all of them for each job.
  recount(except) {
    const { fails, length, passes } = this;
    if (!length) return;
    let matching = 0;
    for (let i = 0; i < length; i++) matching += passes[i] = fails[i] === 0 ? 1 : 0;
    this.matching = matching;
    for (const dim of this.dims) if (dim !== except) dim.now = this.counted(dim, ~dim.bit).subarray(0, dim.size);
  }

  counted({ codes }, seen) {
    const counts = new Uint32Array(256);
    const { fails, length } = this;
    for (let i = 0; i < length; i++) if ((fails[i] & seen) === 0) counts[codes[i]]++;
    return counts;
  }

  // Counts pairs of bins of two dimensions, whatever is chosen of these two.
  cross(one, other) {
    const counts = new Uint32Array(one.size * other.size);
    const seen = ~(one.bit | other.bit);
    const { fails, length } = this;
    const { codes: first, size: rows } = one;
    const { codes: second, size: columns } = other;
    for (let i = 0; i < length; i++) {
      if ((fails[i] & seen) !== 0) continue;
      const a = first[i];
      const b = second[i];
      if (a < rows && b < columns) counts[a * columns + b]++;
    }
    return counts;
  }

  // For each code of a dimension the jobs that match everything that is chosen.
  matchingBy(dim) {
    return this.counted(dim, -1);
  }

  // The predicate of each choice.
  wheres() {
    return [...this.chosen].map(([name, codes]) => ({ name, where: whereOf(this.dim(name), codes) }));
  }
}
