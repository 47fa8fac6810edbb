/** The Fetch standard's rules for headers: what a name and a value may be, and who may set which. */

export type Header = readonly [name: string, value: string];

/** Whose headers they are, as the standard's guards. */
export type HeaderGuard = "none" | "request" | "response" | "immutable";

const TOKEN = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;

/** What only whoever makes the request decides. */
const FORBIDDEN_IN_REQUESTS: ReadonlySet<string> = /*#__PURE__*/ new Set(
  (
    "accept-charset accept-encoding access-control-request-headers access-control-request-method " +
    "access-control-request-private-network connection content-length cookie cookie2 date dnt expect " +
    "host keep-alive origin referer set-cookie te trailer transfer-encoding upgrade via"
  ).split(" "),
);
const METHOD_OVERRIDES = ["x-http-method", "x-http-method-override", "x-method-override"];
const FORBIDDEN_METHODS = /^(?:connect|trace|track)$/i;
const NORMALISED_METHODS = /^(?:delete|get|head|options|post|put)$/i;

/** The name in lower case. Throws a TypeError when it is none. */
export function headerName(name: string): string {
  if (TOKEN.test(name)) return name.toLowerCase();
  throw new TypeError(`${JSON.stringify(name)} is not a header name.`);
}

/** The value without the white space around it. Throws a TypeError when it is none. */
export function headerValue(name: string, value: string): string {
  const normalised = value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  if (!/[\0\n\r]|[^\0-\xff]/.test(normalised)) return normalised;
  throw new TypeError(
    `The value of the header "${name}" has a line break, a NUL or a character beyond Latin-1.`,
  );
}

/** Whether a header is dropped when it is set on headers with that guard. The name is in lower case. */
export function isForbidden(guard: HeaderGuard, name: string, value: string): boolean {
  if (guard === "response") return isForbiddenInResponses(name);
  if (guard !== "request") return false;
  if (FORBIDDEN_IN_REQUESTS.has(name) || /^(?:proxy-|sec-)/.test(name)) return true;
  return (
    METHOD_OVERRIDES.includes(name) &&
    value
      .split(",")
      .some((method) => FORBIDDEN_METHODS.test(method.replace(/^[\t ]+|[\t ]+$/g, "")))
  );
}

/** Cookies are nobody's here. */
export function isForbiddenInResponses(name: string): boolean {
  return name === "set-cookie" || name === "set-cookie2";
}

/** The method as it is sent. Throws a TypeError when it is none, or not for guests. */
export function requestMethod(method: string): string {
  if (!TOKEN.test(method)) throw new TypeError(`${JSON.stringify(method)} is not a method.`);
  if (FORBIDDEN_METHODS.test(method)) throw new TypeError(`The method ${method} is not allowed.`);
  return NORMALISED_METHODS.test(method) ? method.toUpperCase() : method;
}

/** Sorted by name, values of the same name combined; each Set-Cookie stays apart. */
export function sortAndCombine(headers: readonly Header[]): Header[] {
  const cookies = headers.filter(([name]) => name === "set-cookie");
  const combined = new Map<string, string>();
  for (const [name, value] of headers) {
    if (name === "set-cookie") continue;
    const known = combined.get(name);
    combined.set(name, known === undefined ? value : `${known}, ${value}`);
  }
  const names = [...combined.keys(), ...(cookies.length > 0 ? ["set-cookie"] : [])].sort();
  return names.flatMap((name): Header[] =>
    name === "set-cookie" ? cookies : [[name, combined.get(name) ?? ""]],
  );
}

/** Names and values in turn, as guests have them. */
export function pairsOf(flat: readonly string[]): Header[] {
  const headers: Header[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    headers.push([flat[at] ?? "", flat[at + 1] ?? ""]);
  }
  return headers;
}
