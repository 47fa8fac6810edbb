/** Guest source: AbortController, AbortSignal. */
export const ABORT: string = /* js */ `
  const signalKey = {};
  let newSignal, abort;
  class AbortSignal extends EventTarget {
    #aborted = false; #reason; #steps = []; #dependents = []; #sources = []; #handler = null; #listener = null;
    constructor() {
      if (arguments[0] !== signalKey) throw new TypeError("Illegal constructor");
      super();
    }
    get aborted() { return this.#aborted; }
    get reason() { return this.#reason; }
    throwIfAborted() { if (this.#aborted) throw this.#reason; }
    get onabort() { return this.#handler; }
    set onabort(value) {
      this.#handler = isObject(value) ? value : null;
      if (this.#handler === null) {
        if (this.#listener !== null) removeListener(this, "abort", this.#listener);
        this.#listener = null;
      } else if (this.#listener === null) {
        // Where it was set first is its place among the listeners.
        this.#listener = (event) => {
          if (typeof this.#handler === "function") return apply(this.#handler, this, [event]);
        };
        addListener(this, "abort", this.#listener);
      }
    }
    #set(reason) {
      this.#aborted = true;
      this.#reason = reason === undefined ? new DOMException("This operation was aborted", "AbortError") : reason;
    }
    #run() {
      const steps = this.#steps;
      this.#steps = [];
      for (let index = 0; index < steps.length; index++) steps[index]();
      fire(this, "abort");
    }
    static abort(reason = undefined) {
      const signal = new AbortSignal(signalKey);
      signal.#set(reason);
      return signal;
    }
    static timeout(milliseconds) {
      need(arguments.length, 1);
      const wait = Number(milliseconds);
      if (!(wait > -1 && wait <= 9007199254740991)) throw new TypeError("The milliseconds must be a number that is not negative.");
      const signal = new AbortSignal(signalKey);
      // Longer than timers can wait is longer than a run may take.
      if (wait <= 2147483647) addTimer(function () {
        abort(signal, new DOMException("The operation was aborted due to timeout", "TimeoutError"));
      }, wait, [], false);
      return signal;
    }
    static any(signals) {
      need(arguments.length, 1);
      const list = listOf(signals);
      for (let index = 0; index < list.length; index++) list[index].#aborted;
      const signal = new AbortSignal(signalKey);
      for (let index = 0; index < list.length; index++) {
        if (list[index].#aborted) { signal.#set(list[index].#reason); return signal; }
      }
      for (let index = 0; index < list.length; index++) {
        const given = list[index];
        // A signal that stands for others is replaced by those.
        if (given.#sources.length === 0) signal.#follow(given);
        else for (let at = 0; at < given.#sources.length; at++) signal.#follow(given.#sources[at]);
      }
      return signal;
    }
    #follow(source) {
      for (let index = 0; index < this.#sources.length; index++) if (this.#sources[index] === source) return;
      push(this.#sources, source);
      push(source.#dependents, this);
    }
    static {
      newSignal = () => new AbortSignal(signalKey);
      abort = (signal, reason) => {
        if (signal.#aborted) return;
        signal.#set(reason);
        const dependents = [];
        for (let index = 0; index < signal.#dependents.length; index++) {
          const dependent = signal.#dependents[index];
          if (dependent.#aborted) continue;
          dependent.#set(signal.#reason);
          push(dependents, dependent);
        }
        signal.#run();
        for (let index = 0; index < dependents.length; index++) dependents[index].#run();
      };
      // 0: no signal; 1: the step waits; 2: aborted already.
      shared.onAbort = (signal, step) => {
        if (typeof signal !== "object" || signal === null || !(#aborted in signal)) return 0;
        if (signal.#aborted) return 2;
        if (step !== null) push(signal.#steps, step);
        return 1;
      };
    }
  }
  const addListener = uncurry(EventTarget.prototype.addEventListener);
  const removeListener = uncurry(EventTarget.prototype.removeEventListener);
  class AbortController {
    #signal = newSignal();
    get signal() { return this.#signal; }
    abort(reason = undefined) { abort(this.#signal, reason); }
  }
  installClass(AbortSignal);
  installClass(AbortController);
`;
