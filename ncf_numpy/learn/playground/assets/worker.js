// Python in the browser: Pyodide with NumPy and this package, each file checked by its hash.
//
// It takes requests and gives replies as JSON texts. manifest.json says what there is to load:
// {"pyodide": address, "files": {name: {"bytes": n, "sha256": base64}}, "package": name of the wheel}.

const MOST_MEMORY = 1 << 30; // bytes: a loop that fills a list must not take the whole machine

let loaded = 0;
let total = 0;

// Memory is asked for in pages of 64 KB
const { grow } = WebAssembly.Memory.prototype;
WebAssembly.Memory.prototype.grow = function (pages) {
  if (this.buffer.byteLength + pages * 65536 > MOST_MEMORY) throw new RangeError("out of memory");
  return grow.call(this, pages);
};

function progress(bytes) {
  loaded += bytes;
  postMessage({ progress: { loaded, total } });
}

// A file whose hash the browser compares with the manifest's, counted as it comes
async function load(manifest, name) {
  const { sha256 } = manifest.files[name];
  const response = await nativeFetch(addressOf(manifest, name), { integrity: `sha256-${sha256}` });
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  const bytes = await response.arrayBuffer();
  progress(bytes.byteLength);
  return bytes;
}

const nativeFetch = self.fetch.bind(self);

function addressOf(manifest, name) {
  const folder = name === manifest.package ? "./" : manifest.pyodide;
  return new URL(name, new URL(folder, location.href)).href;
}

// Scripts become modules only after their hash was compared: an import of their address checks none
function moduleOf(bytes) {
  return URL.createObjectURL(new Blob([bytes], { type: "text/javascript" }));
}

async function start() {
  const manifest = await (await nativeFetch("manifest.json")).json();
  total = Object.values(manifest.files).reduce((sum, { bytes }) => sum + bytes, 0);
  progress(0);
  const files = Object.fromEntries(await Promise.all(
    Object.keys(manifest.files).map(async (name) => [name, await load(manifest, name)]),
  ));
  const types = { ".wasm": "application/wasm", ".js": "text/javascript", ".zip": "application/zip" };
  // what Pyodide asks for by itself has been fetched already; anything else it may not have
  self.fetch = async (request) => {
    const name = new URL(request.url ?? request, location.href).pathname.split("/").pop();
    if (!(name in files)) throw new Error(`${name} is not among the files of the playground`);
    const type = types[name.slice(name.lastIndexOf("."))] ?? "application/octet-stream";
    return new Response(files[name], { headers: { "Content-Type": type } });
  };
  const { loadPyodide } = await import(moduleOf(files["pyodide.mjs"]));
  await import(moduleOf(files["pyodide.asm.js"]));
  const python = await loadPyodide({
    indexURL: new URL("./", addressOf(manifest, "pyodide.mjs")).href,
    lockFileContents: JSON.stringify({ info: manifest.info, packages: {} }),
    packageBaseUrl: location.href,
    stdout: () => {},
    stderr: () => {},
  });
  const folder = python.runPython("import site; site.getsitepackages()[0]");
  for (const name of [manifest.numpy, manifest.package]) {
    python.unpackArchive(files[name], "wheel", { extractDir: folder });
  }
  const answer = python.runPython(`
import json
from ncf_numpy.learn.playground.answer import answer
answer({})
lambda text: json.dumps(answer(json.loads(text)), allow_nan=False)
`);
  postMessage({ ready: true });
  self.onmessage = ({ data }) => postMessage(answer(data));
}

start().catch((reason) => postMessage({ failed: String(reason.message ?? reason) }));
