/**
 * Guest source: console. Arguments go to the host as they are, behind the method's name and the
 * depth of groups, and are read there without running any of the guest's code; formatting is the
 * host's.
 */
export const CONSOLE: string = /* js */ `
  const console = {};
  let groupDepth = 0;
  const counts = { __proto__: null };
  const timers = { __proto__: null };
  function print(level, method, args) {
    const values = [method, groupDepth];
    for (let index = 0; index < args.length; index++) push(values, args[index]);
    host(2, level, values);
  }
  function after(first, rest) {
    const values = [first];
    for (let index = 0; index < rest.length; index++) push(values, rest[index]);
    return values;
  }
  function label(value) { return value === undefined ? "default" : plainText(value); }
  function elapsed(method, name, args) {
    if (timers[name] === undefined) return print("warn", "warn", ["No such label '" + name + "' for console." + method + "()"]);
    const ms = platform("clock.now", []) - timers[name];
    print("log", "time", after(name, after(ms, args)));
  }
  {
    const levels = {
      __proto__: null, debug: "debug", log: "log", info: "info", warn: "warn", error: "error", trace: "debug",
      dir: "log", dirxml: "log", table: "log",
    };
    const names = ownKeys(levels);
    for (let index = 0; index < names.length; index++) {
      const name = names[index];
      const level = levels[name];
      const method = { [name](...args) {
        // Of its stack a trace shows what is above itself.
        if (name === "trace") args = after(new Error().stack, args);
        print(level, name, args);
      } }[name];
      define(console, name, method, true);
    }
    const others = {
      __proto__: null,
      assert(condition, ...args) { if (!condition) print("error", "assert", args); },
      clear() { groupDepth = 0; },
      count(name) {
        const key = label(name);
        counts[key] = (counts[key] || 0) + 1;
        print("log", "log", [key + ": " + counts[key]]);
      },
      countReset(name) {
        const key = label(name);
        if (counts[key]) counts[key] = 0;
        else print("warn", "warn", ["Count for '" + key + "' does not exist"]);
      },
      group(...args) {
        if (args.length > 0) print("log", "log", args);
        if (groupDepth < 100) groupDepth++;
      },
      groupCollapsed(...args) {
        if (args.length > 0) print("log", "log", args);
        if (groupDepth < 100) groupDepth++;
      },
      groupEnd() { if (groupDepth > 0) groupDepth--; },
      time(name) {
        const key = label(name);
        if (timers[key] !== undefined) return print("warn", "warn", ["Label '" + key + "' already exists for console.time()"]);
        timers[key] = platform("clock.now", []);
      },
      timeLog(name, ...args) { elapsed("timeLog", label(name), args); },
      timeEnd(name) {
        const key = label(name);
        elapsed("timeEnd", key, []);
        delete timers[key];
      },
    };
    const otherNames = ownKeys(others);
    for (let index = 0; index < otherNames.length; index++) define(console, otherNames[index], others[otherNames[index]], true);
  }
  tag(console, "console");
  define(globalThis, "console", console, false);
`;
