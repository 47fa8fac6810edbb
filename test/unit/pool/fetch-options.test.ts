import { describe, expect, test } from "vitest";
import { resolveFetch } from "../../../src/pool/fetch-options.ts";

const allow = ["https://api.example.com"];

describe("resolveFetch", () => {
  test("without a policy there is none", () => {
    expect(resolveFetch(undefined)).toBe(undefined);
  });

  test("fills in the documented defaults", () => {
    expect(resolveFetch({ allow })).toEqual({
      allow,
      maxBytes: 10 * 2 ** 20,
      timeoutMs: 10_000,
      maxRequestsPerRun: 100,
      maxConcurrentPerRun: 16,
      privateNetwork: false,
    });
  });

  test("brings origins into their one form", () => {
    const spelled = [
      "HTTPS://API.Example.com:443",
      "https://api.example.com/",
      "http://localhost:8080",
      "https://bücher.example",
      "http://[::1]:80",
      "http://0x7f.1",
    ];
    expect(resolveFetch({ allow: spelled })?.allow).toEqual([
      "https://api.example.com",
      "http://localhost:8080",
      "https://xn--bcher-kva.example",
      "http://[::1]",
      "http://127.0.0.1",
    ]);
  });

  test.each<[what: string, value: unknown, message: RegExp]>([
    ["no object", "https://api.example.com", /fetch: options must be an object/],
    ["null", null, /fetch: options must be an object/],
    ["an unknown option", { allow, maxByte: 1 }, /no option "maxByte". Did you mean "maxBytes"/],
    ["no list", {}, /fetch\.allow must be a list of at least one origin/],
    ["an empty list", { allow: [] }, /fetch\.allow must be a list of at least one origin/],
    ["one text for a list", { allow: allow[0] }, /fetch\.allow must be a list/],
    [
      "a host without a scheme",
      { allow: ["api.example.com"] },
      /"api\.example\.com" is not an origin.*Did you mean "https:\/\/api\.example\.com"/,
    ],
    [
      "a host with a port only",
      { allow: ["localhost:80"] },
      /Did you mean "https:\/\/localhost:80"/,
    ],
    ["nothing", { allow: [""] }, /"" is not an origin/],
    ["a broken URL", { allow: ["https://"] }, /is not an origin/],
    ["an opaque URL", { allow: ["https:api.example.com"] }, /is not an origin/],
    ["a number", { allow: [1] }, /fetch\.allow: 1 must be the text of an origin/],
    ["a URL object", { allow: [new URL("https://a.example")] }, /an object must be the text/],
    ["ftp", { allow: ["ftp://a.example"] }, /is not of http or https/],
    ["a file", { allow: ["file:///etc"] }, /is not of http or https/],
    [
      "a path",
      { allow: ["https://a.example/v1"] },
      /has more than an origin.*Use "https:\/\/a\.example"/,
    ],
    ["a query", { allow: ["https://a.example?x"] }, /has more than an origin/],
    ["a fragment", { allow: ["https://a.example/#x"] }, /has more than an origin/],
    ["a user name", { allow: ["https://me@a.example"] }, /has a user name or password/],
    ["a wildcard", { allow: ["https://*.example.com"] }, /has a wildcard/],
    ["everything", { allow: ["*"] }, /has a wildcard/],
    [
      "negative bytes",
      { allow, maxBytes: -1 },
      /fetch\.maxBytes must be a whole number of at least 0/,
    ],
    ["endless bytes", { allow, maxBytes: Infinity }, /fetch\.maxBytes/],
    ["too many bytes", { allow, maxBytes: 2 ** 27 }, /at most 67108864/],
    ["no time", { allow, timeoutMs: 0 }, /fetch\.timeoutMs must be a whole number of at least 1/],
    ["words for numbers", { allow, timeoutMs: "1" }, /fetch\.timeoutMs/],
    ["no requests", { allow, maxRequestsPerRun: 0 }, /fetch\.maxRequestsPerRun/],
    ["half a request", { allow, maxConcurrentPerRun: 1.5 }, /fetch\.maxConcurrentPerRun/],
    [
      "a word for yes",
      { allow, privateNetwork: "yes" },
      /fetch\.privateNetwork must be true or false/,
    ],
  ])("refuses %s", (_what, value, message) => {
    expect(() => resolveFetch(value)).toThrow(message);
    expect(() => resolveFetch(value)).toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    );
  });
});
