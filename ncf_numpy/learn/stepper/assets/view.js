// The data of a page and what of it is shown: the step itself, or a variant of it.
//
// A variant, one planted bug or a later step of training, is a list of changes to the records: only
// the arrays that come out otherwise.

export class View {
  constructor(data) {
    this.data = data;
    this.changes = {};
    this.stops = data.stops;
    this.stopsOfRecords = [];
    data.stops.forEach(({ records }, stop) => records.forEach((r) => { this.stopsOfRecords[r] = stop; }));
  }

  // The bug planted (or ""), and the step of training that is looked into (or 0)
  choose(bug, step) {
    this.bug = bug;
    this.step = step;
    this.changes = this.data.bugs[bug]?.changes ?? this.data.training?.inside[step] ?? {};
  }

  array(number) {
    return this.data.arrays[number];
  }

  base(number) {
    return this.data.records[number];
  }

  record(number) {
    const base = this.base(number);
    const change = this.changes[number];
    if (!change) return base;
    const holes = { ...base.holes };
    for (const [code, hole] of Object.entries(change.holes ?? {})) holes[code] = { ...holes[code], ...hole };
    return { ...base, ...change, holes };
  }

  stopOf(record) {
    return this.stopsOfRecords[record];
  }

  firstOf(phase) {
    return this.stops.findIndex((stop) => stop.phase === phase);
  }

  // Where a click on a box leads: its stop in this phase, else its first
  stopOfBox(name, phase) {
    const mine = [...this.stops.keys()].filter((k) => this.stops[k].node === name);
    return mine.find((k) => this.stops[k].phase === phase) ?? mine[0];
  }

  // Whether a number of this box is wrong up to this stop: a bug changes it, or so it was judged
  isWrong(name, stop) {
    const wrong = this.bug ? Object.keys(this.changes)
      : [...this.data.records.keys()].filter((number) => this.base(number).verdict === "wrong");
    return wrong.some((number) => {
      const at = this.stopOf(number);
      return at <= stop && this.stops[at].node === name;
    });
  }

  // Which rows of a table an array has, if it has some
  rowsOf(letter, record, hole) {
    return hole?.rows ?? (letter === "r" ? record.rows : undefined);
  }

  // What row k of an array is whose first axis has this letter: {index, name, pair}
  rowName(letter, record, hole, k) {
    const side = record.table || (record.box.startsWith("user") ? "user" : "item");
    const rows = this.rowsOf(letter, record, hole);
    if (rows) return { index: rows[k], name: this.data.names[side][rows[k]] };
    if (letter !== "b") return { index: k };
    const [, , , user, item] = this.data.batch[k] ?? [];
    const name = record.fn === "Embedding.forward" ? (side === "user" ? user : item) : "";
    return { index: k, name, pair: [user, item].filter(Boolean).join(", ") || String(k) };
  }
}
