/**
 * Guest source: URL, URLSearchParams. Parsing and serializing is the platform's; the guest keeps
 * the parts of a URL and the pairs of a query.
 */

/** The parts of a URL as the platform service gives them, in this order. */
export const URL_PARTS = [
  "href",
  "origin",
  "protocol",
  "username",
  "password",
  "host",
  "hostname",
  "port",
  "pathname",
  "search",
  "hash",
] as const;

export const URLS: string = /* js */ `
  const partNames = ${JSON.stringify(URL_PARTS)};
  const iteratorPrototype = Iterator.prototype;
  let partsOf, setPart, pairsOf, paramsOf, refill;
  function parse(url, base) { return platform("url.parse", base === undefined ? [text(url)] : [text(url), text(base)]); }
  class URLSearchParams {
    // Names and values in turn.
    #pairs = [];
    #url = null;
    constructor(init = "") {
      if (isObject(init)) this.#fill(init);
      else this.#pairs = platform("query.parse", [text(init)]);
    }
    #fill(init) {
      const pairs = this.#pairs;
      // Read here as its iterator would, but not through what the guest may have put in its place.
      if (#pairs in init) {
        for (let index = 0; index < init.#pairs.length; index++) push(pairs, init.#pairs[index]);
        return;
      }
      const iterate = isArray(init) || init[iteratorSymbol];
      if (iterate !== undefined && iterate !== null) {
        const entries = listOf(init);
        for (let index = 0; index < entries.length; index++) {
          const parts = listOf(entries[index]);
          if (parts.length !== 2) throw new TypeError("Each query pair must be a [name, value] tuple.");
          push(pairs, text(parts[0]));
          push(pairs, text(parts[1]));
        }
        return;
      }
      const keys = ownKeys(init);
      for (let index = 0; index < keys.length; index++) {
        const found = getOwnPropertyDescriptor(init, keys[index]);
        if (found === undefined || !found.enumerable) continue;
        const name = text(keys[index]);
        const value = text(init[keys[index]]);
        let at = 0;
        while (at < pairs.length && pairs[at] !== name) at += 2;
        if (at < pairs.length) define(pairs, at + 1, value, true);
        else { push(pairs, name); push(pairs, value); }
      }
    }
    #changed(pairs) {
      this.#pairs = pairs;
      if (this.#url !== null) setPart(this.#url, "search", platform("query.serialize", [pairs]));
    }
    get size() { return this.#pairs.length / 2; }
    append(name, value) {
      need(arguments.length, 2);
      const pairs = this.#pairs;
      const first = text(name);
      const second = text(value);
      push(pairs, first);
      push(pairs, second);
      this.#changed(pairs);
    }
    delete(name, value = undefined) {
      need(arguments.length, 1);
      const wanted = text(name);
      const only = value === undefined ? undefined : text(value);
      const pairs = this.#pairs;
      const kept = [];
      for (let at = 0; at < pairs.length; at += 2) {
        if (pairs[at] === wanted && (only === undefined || pairs[at + 1] === only)) continue;
        push(kept, pairs[at]);
        push(kept, pairs[at + 1]);
      }
      this.#changed(kept);
    }
    get(name) {
      need(arguments.length, 1);
      const wanted = text(name);
      const pairs = this.#pairs;
      for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === wanted) return pairs[at + 1];
      return null;
    }
    getAll(name) {
      need(arguments.length, 1);
      const wanted = text(name);
      const pairs = this.#pairs;
      const found = [];
      for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === wanted) push(found, pairs[at + 1]);
      return found;
    }
    has(name, value = undefined) {
      need(arguments.length, 1);
      const wanted = text(name);
      const only = value === undefined ? undefined : text(value);
      const pairs = this.#pairs;
      for (let at = 0; at < pairs.length; at += 2) {
        if (pairs[at] === wanted && (only === undefined || pairs[at + 1] === only)) return true;
      }
      return false;
    }
    set(name, value) {
      need(arguments.length, 2);
      const wanted = text(name);
      const next = text(value);
      const pairs = this.#pairs;
      const kept = [];
      let done = false;
      for (let at = 0; at < pairs.length; at += 2) {
        const same = pairs[at] === wanted;
        if (same && done) continue;
        push(kept, pairs[at]);
        push(kept, same ? next : pairs[at + 1]);
        done = done || same;
      }
      if (!done) { push(kept, wanted); push(kept, next); }
      this.#changed(kept);
    }
    sort() { this.#changed(platform("query.sort", [this.#pairs])); }
    forEach(callback, self = undefined) {
      if (typeof callback !== "function") throw new TypeError("The callback must be a function.");
      for (let at = 0; at < this.#pairs.length; at += 2) apply(callback, self, [this.#pairs[at + 1], this.#pairs[at], this]);
    }
    keys() { this.#pairs; return new ParamsIterator(this, 0); }
    values() { return new ParamsIterator(this, 1); }
    entries() { return new ParamsIterator(this, 2); }
    toString() { return platform("query.serialize", [this.#pairs]); }
    static {
      pairsOf = (params) => params.#pairs;
      paramsOf = (url, pairs) => {
        const params = new URLSearchParams();
        params.#pairs = pairs;
        params.#url = url;
        return params;
      };
      refill = (params, pairs) => { params.#pairs = pairs; };
    }
  }
  class ParamsIterator {
    #params; #kind; #at = 0;
    constructor(params, kind) { this.#params = params; this.#kind = kind; }
    next() {
      const pairs = pairsOf(this.#params);
      const at = this.#at;
      if (at >= pairs.length) return { value: undefined, done: true };
      this.#at = at + 2;
      const value = this.#kind === 2 ? [pairs[at], pairs[at + 1]] : pairs[at + this.#kind];
      return { value, done: false };
    }
  }
  deleteProperty(ParamsIterator.prototype, "constructor");
  setPrototypeOf(ParamsIterator.prototype, iteratorPrototype);
  enumerate(ParamsIterator.prototype);
  tag(ParamsIterator.prototype, "URLSearchParams Iterator");
  define(URLSearchParams.prototype, iteratorSymbol, URLSearchParams.prototype.entries, false);

  class URL {
    #parts; #params = null;
    constructor(url, base = undefined) {
      need(arguments.length, 1);
      const parts = parse(url, base);
      if (parts === null) {
        const error = new TypeError("Invalid URL");
        define(error, "code", "ERR_INVALID_URL", true);
        throw error;
      }
      this.#parts = parts;
    }
    get searchParams() {
      if (this.#params === null) this.#params = paramsOf(this, platform("query.parse", [this.#parts[9]]));
      return this.#params;
    }
    toString() { return this.#parts[0]; }
    toJSON() { return this.#parts[0]; }
    static parse(url, base = undefined) {
      need(arguments.length, 1);
      return parse(url, base) === null ? null : new URL(url, base);
    }
    static canParse(url, base = undefined) {
      need(arguments.length, 1);
      return parse(url, base) !== null;
    }
    static {
      partsOf = (url) => url.#parts;
      setPart = (url, name, value) => {
        const parts = platform("url.set", [url.#parts[0], name, value]);
        if (parts === null) throw new TypeError("Invalid URL");
        url.#parts = parts;
      };
      for (let index = 0; index < partNames.length; index++) {
        const name = partNames[index];
        const accessor = {
          get [name]() { return this.#parts[index]; },
          set [name](value) {
            const given = text(value);
            setPart(this, name, given);
            if (this.#params === null || (index !== 0 && index !== 9)) return;
            // The pairs are those of what was given: the URL itself has lost its tabs and line breaks.
            refill(this.#params, platform("query.parse", [index === 9 ? given : this.#parts[9]]));
          },
        };
        const descriptor = getOwnPropertyDescriptor(accessor, name);
        if (index === 1) descriptor.set = undefined;
        defineProperty(URL.prototype, name, descriptor);
      }
    }
  }
  installClass(URLSearchParams);
  installClass(URL);
`;
