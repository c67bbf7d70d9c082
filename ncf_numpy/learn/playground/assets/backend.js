// Where requests go: to the server on this machine, or to a worker that has Python in it.
//
//   const backend = await connect(onProgress);     // resolves when a request can be made
//   const reply = await backend.ask({want: "trace", ...});
//   backend.stop();                                // ends what is running; its reply says so
//
// onProgress({loaded, total}) while there is something to load, {ready: true} after a new start.

const STOPPED = { function: null, line: null, message: "stopped, as you asked" };
const STALLED = 90_000; // milliseconds without news: loading may hang without an error
const SECONDS = 20; // for one request

export function connect(onProgress) {
  const kind = document.querySelector('meta[name="backend"]').content;
  return kind === "worker" ? new PyodideWorker(onProgress).start() : new LocalServer().start();
}

class LocalServer {
  // The token is in the address that was opened, once: not in the history, nor in what is copied
  async start() {
    const found = location.hash.match(/[#&]token=([\w-]+)/);
    if (found) {
      sessionStorage.setItem("token", found[1]);
      history.replaceState(null, "", location.hash.replace(/([#&])token=[\w-]+&?/, "$1").replace(/[#&]$/, "") || location.pathname);
    }
    return this;
  }

  async post(path, body) {
    const headers = { "Content-Type": "application/json", "X-Token": sessionStorage.getItem("token") ?? "" };
    const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    const reply = await response.json();
    return reply.refused ? { error: { function: null, line: null, message: reply.refused } } : reply;
  }

  async ask(request) {
    try {
      return await this.post("ask", request);
    } catch {
      return { error: { function: null, line: null, message: "the playground does not answer: has it ended?" } };
    }
  }

  stop() {
    this.post("stop", {}).catch(() => {});
  }
}

class PyodideWorker {
  constructor(onProgress) {
    this.onProgress = onProgress;
  }

  // A new worker; rejects with what is the matter if it cannot be loaded
  start() {
    return new Promise((resolve, reject) => {
      const worker = new Worker("worker.js", { type: "module" });
      const fail = (why) => {
        clearTimeout(this.watchdog);
        worker.terminate();
        reject(new Error(why));
      };
      const wait = () => {
        clearTimeout(this.watchdog);
        this.watchdog = setTimeout(() => fail("nothing was heard of Python for 90 seconds"), STALLED);
      };
      wait();
      worker.onerror = (event) => fail(event.message || "the worker could not be loaded");
      worker.onmessage = ({ data }) => {
        if (data.progress) { wait(); this.onProgress(data.progress); return; }
        if (data.failed) { fail(data.failed); return; }
        clearTimeout(this.watchdog);
        this.worker = worker;
        worker.onmessage = (event) => this.answer(JSON.parse(event.data));
        worker.onerror = (event) => this.renew({ function: null, line: null, message: event.message });
        this.onProgress({ ready: true });
        resolve(this);
      };
    });
  }

  async ask(request) {
    await this.starting;
    return new Promise((resolve) => {
      this.answer = (reply) => { clearTimeout(this.timer); this.answer = () => {}; resolve(reply); };
      this.timer = setTimeout(() => this.renew({
        function: null, line: null, message: "the time is up: is there a loop without end? Python was started again",
      }), SECONDS * 1000);
      this.worker.postMessage(JSON.stringify(request));
    });
  }

  stop() {
    this.renew(STOPPED);
  }

  // End the worker, whatever it does, and start another
  renew(error) {
    this.worker.terminate();
    this.answer?.({ error, stopped: true });
    this.starting = this.start();
    this.starting.catch((reason) => this.onProgress({ failed: reason.message }));
  }
}
