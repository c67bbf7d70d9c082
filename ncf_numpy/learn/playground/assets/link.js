// The state in the address: what is set and what is edited, behind the #, which no server sees.

export function read() {
  const found = location.hash.match(/[#&]state=([\w-]+)/);
  if (!found) return null;
  try {
    const bytes = Uint8Array.from(atob(found[1].replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    const { step, edits } = JSON.parse(new TextDecoder().decode(bytes));
    const texts = Object.entries(edits ?? {}).filter(([, text]) => typeof text === "string");
    return { step: step ?? {}, edits: Object.fromEntries(texts) };
  } catch {
    return null;
  }
}

export function write(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const text = btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const empty = !Object.keys(state.step).length && !Object.keys(state.edits).length;
  history.replaceState(null, "", empty ? location.pathname + location.search : `#state=${text}`);
}

// Code that was run in this tab may run again when the page is loaded again; any other waits
const RUN_HERE = "code-run-here";

export function remember(edits) {
  sessionStorage.setItem(RUN_HERE, JSON.stringify(edits));
}

export function isMine(edits) {
  return !Object.keys(edits).length || sessionStorage.getItem(RUN_HERE) === JSON.stringify(edits);
}
