/**
 * Guest source: puts into inbound values what the engine's binary format cannot say. The payload
 * is `[values, data, links]`; see `LinkKind` in `protocol/values/guest-format.ts` for the links.
 */
export const LINK: string = /* js */ `
  function linkedAt(top, links, at) {
    // A path is a count and that many keys; -1 stands for the buffer of the view it stands on.
    const end = at + links[at];
    let target = top;
    for (let index = at + 1; index <= end; index++) {
      const key = links[index];
      target = key === -1 ? bufferOf(target) : target[key];
    }
    return target;
  }
  function bufferOf(view) {
    try { return viewBuffer(view); } catch { return dataViewBuffer(view); }
  }
  function linkInto(top, links, at, value) {
    const last = at + links[at];
    let target = top;
    for (let index = at + 1; index < last; index++) target = target[links[index]];
    // The place is there already, as an own property that holds null.
    define(target, links[last], value, true);
  }
  function newError(name, message, code) {
    const error = new (errors[name] || Error)(message);
    if (!errors[name] && name !== undefined) define(error, "name", name, false);
    if (code !== undefined) define(error, "code", code, true);
    const stack = getOwnPropertyDescriptor(error, "stack");
    if (stack !== undefined && typeof stack.value === "string") define(error, "stack", guestFrames(stack.value), false);
    return error;
  }
  // The functions of this library have names in a stack, but no place in a file.
  function guestFrames(stack) {
    let kept = "";
    let line = "";
    let hasPlace = false;
    for (let index = 0; index < stack.length; index++) {
      const character = stack[index];
      line += character;
      if (character === "(") hasPlace = true;
      if (character !== "\\n") continue;
      if (hasPlace) kept += line;
      line = "";
      hasPlace = false;
    }
    return kept;
  }
  // An error that came as a value was made nowhere in this sandbox.
  function errorValue(name, message) {
    const error = newError(name, message);
    define(error, "stack", "", false);
    return error;
  }
  function shellOf(kind, links, at, data) {
    switch (kind) {
      case 1: return new Map();
      case 2: return new Set();
      case 3: return new RegExp(links[at], links[at + 1]);
      case 4: return errorValue(data[links[at]][0], data[links[at]][1]);
      case 5: {
        const array = [];
        array.length = data[links[at]][0];
        return array;
      }
    }
  }
  // Fields behind the kind, by kind; a path behind them is skipped where there is one.
  function fieldsEnd(kind, links, at) {
    if (kind === 0) return at + 1 + links[at];
    if (kind === 3) return at + 2;
    if (kind === 7) return at + 4 + links[at + 3];
    return at + 1;
  }
  // Behind the first argument are the buffers that went beside the bytes.
  function link(top) {
    const data = top[1];
    const links = top[2];
    const count = links.length;
    // Everything gets its identity, then references find it, then it is filled. References come
    // twice: a view may need one to its buffer, and others may refer to the view.
    for (let step = 0; step < 4; step++) {
      for (let at = 0; at < count; ) {
        const kindAt = at + 1 + links[at];
        const kind = links[kindAt];
        const fields = kindAt + 1;
        if (step === 0 && kind >= 1 && kind <= 5) linkInto(top, links, at, shellOf(kind, links, fields, data));
        else if (step === 0 && kind === 8) linkInto(top, links, at, arguments[links[fields] + 1]);
        else if (step === 2 && kind === 6) {
          const parts = data[links[fields]];
          linkInto(top, links, at, new DataView(parts[0], parts[1], parts[2]));
        } else if (step === 2 && kind === 7) {
          const buffer = linkedAt(top, links, fields + 3);
          linkInto(top, links, at, new typedArrays[links[fields]](buffer, links[fields + 1], links[fields + 2]));
        } else if ((step & 1) === 1 && kind === 0) linkInto(top, links, at, linkedAt(top, links, fields));
        at = fieldsEnd(kind, links, fields);
      }
    }
    for (let at = 0; at < count; ) {
      const kindAt = at + 1 + links[at];
      const kind = links[kindAt];
      const fields = kindAt + 1;
      if (kind === 1 || kind === 2 || kind === 4 || kind === 5) fill(kind, linkedAt(top, links, at), data[links[fields]]);
      at = fieldsEnd(kind, links, fields);
    }
    return top[0];
  }
  function fill(kind, target, parts) {
    const count = parts.length;
    if (kind === 1) for (let index = 0; index < count; index += 2) mapSet(target, parts[index], parts[index + 1]);
    else if (kind === 2) for (let index = 0; index < count; index++) setAdd(target, parts[index]);
    else if (kind === 4) { if (count > 2) define(target, "cause", parts[2], false); }
    else for (let index = 1; index < count; index += 2) define(target, parts[index], parts[index + 1], true);
  }
`;
