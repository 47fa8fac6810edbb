/**
 * Guest source: console. Arguments go to the host as they are and are read there without running
 * any of the guest's code; formatting is the host's.
 */
export const CONSOLE: string = /* js */ `
  const console = {};
  const levels = {
    __proto__: null, debug: "debug", log: "log", info: "info", warn: "warn", error: "error", trace: "debug", dir: "log",
  };
  const methods = ownKeys(levels);
  for (let index = 0; index < methods.length; index++) {
    const level = levels[methods[index]];
    define(console, methods[index], function (...args) { host(2, level, args); }, true);
  }
  define(console, "assert", function (condition, ...args) { if (!condition) host(2, "error", args); }, true);
  define(globalThis, "console", console, false);
`;
