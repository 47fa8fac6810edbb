/** Guest source: what bodies are made from, and what Request and Response share. */
export const BODY: string = /* js */ `
  const { parse } = JSON;
  const paramsText = uncurry(globalThis.URLSearchParams.prototype.toString);
  // [body, content type] of what a body is made from.
  function bodyFrom(init) {
    const stream = stateOfStream(init);
    if (stream !== null) {
      if (isUsed(stream)) throw new TypeError("The body was used already.");
      return [stream, null];
    }
    if (typeof init === "object") {
      if (isView(init)) return [newBody(bytesSource(copyOf(bytesOf(init)))), null];
      let found = false;
      try { bufferBytes(init); found = true; } catch {}
      if (found) return [newBody(bytesSource(copyOf(bytesOf(init)))), null];
      let query = null;
      try { query = paramsText(init); } catch {}
      if (query !== null) return [textBody(query), "application/x-www-form-urlencoded;charset=UTF-8"];
    }
    return [textBody(text(init)), "text/plain;charset=UTF-8"];
  }
  function textBody(value) { return newBody(bytesSource(platform("text.encode", [value]))); }
  function decodeText(bytes) { return platform("text.decode", ["utf-8", false, false, bytes, false])[0]; }
  // What Request and Response have of a body; bodyOf checks its receiver.
  function installBody(Class, bodyOf) {
    const members = {
      get body() {
        const body = bodyOf(this);
        return body === null ? null : streamOf(body);
      },
      get bodyUsed() {
        const body = bodyOf(this);
        return body !== null && body.disturbed;
      },
    };
    const makers = {
      __proto__: null, arrayBuffer: bufferOf, bytes: function (bytes) { return bytes; }, text: decodeText,
      json: function (bytes) { return parse(decodeText(bytes)); },
    };
    const names = ownKeys(makers);
    for (let index = 0; index < names.length; index++) {
      const make = makers[names[index]];
      const method = { [names[index]]() {
        return later((resolve, reject) => collect(bodyOf(this), function (bytes) {
          let made;
          try { made = make(bytes); } catch (error) { return reject(error); }
          resolve(made);
        }, reject));
      } };
      define(Class.prototype, names[index], method[names[index]], true);
    }
    defineProperty(Class.prototype, "body", getOwnPropertyDescriptor(members, "body"));
    defineProperty(Class.prototype, "bodyUsed", getOwnPropertyDescriptor(members, "bodyUsed"));
  }
  function unused(body) {
    if (isUsed(body)) throw new TypeError("The body was used already.");
    return body;
  }
  // The body of a copy, and what is left to the original.
  function cloneBody(state) {
    if (state.body === null) return null;
    const two = tee(unused(state.body));
    state.body = two[0];
    return two[1];
  }
  function accessors(Class, stateOf, names) {
    for (let index = 0; index < names.length; index++) {
      const name = names[index];
      const accessor = { get [name]() { return stateOf(this)[name]; } };
      defineProperty(Class.prototype, name, getOwnPropertyDescriptor(accessor, name));
    }
  }
`;
