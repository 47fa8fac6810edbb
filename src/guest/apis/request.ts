/**
 * Guest source: Request. Without blobs and forms; of mode, credentials, cache and the like it says
 * what holds for all requests here.
 */
export const REQUEST: string = /* js */ `
  const { AbortSignal } = globalThis;
  const anySignal = AbortSignal.any;
  const requestOptions = ["redirect", "mode", "credentials", "cache", "integrity"];
  const optionDefaults = ["follow", "cors", "omit", "no-store", ""];
  let requestState;
  class Request {
    #state;
    constructor(input, init = undefined) {
      need(arguments.length, 1);
      const model = typeof input === "object" && input !== null && #state in input ? input.#state : null;
      const url = model === null ? text(input) : undefined;
      const given = dictionary(init);
      const { body, duplex, headers, method, signal } = given;
      const options = [];
      for (let index = 0; index < requestOptions.length; index++) {
        const name = requestOptions[index];
        const value = given[name];
        push(options, value !== undefined ? text(value) : model !== null ? model[name] : optionDefaults[index]);
      }
      const checked = platform("http.request", [url, method !== undefined ? text(method) : model !== null ? model.method : "GET", options]);
      const state = {
        __proto__: null, url: model === null ? checked[0] : model.url, method: checked[1], redirect: checked[2], headers: null,
        signal: null, body: null, mode: "cors", credentials: "omit", cache: "no-store", integrity: "",
      };
      const followed = signal === undefined ? (model === null ? null : model.signal) : signal;
      state.signal = apply(anySignal, AbortSignal, [followed === null ? [] : [followed]]);
      state.headers = headersWith("request", []);
      if (headers !== undefined) fillHeaders(state.headers, headers);
      else if (model !== null) state.headers = copyHeaders(model.headers, "request");
      const isGiven = body !== undefined && body !== null;
      const inherited = model !== null && !isGiven ? model.body : null;
      if ((isGiven || inherited !== null) && (state.method === "GET" || state.method === "HEAD")) {
        throw new TypeError("A request with method GET or HEAD has no body.");
      }
      if (isGiven) {
        const made = bodyFrom(body);
        if (stateOfStream(body) !== null && duplex !== "half") throw new TypeError('A request with a stream for a body needs duplex: "half".');
        state.body = made[0];
        setType(state.headers, made[1]);
      } else if (inherited !== null) {
        state.body = newBody(unused(inherited).source);
        inherited.disturbed = inherited.locked = true;
      }
      this.#state = state;
    }
    clone() {
      const state = this.#state;
      unused(state.body);
      const copy = new Request(state.url, { __proto__: null, method: state.method, redirect: state.redirect, signal: state.signal });
      copy.#state.headers = copyHeaders(state.headers, "request");
      copy.#state.body = cloneBody(state);
      return copy;
    }
    static { requestState = (request) => request.#state; }
  }
  accessors(Request, requestState, [
    "url", "method", "headers", "redirect", "signal", "mode", "credentials", "cache", "integrity",
  ]);
  installBody(Request, function (request) { return requestState(request).body; });
  installClass(Request);
`;
