/**
 * Guest source: DOMException. Instances are errors of the engine's own kind, so that they leave
 * the sandbox as errors; for the same reason their name is a property of their own.
 */
export const DOM_EXCEPTION: string = /* js */ `
  const exceptionCodes = {
    __proto__: null, IndexSizeError: 1, HierarchyRequestError: 3, WrongDocumentError: 4, InvalidCharacterError: 5,
    NoModificationAllowedError: 7, NotFoundError: 8, NotSupportedError: 9, InUseAttributeError: 10,
    InvalidStateError: 11, SyntaxError: 12, InvalidModificationError: 13, NamespaceError: 14, InvalidAccessError: 15,
    TypeMismatchError: 17, SecurityError: 18, NetworkError: 19, AbortError: 20, URLMismatchError: 21,
    QuotaExceededError: 22, TimeoutError: 23, InvalidNodeTypeError: 24, DataCloneError: 25,
  };
  class DOMException {
    constructor(message = "", options = "Error") {
      const isName = typeof options !== "object" || options === null;
      const error = construct(Error, [\`\${message}\`], new.target);
      const name = isName ? options : options.name === undefined ? "Error" : options.name;
      define(error, "name", \`\${name}\`, false);
      if (!isName && "cause" in options) define(error, "cause", options.cause, false);
      return error;
    }
    get code() { return exceptionCodes[this.name] || 0; }
  }
  setPrototypeOf(DOMException.prototype, Error.prototype);
  define(DOMException.prototype, "name", "Error", false);
  installClass(DOMException);
  {
    const names = ownKeys(exceptionCodes);
    for (let index = 0; index < names.length; index++) {
      let constant = "";
      const name = names[index];
      const last = name.length - 5;
      for (let at = 0; at < last; at++) {
        const letter = name[at];
        // URLMismatchError is the one with an abbreviation in it.
        const starts = at > 0 && letter < "a" && (name[at - 1] >= "a" || (at + 1 < last && name[at + 1] >= "a"));
        constant += (starts ? "_" : "") + letter.toUpperCase();
      }
      const descriptor = { __proto__: null, value: exceptionCodes[name], enumerable: true };
      defineProperty(DOMException, constant + "_ERR", descriptor);
      defineProperty(DOMException.prototype, constant + "_ERR", descriptor);
    }
  }
`;
