// Arrays as the data has them: {s: shape, v: all entries in one list}.

// Rows and columns of the table that shows it
export function sizes({ s }) {
  return s.length === 2 ? s : [s[0] ?? 1, 1];
}

export function flatten(index, shape) {
  return index.reduce((flat, k, axis) => flat * shape[axis] + k, 0);
}

export function unravel(flat, shape) {
  const index = [];
  for (const n of [...shape].reverse()) {
    index.unshift(flat % n);
    flat = Math.floor(flat / n);
  }
  return index;
}

export function at(packed, index) {
  return packed.v[flatten(index, packed.s)];
}

export function largest(packed) {
  return packed.v.reduce((most, x) => Math.max(most, Math.abs(x ?? 0)), 0) || 1;
}
