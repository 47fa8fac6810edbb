/** What the session suites define: an image only fits a pool that has the same. */
export const SESSION_FUNCTIONS = {
  remember:
    "(key, value) => { globalThis.memory ??= new Map(); memory.set(key, value); return memory.size; }",
  recall: "(key) => globalThis.memory?.get(key)",
  slow: `async (ms, value) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    globalThis.log?.push(value);
    return value;
  }`,
  version: "() => 1",
};
