/** Guest source: Response. Without blobs and forms. */
export const RESPONSE: string = /* js */ `
  const { stringify } = JSON;
  let responseState, responseWith;
  class Response {
    #state;
    constructor(body = null, init = undefined) {
      const given = dictionary(init);
      const { headers, status, statusText } = given;
      const phrase = statusText === undefined ? "" : text(statusText);
      const isGiven = body !== null;
      const code = platform("http.response", [status === undefined ? 200 : Number(status), phrase, isGiven]);
      const state = this.#state = newResponse("default", "", false, code, phrase, headersWith("response", []), null);
      if (headers !== undefined) fillHeaders(state.headers, headers);
      if (isGiven) {
        const made = bodyFrom(body);
        state.body = made[0];
        setType(state.headers, made[1]);
      }
    }
    clone() {
      const state = this.#state;
      unused(state.body);
      return responseWith(newResponse(
        state.type, state.url, state.redirected, state.status, state.statusText, copyHeaders(state.headers, null), cloneBody(state),
      ));
    }
    static error() { return responseWith(newResponse("error", "", false, 0, "", headersWith("immutable", []), null)); }
    static json(data, init = undefined) {
      need(arguments.length, 1);
      const json = stringify(data);
      if (json === undefined) throw new TypeError("The data cannot be written as JSON.");
      const response = new Response(null, init);
      const state = response.#state;
      platform("http.response", [state.status, "", true]);
      state.body = textBody(json);
      setType(state.headers, "application/json");
      return response;
    }
    static redirect(url, status = 302) {
      need(arguments.length, 1);
      const checked = platform("http.redirect", [text(url), Number(status)]);
      return responseWith(newResponse("default", "", false, checked[1], "", headersWith("immutable", ["location", checked[0]]), null));
    }
    static {
      responseState = (response) => response.#state;
      responseWith = (state) => {
        const response = new Response();
        response.#state = state;
        return response;
      };
    }
  }
  function newResponse(type, url, redirected, status, statusText, headers, body) {
    return { __proto__: null, type, url, redirected, status, statusText, headers, body, ok: status >= 200 && status <= 299 };
  }
  accessors(Response, responseState, ["type", "url", "redirected", "status", "ok", "statusText", "headers"]);
  installBody(Response, function (response) { return responseState(response).body; });
  installClass(Response);
`;
