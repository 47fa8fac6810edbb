import { describe, expect, test } from "vitest";
import { type Hop, isRedirectStatus, nextHop } from "../../../src/guest/fetch/hop.ts";

const body = new Uint8Array([1]);

function hop(method: string, url = "https://a.example/x?y#z"): Hop {
  return {
    url: new URL(url),
    method,
    headers: [
      ["authorization", "secret"],
      ["content-type", "text/plain"],
      ["x-mine", "1"],
    ],
    body: method === "GET" || method === "HEAD" ? undefined : body,
  };
}

describe("nextHop", () => {
  test.each<[status: number, method: string, becomes: string, keepsBody: boolean]>([
    [301, "GET", "GET", false],
    [301, "POST", "GET", false],
    [301, "PUT", "PUT", true],
    [302, "POST", "GET", false],
    [302, "DELETE", "DELETE", true],
    [303, "POST", "GET", false],
    [303, "PUT", "GET", false],
    [303, "HEAD", "HEAD", false],
    [307, "POST", "POST", true],
    [308, "POST", "POST", true],
  ])("%i of %s becomes %s", (status, method, becomes, keepsBody) => {
    const next = nextHop(hop(method), status, "/next");
    expect(next.method).toBe(becomes);
    expect(next.body).toBe(keepsBody ? body : undefined);
    const names = next.headers.map(([name]) => name);
    // Of a request that had no body all headers stay.
    expect(names.includes("content-type")).toBe(keepsBody || method === becomes);
    expect(names).toContain("authorization");
  });

  test("takes the location as the standard reads it", () => {
    const from = hop("GET");
    expect(nextHop(from, 302, "next").url.href).toBe("https://a.example/next#z");
    expect(nextHop(from, 302, "?q#own").url.href).toBe("https://a.example/x?q#own");
    expect(nextHop(from, 302, "//b.example/").url.href).toBe("https://b.example/#z");
    expect(() => nextHop(from, 302, "http://")).toThrow(/is not a URL/);
    // As Node gives the bytes of UTF-8 in a header, and of Latin-1.
    expect(nextHop(from, 302, "/\u00c3\u00a9").url.href).toBe("https://a.example/%C3%A9#z");
    expect(nextHop(from, 302, "/\u00e9").url.href).toBe("https://a.example/%C3%A9#z");
  });

  test.each(["https://b.example/", "http://a.example/", "https://a.example:444/"])(
    "leaves credentials behind on the way to %s",
    (location) => {
      const { headers } = nextHop(hop("GET"), 302, location);
      expect(headers.map(([name]) => name)).toEqual(["content-type", "x-mine"]);
    },
  );
});

test("only some statuses of the 300s redirect", () => {
  const found = Array.from({ length: 100 }, (_, n) => 300 + n).filter((n) => isRedirectStatus(n));
  expect(found).toEqual([301, 302, 303, 307, 308]);
});
