/** What the guest's Headers, Request and Response leave to the host: rules and lists, from data to data. */
import {
  type Header,
  type HeaderGuard,
  headerName,
  headerValue,
  isForbidden,
  pairsOf,
  requestMethod,
  sortAndCombine,
} from "./header-rules.ts";
import { isRedirectStatus } from "./hop.ts";

type HttpService = (args: readonly unknown[]) => unknown;

/** By name; see `platform-services.ts`, which they are part of. */
export const HTTP_SERVICES: Readonly<Record<string, HttpService>> = {
  // Those that may be set, normalised.
  "headers.check": ([flat, guard]) =>
    pairsOf(texts(flat))
      .map(([name, value]): Header => [headerName(name), headerValue(name, value)])
      .filter(([name, value]) => isAllowed(guardOf(guard), name, value))
      .flat(),
  // The name in lower case; null where it may not be removed.
  "headers.name": ([name, guard]) => {
    const normalised = headerName(text(name));
    return isAllowed(guardOf(guard), normalised, "") ? normalised : null;
  },
  "headers.sort": ([flat]) => sortAndCombine(pairsOf(texts(flat))).flat(),
  // [URL, method, redirect] of a request; the URL is undefined where another request is the model.
  "http.request": ([url, method, options]) => {
    const checked = texts(options);
    REQUEST_OPTIONS.forEach(([name, values], index) => {
      const value = checked[index] ?? "";
      if (values.includes(value)) return;
      throw new TypeError(`A request's ${name} cannot be ${JSON.stringify(value)} here.`);
    });
    return [
      url === undefined ? undefined : requestUrl(text(url)),
      requestMethod(text(method)),
      checked[0],
    ];
  },
  // The status as a number, if a response can be made of it.
  "http.response": ([status, statusText, hasBody]) => {
    const code = Math.trunc(Number(status)) % 65_536;
    if (!(code >= 200 && code <= 599)) {
      throw new RangeError("A response's status is a number from 200 to 599.");
    }
    if (/[^\t\x20-\x7e\x80-\xff]/.test(text(statusText))) {
      throw new TypeError("A response's statusText has a character that it cannot have.");
    }
    if (hasBody === true && [204, 205, 304].includes(code)) {
      throw new TypeError(`A response of status ${code} has no body.`);
    }
    return code;
  },
  "http.redirect": ([url, status]) => {
    if (!URL.canParse(text(url))) throw new TypeError("Response.redirect() needs an absolute URL.");
    const code = Math.trunc(Number(status)) % 65_536;
    if (isRedirectStatus(code)) return [new URL(text(url)).href, code];
    throw new RangeError("A redirect's status is 301, 302, 303, 307 or 308.");
  },
};

/** What a request's options can be; what a sandbox cannot do is refused rather than ignored. */
const REQUEST_OPTIONS: readonly [name: string, values: readonly string[]][] = [
  ["redirect", ["follow", "error", "manual"]],
  ["mode", ["cors"]],
  ["credentials", ["omit", "same-origin", "include"]],
  ["cache", ["default", "no-store", "reload", "no-cache"]],
  ["integrity", [""]],
];

function requestUrl(input: string): string {
  if (!URL.canParse(input)) {
    throw new TypeError(
      `A request needs an absolute URL, not ${JSON.stringify(input.slice(0, 200))}.`,
    );
  }
  const url = new URL(input);
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("A request's URL cannot have a user name or a password.");
  }
  return url.href;
}

function isAllowed(guard: HeaderGuard, name: string, value: string): boolean {
  if (guard === "immutable") throw new TypeError("These headers cannot be changed.");
  return !isForbidden(guard, name, value);
}

function guardOf(guard: unknown): HeaderGuard {
  return guard === "request" || guard === "response" || guard === "immutable" ? guard : "none";
}

function texts(list: unknown): string[] {
  if (!Array.isArray(list)) throw new TypeError("A service was given no list.");
  return list.map((item) => text(item));
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("A service was given no text.");
  return value;
}
