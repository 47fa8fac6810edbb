/** Source text that says what it is written in: `{ source, language: "ts" }`. */
import { SkepError } from "../errors.ts";
import { type PreparedFunction, prepareFunction } from "./definitions.ts";
import { hashSource } from "./function-source.ts";

/** Source text and what it is written in. */
export interface SourceText {
  source: string;
  /** `ts`: types are stripped first, with sucrase, which must be installed. Default `js`. */
  language?: "js" | "ts" | undefined;
}

/** Checks the properties of `{ source, language }`. Throws `invalid-argument`. */
export function checkSourceText(fields: ReadonlyMap<string, unknown>, label: string): SourceText {
  const unknownKey = [...fields.keys()].find((key) => key !== "source" && key !== "language");
  if (unknownKey !== undefined) {
    throw invalid(`${label} has an unknown property "${unknownKey}". With source goes language.`);
  }
  const source = fields.get("source");
  const language = fields.get("language") ?? "js";
  if (typeof source !== "string") throw invalid(`${label}: source must be source text.`);
  if (language !== "js" && language !== "ts") {
    throw invalid(`${label}: language must be "js" or "ts".`);
  }
  return { source, language };
}

/** Checks a function of which `text` is left without the types that `given` has. */
export function prepareTypedFunction(name: string, text: string, given: string): PreparedFunction {
  const prepared = prepareFunction(name, text);
  // Where a type was, there is room.
  const parameters = prepared.parameters.map((each) => each.replace(/^([\w$]+) +=/, "$1 ="));
  return { ...prepared, parameters, given, hash: hashSource(given) };
}

function invalid(message: string): SkepError {
  return new SkepError("invalid-argument", message);
}
