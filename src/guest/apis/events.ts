/** Guest source: Event, CustomEvent, EventTarget. Targets have no parents here. */
export const EVENTS: string = /* js */ `
  let stateOf, fire;
  class Event {
    #state;
    constructor(type, options = undefined) {
      need(arguments.length, 1);
      const name = plainText(type);
      const given = dictionary(options);
      this.#state = {
        __proto__: null, type: name, bubbles: !!given.bubbles, cancelable: !!given.cancelable, composed: !!given.composed,
        target: null, current: null, phase: 0, stopped: false, ended: false, canceled: false, passive: false,
        busy: false, trusted: false, at: platform("clock.now", []),
      };
    }
    get cancelBubble() { return this.#state.stopped; }
    set cancelBubble(value) { if (value) this.#state.stopped = true; }
    stopPropagation() { this.#state.stopped = true; }
    stopImmediatePropagation() { this.#state.stopped = this.#state.ended = true; }
    preventDefault() {
      const state = this.#state;
      if (state.cancelable && !state.passive) state.canceled = true;
    }
    composedPath() { return this.#state.current === null ? [] : [this.#state.current]; }
    static { stateOf = (event) => event.#state; }
  }
  {
    const fields = {
      __proto__: null, type: "type", target: "target", currentTarget: "current", eventPhase: "phase", bubbles: "bubbles",
      cancelable: "cancelable", composed: "composed", defaultPrevented: "canceled", isTrusted: "trusted", timeStamp: "at",
    };
    const names = ownKeys(fields);
    for (let index = 0; index < names.length; index++) {
      const field = fields[names[index]];
      const accessor = { get [names[index]]() { return stateOf(this)[field]; } };
      defineProperty(Event.prototype, names[index], getOwnPropertyDescriptor(accessor, names[index]));
    }
  }
  class CustomEvent extends Event {
    #detail;
    constructor(type, options = undefined) {
      need(arguments.length, 1);
      super(type, options);
      const { detail } = dictionary(options);
      this.#detail = detail === undefined ? null : detail;
    }
    get detail() { return this.#detail; }
  }
  function checkListener(callback) {
    if (callback !== null && callback !== undefined && !isObject(callback)) throw new TypeError("The listener must be a function or an object.");
  }
  class EventTarget {
    #first = null;
    addEventListener(type, callback, options = undefined) {
      need(arguments.length, 2);
      const name = plainText(type);
      const given = isObject(options) ? options : { __proto__: null, capture: options };
      checkListener(callback);
      const entry = {
        __proto__: null, type: name, callback, capture: !!given.capture, once: !!given.once, passive: !!given.passive,
        removed: false, next: null,
      };
      const { signal } = given;
      if (signal !== undefined && (shared.onAbort === undefined || !shared.onAbort(signal, null))) throw new TypeError("The signal must be an AbortSignal.");
      if (callback === null || callback === undefined) return;
      let last = null;
      for (let other = this.#first; other !== null; last = other, other = other.next) {
        if (other.type === name && other.callback === callback && other.capture === entry.capture) return;
      }
      const self = this;
      if (signal !== undefined && shared.onAbort(signal, function () { self.#remove(entry); }) === 2) return;
      if (last === null) this.#first = entry;
      else last.next = entry;
    }
    removeEventListener(type, callback, options = undefined) {
      need(arguments.length, 2);
      const name = plainText(type);
      checkListener(callback);
      const capture = !!(isObject(options) ? options.capture : options);
      for (let entry = this.#first; entry !== null; entry = entry.next) {
        if (entry.type === name && entry.callback === callback && entry.capture === capture) return this.#remove(entry);
      }
    }
    #remove(entry) {
      entry.removed = true;
      let last = null;
      for (let other = this.#first; other !== null; last = other, other = other.next) {
        if (other !== entry) continue;
        if (last === null) this.#first = entry.next;
        else last.next = entry.next;
        return;
      }
    }
    dispatchEvent(event) {
      need(arguments.length, 1);
      const state = stateOf(event);
      if (state.busy) throw new DOMException("The event is being dispatched already.", "InvalidStateError");
      state.trusted = false;
      return this.#fire(event, state);
    }
    #fire(event, state) {
      const list = [];
      for (let entry = this.#first; entry !== null; entry = entry.next) if (entry.type === state.type) push(list, entry);
      state.busy = true;
      state.target = state.current = this;
      state.phase = 2;
      // At the target, capturing listeners come first.
      for (let pass = 0; pass < 2 && !state.stopped; pass++) {
        for (let index = 0; index < list.length && !state.ended; index++) {
          const entry = list[index];
          if (entry.removed || entry.capture !== (pass === 0)) continue;
          if (entry.once) this.#remove(entry);
          state.passive = entry.passive;
          try {
            const { callback } = entry;
            if (typeof callback === "function") apply(callback, this, [event]);
            else apply(callback.handleEvent, callback, [event]);
          } catch (error) { report(error); }
          state.passive = false;
        }
      }
      state.busy = state.stopped = state.ended = false;
      state.phase = 0;
      state.current = null;
      return !state.canceled;
    }
    static {
      fire = (target, type) => {
        const event = new Event(type);
        const state = stateOf(event);
        state.trusted = true;
        target.#fire(event, state);
      };
    }
  }
  {
    const phases = { __proto__: null, NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 };
    const names = ownKeys(phases);
    for (let index = 0; index < names.length; index++) {
      const descriptor = { __proto__: null, value: phases[names[index]], enumerable: true };
      defineProperty(Event, names[index], descriptor);
      defineProperty(Event.prototype, names[index], descriptor);
    }
  }
  installClass(Event);
  installClass(CustomEvent);
  installClass(EventTarget);
`;
