/**
 * Guest source: Headers. The list and its guard are the guest's; what names and values may be, and
 * the sorted list that iterating shows, are the host's to say.
 */
export const HEADERS: string = /* js */ `
  let headersWith, sortedHeaders, fillHeaders, copyHeaders, setType;
  class Headers {
    // Names in lower case and values in turn.
    #list = []; #guard = "none"; #sorted = null;
    constructor(init = undefined) { if (init !== undefined) this.#fill(init); }
    #fill(init) {
      if (!isObject(init)) throw new TypeError("Headers are made from pairs or an object.");
      const flat = [];
      // Read here as its iterator would, but not through what the guest may have put in its place.
      if (#list in init) {
        const list = init.#all();
        for (let index = 0; index < list.length; index++) push(flat, list[index]);
      } else {
        const iterate = init[iteratorSymbol];
        if (iterate !== undefined && iterate !== null) {
          const entries = listOf(init);
          for (let index = 0; index < entries.length; index++) {
            const parts = listOf(entries[index]);
            if (parts.length !== 2) throw new TypeError("Each header must be a [name, value] tuple.");
            push(flat, text(parts[0]));
            push(flat, text(parts[1]));
          }
        } else {
          const keys = ownKeys(init);
          for (let index = 0; index < keys.length; index++) {
            const found = getOwnPropertyDescriptor(init, keys[index]);
            if (found === undefined || !found.enumerable) continue;
            push(flat, text(keys[index]));
            push(flat, text(init[keys[index]]));
          }
        }
      }
      this.#add(flat);
    }
    #add(flat) {
      const pairs = platform("headers.check", [flat, this.#guard]);
      this.#sorted = null;
      for (let index = 0; index < pairs.length; index++) push(this.#list, pairs[index]);
    }
    #all() {
      if (this.#sorted === null) this.#sorted = platform("headers.sort", [this.#list]);
      return this.#sorted;
    }
    // Without those of that name; with a value, the first of them has it.
    #replace(name, value) {
      const list = this.#list;
      const kept = [];
      let found = false;
      for (let at = 0; at < list.length; at += 2) {
        const same = list[at] === name;
        if (same && (found || value === null)) continue;
        push(kept, list[at]);
        push(kept, same ? value : list[at + 1]);
        found = found || same;
      }
      this.#list = kept;
      this.#sorted = null;
      return found;
    }
    append(name, value) {
      need(arguments.length, 2);
      this.#add([text(name), text(value)]);
    }
    delete(name) {
      need(arguments.length, 1);
      const wanted = platform("headers.name", [text(name), this.#guard]);
      if (wanted !== null) this.#replace(wanted, null);
    }
    get(name) {
      need(arguments.length, 1);
      const list = this.#list;
      const wanted = platform("headers.name", [text(name), "none"]);
      let found = null;
      for (let at = 0; at < list.length; at += 2) {
        if (list[at] === wanted) found = found === null ? list[at + 1] : found + ", " + list[at + 1];
      }
      return found;
    }
    getSetCookie() {
      const list = this.#list;
      const found = [];
      for (let at = 0; at < list.length; at += 2) if (list[at] === "set-cookie") push(found, list[at + 1]);
      return found;
    }
    has(name) {
      need(arguments.length, 1);
      const list = this.#list;
      const wanted = platform("headers.name", [text(name), "none"]);
      for (let at = 0; at < list.length; at += 2) if (list[at] === wanted) return true;
      return false;
    }
    set(name, value) {
      need(arguments.length, 2);
      const pair = platform("headers.check", [[text(name), text(value)], this.#guard]);
      if (pair.length === 0 || this.#replace(pair[0], pair[1])) return;
      push(this.#list, pair[0]);
      push(this.#list, pair[1]);
    }
    forEach(callback, self = undefined) {
      if (typeof callback !== "function") throw new TypeError("The callback must be a function.");
      for (let at = 0; at < this.#all().length; at += 2) apply(callback, self, [this.#all()[at + 1], this.#all()[at], this]);
    }
    keys() { this.#list; return new HeadersIterator(this, 0); }
    values() { this.#list; return new HeadersIterator(this, 1); }
    entries() { this.#list; return new HeadersIterator(this, 2); }
    static {
      headersWith = (guard, list) => {
        const headers = new Headers();
        headers.#guard = guard;
        headers.#list = list;
        return headers;
      };
      fillHeaders = (headers, init) => headers.#fill(init);
      copyHeaders = (headers, guard) => {
        const list = [];
        for (let index = 0; index < headers.#list.length; index++) push(list, headers.#list[index]);
        return headersWith(guard === null ? headers.#guard : guard, list);
      };
      // The type of a body, unless it was given.
      setType = (headers, type) => {
        const list = headers.#list;
        for (let at = 0; at < list.length; at += 2) if (list[at] === "content-type") return;
        if (type !== null) headers.#add(["content-type", type]);
      };
      sortedHeaders = (headers) => headers.#all();
    }
  }
  class HeadersIterator {
    #headers; #kind; #at = 0;
    constructor(headers, kind) { this.#headers = headers; this.#kind = kind; }
    next() {
      const pairs = sortedHeaders(this.#headers);
      const at = this.#at;
      if (at >= pairs.length) return { value: undefined, done: true };
      this.#at = at + 2;
      const value = this.#kind === 2 ? [pairs[at], pairs[at + 1]] : pairs[at + this.#kind];
      return { value, done: false };
    }
  }
  deleteProperty(HeadersIterator.prototype, "constructor");
  setPrototypeOf(HeadersIterator.prototype, Iterator.prototype);
  enumerate(HeadersIterator.prototype);
  tag(HeadersIterator.prototype, "Headers Iterator");
  define(Headers.prototype, iteratorSymbol, Headers.prototype.entries, false);
  installClass(Headers);
`;
