// quickjs-emscripten's own ways of moving a value through the wall.
import { getQuickJS } from "quickjs-emscripten";
import { MAKE_CUSTOMERS, makeCustomers, synchronously } from "./workload.mjs";

/** @param {{ way: "dump" | "json-out" | "json-in" | "parse-in" }} options */
export async function open({ way }) {
  const context = (await getQuickJS()).newContext();
  const customers = makeCustomers();
  const text = JSON.stringify(customers);
  const made = context.unwrapResult(context.evalCode(`(${MAKE_CUSTOMERS})()`));
  const stringify = context.unwrapResult(context.evalCode("JSON.stringify"));
  const parse = context.unwrapResult(context.evalCode("JSON.parse"));
  const parseInside = (/** @type {string} */ json) => {
    const handle = context.newString(json);
    context.unwrapResult(context.callFunction(parse, context.undefined, handle)).dispose();
    handle.dispose();
  };
  const acts = {
    dump: () => context.dump(made),
    "json-out": () => {
      const json = context.unwrapResult(context.callFunction(stringify, context.undefined, made));
      const value = JSON.parse(context.getString(json));
      json.dispose();
      return value;
    },
    "json-in": () => parseInside(JSON.stringify(customers)),
    "parse-in": () => parseInside(text),
  };
  const act = acts[way];
  return {
    round: (/** @type {number} */ count) => synchronously(count, act),
    close() {
      for (const handle of [made, stringify, parse]) handle.dispose();
      context.dispose();
    },
  };
}
