/**
 * Guest source: dependencies and constants as guest code sees them. What a module is and whether
 * it may be imported is decided by the host; here are the tables and the ways to reach them.
 */
export const MODULES: string = /* js */ `
  const dependencies = { __proto__: null };
  const constants = { __proto__: null };
  const commonjsModules = { __proto__: null };
  const context = freeze({ __proto__: null, dependencies, constants });
  const contents = { __proto__: null };
  const CONTENTS = "skep:modules";

  function entry(table, name, value) {
    defineProperty(table, name, { __proto__: null, value, writable: false, configurable: true, enumerable: true });
  }
  function setConstant(name, values) { entry(constants, name, values[0]); }
  function setGlobals(names) {
    for (let i = 0; i < names.length; i++) define(globalThis, names[i], arguments[i + 1], true);
  }
  function setDependency(alias, namespace, pick, whole) {
    if (pick !== undefined) {
      const found = getOwnPropertyDescriptor(namespace, pick);
      if (!found) throw new ReferenceError('Dependency "' + alias + '" has no export "' + pick + '".');
      entry(dependencies, alias, found.value);
    } else entry(dependencies, alias, whole ? namespace : namespace.default);
  }
  // Modules the host makes up (CommonJS, host modules) find their content under a name that is
  // only there while dependencies are evaluated.
  function exposeModule(alias, content) {
    define(contents, alias, content, true);
    define(globalThis, CONTENTS, contents, false);
  }
  function concealModules() { deleteProperty(globalThis, CONTENTS); }
  function exportNames(content) {
    const names = [];
    if ((typeof content === "object" && content !== null) || typeof content === "function") {
      const keys = ownKeys(content);
      for (let index = 0; index < keys.length; index++) {
        const key = keys[index];
        if (typeof key !== "string") continue;
        const property = getOwnPropertyDescriptor(content, key);
        if (property && property.enumerable) define(names, names.length, key, true);
      }
    }
    return names;
  }
  function require(alias) {
    if (typeof alias !== "string") throw new TypeError("require() takes the alias of a dependency.");
    const known = commonjsModules[alias];
    if (known) return known.module.exports;
    const found = getOwnPropertyDescriptor(dependencies, alias);
    if (found) return found.value;
    const loaded = host(5, alias);
    return typeof loaded === "function" ? runCommonjs(alias, loaded) : loaded.value;
  }
  function runCommonjs(alias, body) {
    const module = { exports: {} };
    // Known before it has run, so that cycles see what there is so far.
    const entry = commonjsModules[alias] = { __proto__: null, module, isFinished: false };
    try {
      apply(body, module.exports, [module.exports, require, module]);
      entry.isFinished = true;
    } finally {
      if (!entry.isFinished) delete commonjsModules[alias];
    }
    return module.exports;
  }
  // What an ES module imports must be whole.
  function commonjsExports(alias) {
    const known = commonjsModules[alias];
    if (known && !known.isFinished) throw new ReferenceError('"' + alias + '" is imported by an ES module that it requires itself: between ES modules and CommonJS there can be no cycles.');
    return require(alias);
  }
  // A module whose default export is a function can be called itself, as with CommonJS.
  function hostModule(alias, functionNames, values, handles) {
    function remote(name) { return (...args) => receive(host(3, alias, name, args)); }
    function remoteMethod(name, method) { return (...args) => receive(host(3, alias, name, args, method)); }
    let content = {};
    for (let index = 0; index < functionNames.length; index++) {
      if (functionNames[index] === "default") content = remote("default");
    }
    for (let index = 0; index < functionNames.length; index++) {
      const name = functionNames[index];
      define(content, name, name === "default" ? content : remote(name), true);
    }
    for (let index = 0; index < values.length; index++) define(content, values[index][0], values[index][1], true);
    for (let index = 0; index < handles.length; index++) {
      const object = { __proto__: null };
      const methods = handles[index][1];
      for (let at = 0; at < methods.length; at++) define(object, methods[at], remoteMethod(handles[index][0], methods[at]), true);
      define(content, handles[index][0], freeze(object), true);
    }
    return content;
  }
  // A module's namespace as a plain object; reading an export that was never initialised throws.
  function plainNamespace(namespace) {
    const plain = {};
    const keys = ownKeys(namespace);
    for (let index = 0; index < keys.length; index++) {
      if (typeof keys[index] === "string") define(plain, keys[index], namespace[keys[index]], true);
    }
    return plain;
  }
  define(globalThis, "constants", constants, false);
  define(globalThis, "wpc_import", async function wpc_import(alias) {
    const name = typeof alias === "object" && alias !== null ? alias.alias : alias;
    const found = getOwnPropertyDescriptor(dependencies, name);
    if (found) return found.value;
    throw new ReferenceError('Dependency "' + String(name) + '" is not defined. Define it with the pool before importing it.');
  }, false);
  define(globalThis, "wpc_constant", function wpc_constant(name) {
    const found = getOwnPropertyDescriptor(constants, name);
    if (found) return found.value;
    throw new ReferenceError('Constant "' + String(name) + '" is not defined. Define it with the pool before using it.');
  }, false);
`;
