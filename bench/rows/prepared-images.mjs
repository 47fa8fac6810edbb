import { microseconds } from "./units.mjs";

/** @param {string} npm */
function contender(npm) {
  return {
    id: npm,
    label: `with ${npm}`,
    module: "prepared-image.mjs",
    options: { npm },
  };
}

/** @param {string} subject */
function atMost(subject) {
  return noWorse(`a call beside ${subject}`, subject, "none");
}

/** @type {import("../harness/rounds.mjs").Row} */
export const dependencies = {
  id: "dependencies",
  title: "A fresh sandbox with a dependency in it, for one call of add(1, 2)",
  note: "Pool in-thread, 64 in flight. The dependency was evaluated once, into the image: lodash-es 0.6 MB of source, mathjs 2.4 MB.",
  unit: microseconds,
  contenders: [
    { id: "none", label: "without one", module: "prepared-image.mjs" },
    contender("lodash-es"),
    contender("zod"),
    contender("mathjs"),
  ],
  comparisons: ["lodash-es", "zod", "mathjs"].map(atMost),
};

/**
 * @param {string} id
 * @param {string} label
 * @param {{ call: string, npm?: string }} options
 */
function user(id, label, options) {
  return { id, label, module: "prepared-image.mjs", options };
}

/** @type {import("../harness/rounds.mjs").Row} */
export const dependencyUse = {
  id: "dependency-use",
  title: "A fresh sandbox for one call that uses its dependency: isNumber(1)",
  note: "Pool in-thread, 64 in flight. lodash-es has 0.6 MB of source, mathjs 2.4. From the context they are compared with a function of the call's own; by await import() with a dependency of one line, which takes the same detour over promises.",
  unit: microseconds,
  contenders: [
    user("own", "a function of its own", { call: "own" }),
    user("context-lodash-es", "lodash-es, from the context", { call: "context", npm: "lodash-es" }),
    user("context-mathjs", "mathjs, from the context", { call: "context", npm: "mathjs" }),
    user("imported-line", "one line, by await import()", { call: "imported" }),
    user("imported-lodash-es", "lodash-es, by await import()", {
      call: "imported",
      npm: "lodash-es",
    }),
    user("imported-mathjs", "mathjs, by await import()", { call: "imported", npm: "mathjs" }),
  ],
  comparisons: [
    noWorse("a call that uses lodash-es", "context-lodash-es", "own"),
    noWorse("a call that uses mathjs", "context-mathjs", "own"),
    noWorse("a call that imports lodash-es", "imported-lodash-es", "imported-line"),
    noWorse("a call that imports mathjs", "imported-mathjs", "imported-line"),
  ],
};

/**
 * @param {string} label
 * @param {string} subject
 * @param {string} reference
 */
function noWorse(label, subject, reference) {
  const target = { measure: /** @type {const} */ ("times-worse"), bound: 1.3 };
  return { label, subject, reference, target };
}

/** @type {import("../harness/rounds.mjs").Row} */
export const webApis = {
  id: "web-apis",
  title: "A fresh sandbox with all web APIs, for one call of add(1, 2)",
  note: "Pool in-thread, 64 in flight.",
  unit: microseconds,
  contenders: [
    { id: "all", label: 'webApis: "all"', module: "prepared-image.mjs" },
    {
      id: "none",
      label: 'webApis: "none"',
      module: "prepared-image.mjs",
      options: { webApis: "none" },
    },
  ],
  comparisons: [
    {
      label: "what they cost",
      subject: "all",
      reference: "none",
      target: { measure: "times-worse", bound: 1.1 },
    },
  ],
};
