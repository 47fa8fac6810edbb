/**
 * Guest source: how guest code reaches the host. There is one door, `host(operation, …)`; results
 * come back as `[kind, …]`, so that a value is never mistaken for anything but a value.
 */

/** The first argument of the one call into the host. */
export const HostOperation = {
  /** Delay in milliseconds, or -1 for none: when the earliest timer is due. */
  armTimer: 1,
  /** Level, array of arguments. */
  console: 2,
  /** What a callback threw that nobody waits for. */
  uncaught: 6,
  /** Alias, export name, array of arguments. */
  callModule: 3,
  /** Handle, method name, array of arguments. */
  callHandle: 4,
  /** Path, array of arguments: a function of the host, answered later. */
  callHost: 10,
  /** The same, answered at once. */
  callHostSync: 11,
  /** Service name, array of arguments: a service of the platform, see `platform-services.ts`. */
  platform: 20,
  /** Part of a request (`open`, `read`, `cancel`), array of arguments, see `fetch/requests.ts`. */
  request: 30,
  /** Operation on the pool's files, array of arguments; answered later. */
  file: 40,
  /** The same, answered at once. */
  fileSync: 41,
  /** Alias: what `require` gives for what is not there yet, see `template-modules.ts`. */
  require: 5,
} as const;

/** What a result of the host begins with. */
export const HostResult = {
  /** A value. */
  value: 0,
  /** A handle's number and its method names. */
  handle: 1,
  /** The number of a promise that the host settles later. */
  pending: 2,
} as const;

export const HOST: string = /* js */ `
  const pending = { __proto__: null };
  const handles = { __proto__: null };
  function receive(result) {
    const kind = result[0];
    if (kind === 1) return handle(result[1], result[2]);
    if (kind !== 2) return result[1];
    const id = result[1];
    return new Promise(function (resolve, reject) {
      pending[id] = { __proto__: null, resolve, reject };
    });
  }
  // Called by the host when a promise it gave out settled: result is [kind, …] or [name, message, code].
  function settleHost(id, succeeded, result) {
    const entry = pending[id];
    if (!entry) return;
    delete pending[id];
    if (succeeded) entry.resolve(receive(result));
    else entry.reject(hostError(result));
  }
  // Called by the host in a copy of a sandbox: what the original waits for, nobody will tell the copy.
  function abandonHost() {
    const handleIds = ownKeys(handles);
    for (let index = 0; index < handleIds.length; index++) delete handles[handleIds[index]];
    const ids = ownKeys(pending);
    for (let index = 0; index < ids.length; index++) {
      const entry = pending[ids[index]];
      delete pending[ids[index]];
      entry.reject(newError("HostCallAbandonedError", "The sandbox was copied while it waited for the host: the answer went to the original."));
    }
  }
  // Called by the host with the object that holds let, const and class variables.
  function forgetVariable(variables, name) {
    return getOwnPropertyDescriptor(variables, name) !== undefined && deleteProperty(variables, name);
  }
  // What a host function threw: its name, message, code and own data.
  function hostError(parts) {
    const error = newError(parts[0], parts[1], parts[2]);
    const data = parts[3];
    if (data === undefined) return error;
    const keys = ownKeys(data);
    for (let index = 0; index < keys.length; index++) define(error, keys[index], data[keys[index]], true);
    return error;
  }
  const hostFunctions = { __proto__: null };
  const hostSyncFunctions = { __proto__: null };
  // Called while the image is made: \`steps\` are the names on the way to the function, the last its own.
  function defineHost(path, steps) {
    let level = hostFunctions;
    let syncLevel = hostSyncFunctions;
    const last = steps.length - 1;
    for (let index = 0; index < last; index++) {
      level = level[steps[index]] = level[steps[index]] || { __proto__: null };
      syncLevel = syncLevel[steps[index]] = syncLevel[steps[index]] || { __proto__: null };
    }
    level[steps[last]] = function (...args) {
      try { return receive(host(10, path, args)); } catch (error) {
        return new Promise(function (resolve, reject) { reject(error); });
      }
    };
    syncLevel[steps[last]] = function (...args) {
      const result = host(11, path, args);
      if (result[0]) return receive(result[1]);
      throw hostError(result[1]);
    };
  }
  define(globalThis, "host", hostFunctions, false);
  define(globalThis, "hostSync", hostSyncFunctions, false);
  function handle(id, methods) {
    if (handles[id]) return handles[id];
    const object = { __proto__: null };
    for (let index = 0; index < methods.length; index++) {
      const name = methods[index];
      define(object, name, function (...args) { return receive(host(4, id, name, args)); }, true);
    }
    return (handles[id] = freeze(object));
  }
`;
