/** Guest source: queueMicrotask. */
export const MICROTASKS: string = /* js */ `
  define(globalThis, "queueMicrotask", function queueMicrotask(callback) {
    if (typeof callback !== "function") throw new TypeError("The callback must be a function.");
    promiseThen(resolved, function () { try { callback(); } catch (error) { report(error); } });
  }, false);
`;
