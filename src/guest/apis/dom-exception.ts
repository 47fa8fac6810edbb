/**
 * Guest source: DOMException. Instances are errors of the engine's own kind, so that they leave
 * the sandbox as errors; for the same reason their name is a property of their own.
 * The legacy constants (`ABORT_ERR`) are left out: they would cost every call more than they help.
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
      const error = construct(Error, [plainText(message)], new.target);
      const name = isName ? options : options.name === undefined ? "Error" : options.name;
      define(error, "name", plainText(name), false);
      if (!isName && "cause" in options) define(error, "cause", options.cause, false);
      return error;
    }
    get code() { return exceptionCodes[this.name] || 0; }
  }
  setPrototypeOf(DOMException.prototype, Error.prototype);
  define(DOMException.prototype, "name", "Error", false);
  installClass(DOMException);
`;
