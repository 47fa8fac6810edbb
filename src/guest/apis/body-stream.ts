/**
 * Guest source: bodies as streams. A body is what a source gives: the next chunk when it is asked,
 * null at the end. Callbacks rather than promises: those can be patched.
 */
export const BODY_STREAM: string = /* js */ `
  function copyOf(bytes) {
    const copy = new Uint8Array(viewBytes(bytes));
    setBytes(copy, bytes);
    return copy;
  }
  function newBody(source) {
    return {
      __proto__: null, source, stream: null, locked: false, disturbed: false, busy: false, pumping: false, arrived: false, chunk: null, ended: false, failed: false,
      error: undefined, first: null, last: null, closing: [],
    };
  }
  function bytesSource(bytes) {
    let left = bytes;
    return {
      __proto__: null, bytes,
      pull(resolve) {
        const chunk = left;
        left = null;
        resolve(chunk);
      },
      cancel() { left = null; },
    };
  }
  // Ends a body for whoever reads it.
  function finish(body, failed, error) {
    body.ended = true;
    body.failed = failed;
    body.error = error;
    let read = body.first;
    body.first = body.last = null;
    for (; read !== null; read = read.next) failed ? read.reject(error) : read.resolve(null);
    const closing = body.closing;
    body.closing = [];
    for (let index = 0; index < closing.length; index++) closing[index][failed ? 1 : 0](error);
  }
  // One chunk at a time, in the order they were asked for. Sources may answer at once: what whoever
  // got a chunk does then waits for the loop, so that the stack does not grow with the body.
  function pump(body) {
    if (body.pumping) return;
    body.pumping = true;
    for (;;) {
      if (body.ended) break;
      if (body.arrived) {
        const chunk = body.chunk;
        // Whoever asked for it has let go; the next one gets it.
        if (chunk !== null && body.first === null) break;
        body.arrived = false;
        body.chunk = null;
        if (chunk === null) {
          finish(body, false, undefined);
          break;
        }
        const read = body.first;
        body.first = read.next;
        if (read.next === null) body.last = null;
        read.resolve(chunk);
      } else if (!body.busy && body.first !== null) {
        body.busy = true;
        body.source.pull(function (chunk) {
          body.busy = false;
          body.arrived = true;
          body.chunk = chunk;
          pump(body);
        }, function (error) {
          body.busy = false;
          if (!body.ended) finish(body, true, error);
        });
      } else break;
    }
    body.pumping = false;
  }
  function readChunk(body, resolve, reject) {
    body.disturbed = true;
    if (body.ended) return body.failed ? reject(body.error) : resolve(null);
    const read = { __proto__: null, resolve, reject, next: null };
    if (body.last === null) body.first = read;
    else body.last.next = read;
    body.last = read;
    pump(body);
  }
  function cancelBody(body) {
    body.disturbed = true;
    if (body.ended) return;
    body.source.cancel();
    finish(body, false, undefined);
  }
  function isUsed(body) { return body !== null && (body.disturbed || body.locked); }
  // All of it, as bytes nobody else has.
  function collect(body, resolve, reject) {
    if (body === null) return resolve(new Uint8Array(0));
    if (isUsed(body)) return reject(new TypeError("The body was used already."));
    body.locked = true;
    const chunks = [];
    let total = 0;
    function more(chunk) {
      if (chunk !== null) {
        push(chunks, chunk);
        total += viewBytes(chunk);
        return readChunk(body, more, reject);
      }
      let whole;
      try {
        whole = chunks.length === 1 ? chunks[0] : new Uint8Array(total);
        if (chunks.length !== 1) for (let index = 0, at = 0; index < chunks.length; at += viewBytes(chunks[index++])) setBytes(whole, chunks[index], at);
      } catch (error) { return reject(error); }
      resolve(whole);
    }
    readChunk(body, more, reject);
  }
  // Two bodies of one, each at its own pace. A copy of a copy is one more of the same, so that the
  // stack does not grow with their number.
  function tee(body) {
    const branch = body.source.split !== undefined && !body.disturbed ? body.source : firstBranch(body);
    body.locked = true;
    return [newBody(branch), newBody(branch.split())];
  }
  // What one branch has read waits for the others.
  function firstBranch(body) {
    const branches = [];
    let left = 0;
    let busy = false;
    let ended = false;
    let failed = false;
    let failure;
    // Chunks wait in all lines before anybody is served, who may then do anything: even add a branch.
    function arrive(chunk) {
      busy = false;
      const count = branches.length;
      if (chunk !== null) for (let index = 0; index < count; index++) branches[index].add(index === 0 ? chunk : copyOf(chunk));
      for (let index = 0; index < count; index++) branches[index].serve();
    }
    function end(error, hasFailed) {
      ended = true;
      failed = hasFailed;
      failure = error;
      arrive(null);
    }
    function grow(queue) {
      let at = 0;
      let waiting = null;
      let gone = false;
      const branch = {
        __proto__: null,
        add(chunk) { if (!gone) push(queue, chunk); },
        serve() {
          if (waiting === null) return;
          const read = waiting;
          waiting = null;
          branch.pull(read.resolve, read.reject);
        },
        pull(resolve, reject) {
          if (at < queue.length) {
            const chunk = queue[at];
            queue[at++] = null;
            return resolve(chunk);
          }
          if (ended) return failed ? reject(failure) : resolve(null);
          waiting = { __proto__: null, resolve, reject };
          if (busy) return;
          busy = true;
          readChunk(body, function (chunk) {
            if (chunk === null) end(undefined, false);
            else arrive(chunk);
          }, function (error) { end(error, true); });
        },
        split() {
          const copy = [];
          for (let index = at; index < queue.length; index++) push(copy, copyOf(queue[index]));
          return grow(copy);
        },
        cancel() {
          gone = true;
          waiting = null;
          if (--left === 0) cancelBody(body);
        },
      };
      left++;
      push(branches, branch);
      return branch;
    }
    return grow([]);
  }
`;

/**
 * Guest source: what `body` gives. There is no ReadableStream; this can be iterated, and read with
 * a reader.
 */
export const BODY_READER: string = /* js */ `
  const asyncIteratorSymbol = Symbol.asyncIterator;
  let stateOfStream;
  function later(act) { return new Promise(act); }
  function resultOf(chunk) { return chunk === null ? { value: undefined, done: true } : { value: chunk, done: false }; }
  class BodyStream {
    #body;
    constructor(body) { this.#body = body; }
    get locked() { return this.#body.locked; }
    cancel() {
      return later((resolve) => {
        if (this.#body.locked) throw new TypeError("The stream is locked by a reader.");
        cancelBody(this.#body);
        resolve();
      });
    }
    getReader(options) {
      if (options !== undefined && options !== null && options.mode !== undefined) throw new TypeError("The reader's mode cannot be chosen here.");
      return new BodyReader(this.#lock());
    }
    tee() {
      const body = this.#lock();
      const two = tee(body);
      return [streamOf(two[0]), streamOf(two[1])];
    }
    values(options = undefined) {
      return new BodyIterator(this.#lock(), options !== undefined && options !== null && !!options.preventCancel);
    }
    #lock() {
      const body = this.#body;
      if (body.locked) throw new TypeError("The stream is locked by a reader.");
      body.locked = true;
      return body;
    }
    static {
      // The body of a stream, null where it is none.
      stateOfStream = (value) => typeof value === "object" && value !== null && #body in value ? value.#body : null;
    }
  }
  class BodyReader {
    #body;
    constructor(body) { this.#body = body; }
    #held() {
      if (this.#body === null) throw new TypeError("The reader was released.");
      return this.#body;
    }
    get closed() {
      return later((resolve, reject) => {
        const body = this.#held();
        if (body.ended) return body.failed ? reject(body.error) : resolve();
        push(body.closing, [resolve, reject]);
      });
    }
    read() {
      return later((resolve, reject) => readChunk(this.#held(), function (chunk) { resolve(resultOf(chunk)); }, reject));
    }
    cancel() {
      return later((resolve) => { cancelBody(this.#held()); resolve(); });
    }
    releaseLock() {
      const body = this.#body;
      if (body === null) return;
      this.#body = null;
      body.locked = false;
      const error = new TypeError("The reader was released.");
      let read = body.first;
      body.first = body.last = null;
      for (; read !== null; read = read.next) read.reject(error);
    }
  }
  class BodyIterator {
    #body; #keeps; #done = false;
    constructor(body, keeps) { this.#body = body; this.#keeps = keeps; }
    // Lets go of the body: from now on there is nothing more here.
    #leave() {
      this.#done = true;
      this.#body.locked = false;
    }
    next() {
      return later((resolve, reject) => {
        if (this.#done) return resolve(resultOf(null));
        readChunk(this.#body, (chunk) => {
          if (chunk === null && !this.#done) this.#leave();
          resolve(resultOf(chunk));
        }, (error) => {
          if (!this.#done) this.#leave();
          reject(error);
        });
      });
    }
    return(value) {
      return later((resolve) => {
        if (!this.#done) {
          if (!this.#keeps) cancelBody(this.#body);
          this.#leave();
        }
        resolve({ value, done: true });
      });
    }
    [asyncIteratorSymbol]() { return this; }
  }
  {
    const classes = [BodyStream, BodyReader, BodyIterator];
    for (let index = 0; index < 3; index++) {
      deleteProperty(classes[index].prototype, "constructor");
      enumerate(classes[index].prototype);
      tag(classes[index].prototype, classes[index].name);
    }
  }
  define(BodyStream.prototype, asyncIteratorSymbol, BodyStream.prototype.values, false);
  function streamOf(body) {
    if (body.stream === null) body.stream = new BodyStream(body);
    return body.stream;
  }
`;
