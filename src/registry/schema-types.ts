/** TypeScript of a JSON Schema: what the validator of a host function's arguments takes. */

interface Schema {
  readonly [keyword: string]: unknown;
}

/** Deeper than this it says `unknown`; a schema may contain itself. */
const MAXIMUM_NESTING = 8;

/** `(arg0: number, arg1?: string)` of the schema of an array; undefined when it is none. */
export function parametersOf(schema: unknown): string | undefined {
  if (!isSchema(schema) || schema["type"] !== "array") return undefined;
  const { prefixItems, minItems, items } = schema;
  const places = Array.isArray(prefixItems) ? (prefixItems as unknown[]) : [];
  const required = typeof minItems === "number" ? minItems : 0;
  const parameters = places.map(
    (place, index) => `arg${index}${index < required ? "" : "?"}: ${typeOf(place, 0)}`,
  );
  const isOpen = isSchema(items) || (places.length === 0 && items !== false);
  if (isOpen) parameters.push(`...${places.length === 0 ? "args" : "rest"}: ${listOf(items, 0)}`);
  return `(${parameters.join(", ")})`;
}

function typeOf(schema: unknown, depth: number): string {
  if (schema === false) return "never";
  if (!isSchema(schema) || depth > MAXIMUM_NESTING) return "unknown";
  const { type, anyOf, oneOf, allOf } = schema;
  if ("const" in schema) return literal(schema["const"]);
  if (Array.isArray(schema["enum"])) return union(schema["enum"].map(literal));
  const choices = anyOf ?? oneOf;
  if (Array.isArray(choices)) return union(choices.map((choice) => typeOf(choice, depth + 1)));
  if (Array.isArray(allOf)) {
    return allOf.map((part) => `(${typeOf(part, depth + 1)})`).join(" & ") || "unknown";
  }
  if (Array.isArray(type)) return union(type.map((one) => typeOf({ ...schema, type: one }, depth)));
  switch (type) {
    case "string":
    case "boolean":
    case "null":
      return type;
    case "number":
    case "integer":
      return "number";
    case "array":
      return Array.isArray(schema["prefixItems"])
        ? tupleOf(schema, depth)
        : listOf(schema["items"], depth);
    case "object":
      return objectOf(schema, depth);
    default:
      return "unknown";
  }
}

function tupleOf({ prefixItems, minItems, items }: Schema, depth: number): string {
  const required = typeof minItems === "number" ? minItems : 0;
  const places = (prefixItems as unknown[]).map((place, index) => {
    const type = typeOf(place, depth + 1);
    return index < required ? type : `(${type})?`;
  });
  if (isSchema(items)) places.push(`...${listOf(items, depth)}`);
  return `[${places.join(", ")}]`;
}

function listOf(items: unknown, depth: number): string {
  const type = typeOf(items, depth + 1);
  return /^[\w$]+$/.test(type) ? `${type}[]` : `Array<${type}>`;
}

function objectOf({ properties, required, additionalProperties }: Schema, depth: number): string {
  const names: readonly unknown[] = Array.isArray(required) ? required : [];
  const members = Object.entries(isSchema(properties) ? properties : {}).map(
    ([name, type]) =>
      `${JSON.stringify(name)}${names.includes(name) ? "" : "?"}: ${typeOf(type, depth + 1)}`,
  );
  if (members.length > 0) return `{ ${members.join("; ")} }`;
  return `Record<string, ${typeOf(additionalProperties, depth + 1)}>`;
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(" | ") || "never";
}

function literal(value: unknown): string {
  const isLiteral = value === null || ["string", "number", "boolean"].includes(typeof value);
  return isLiteral ? JSON.stringify(value) : "unknown";
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
