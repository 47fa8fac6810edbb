/** The functions of a pool as methods of one object. */

type Call = (...args: unknown[]) => Promise<unknown>;

/** An object with a method for every name. */
export function callSurface(run: (name: string, args: unknown[]) => Promise<unknown>): object {
  const known = new Map<string, Call>();
  return new Proxy(Object.create(null) as object, {
    get(_target, name) {
      // With these the surface would look like a promise, or like something to iterate.
      if (typeof name === "symbol" || ["then", "catch", "finally"].includes(name)) return undefined;
      let call = known.get(name);
      if (call === undefined) {
        call = (...args) => run(name, args);
        // Names may come from anywhere: what is remembered for speed must not grow for ever.
        if (known.size >= REMEMBERED_CALLS) known.clear();
        known.set(name, call);
      }
      return call;
    },
  });
}

const REMEMBERED_CALLS = 1024;
