// quickjs-emscripten, release-sync: the engine skep runs, as its own package offers it.
import { getQuickJS } from "quickjs-emscripten";
import { ADD, expect, PROGRAMS, synchronously } from "./workload.mjs";

/** @param {{ program?: keyof typeof PROGRAMS }} options Without one: a new context for every call. */
export async function open({ program }) {
  const QuickJS = await getQuickJS();
  return program === undefined ? newContexts(QuickJS) : oneContext(QuickJS, PROGRAMS[program]);
}

/** @param {import("quickjs-emscripten").QuickJSWASMModule} QuickJS */
function newContexts(QuickJS) {
  const source = `(${ADD})(1, 2)`;
  const call = () => {
    const context = QuickJS.newContext();
    const result = context.unwrapResult(context.evalCode(source));
    const value = context.getNumber(result);
    result.dispose();
    context.dispose();
    return value;
  };
  expect(call(), 3);
  return { round: (/** @type {number} */ count) => synchronously(count, call) };
}

/**
 * One context for good, with a deadline as skep has one.
 *
 * @param {import("quickjs-emscripten").QuickJSWASMModule} QuickJS
 * @param {string} source
 */
function oneContext(QuickJS, source) {
  const context = QuickJS.newContext();
  let deadline = Number.POSITIVE_INFINITY;
  context.runtime.setInterruptHandler(() => performance.now() > deadline);
  const work = context.unwrapResult(context.evalCode(`(${source})`));
  const call = () => {
    deadline = performance.now() + 30_000;
    const result = context.unwrapResult(context.callFunction(work, context.undefined));
    const value = context.getNumber(result);
    result.dispose();
    return value;
  };
  return {
    round: (/** @type {number} */ count) => synchronously(count, call),
    close() {
      work.dispose();
      context.dispose();
    },
  };
}
