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
  return {
    label: `a call beside ${subject}`,
    subject,
    reference: "none",
    target: { measure: /** @type {const} */ ("times-worse"), bound: 1.3 },
  };
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
