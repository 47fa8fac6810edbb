/** A sandbox's requests over a transport that does what the test says. */
import { describe, expect, test } from "vitest";
import { requestsUnder } from "../../../src/guest/fetch/requests.ts";
import type { Hop } from "../../../src/guest/fetch/hop.ts";
import type { Reply, Transport } from "../../../src/guest/fetch/transport.ts";
import type { FetchPolicy } from "../../../src/protocol/fetch-policy.ts";

const policy: FetchPolicy = {
  allow: ["https://a.example", "https://b.example", "http://127.0.0.1", "http://x.localhost"],
  maxBytes: 100_000,
  timeoutMs: 5_000,
  maxRequestsPerRun: 3,
  maxConcurrentPerRun: 2,
  privateNetwork: false,
};

function reply(parts: Partial<Reply> = {}): Reply {
  return {
    status: 200,
    statusText: "",
    headers: [],
    body: undefined,
    isOpaqueRedirect: false,
    type: "basic",
    ...parts,
  };
}

function chunks(...list: Uint8Array[]): Reply["body"] {
  return { read: async () => list.shift() };
}

/** Answers with each reply in turn, and keeps what was asked. */
function scripted(...replies: Reply[]): Transport & { hops: Hop[]; signals: AbortSignal[] } {
  const hops: Hop[] = [];
  const signals: AbortSignal[] = [];
  return {
    hops,
    signals,
    async send(hop, { signal }) {
      hops.push(hop);
      signals.push(signal);
      return replies.shift() ?? reply();
    },
  };
}

function open(number: number, url: string, headers: string[] = [], redirect = "follow"): unknown[] {
  return [number, url, "GET", headers, null, redirect];
}

describe("requests", () => {
  test("skip empty chunks, and split large ones", async () => {
    const body = chunks(new Uint8Array(0), new Uint8Array(70_000), new Uint8Array(0));
    const requests = requestsUnder(policy, scripted(reply({ body })))();
    await requests.perform("open", open(1, "https://a.example/"));
    const lengths: unknown[] = [];
    for (;;) {
      const chunk = (await requests.perform("read", [1])) as Uint8Array | null;
      lengths.push(chunk?.length);
      if (chunk === null) break;
      // Not a byte of what is behind it.
      expect(chunk.buffer.byteLength).toBe(chunk.length);
    }
    expect(lengths).toEqual([65_536, 4_464, undefined]);
    await expect(requests.perform("read", [1])).rejects.toThrow("The body is gone.");
  });

  test("check every hop", async () => {
    const transport = scripted(
      reply({ status: 302, headers: [["location", "https://b.example/x"]] }),
      reply({ status: 302, headers: [["location", "http://b.example/"]] }),
    );
    const requests = requestsUnder(policy, transport)();
    await expect(requests.perform("open", open(1, "https://a.example/"))).rejects.toThrow(
      "The origin http://b.example, where it was redirected to, is not among",
    );
    expect(transport.hops.map(({ url }) => url.href)).toEqual([
      "https://a.example/",
      "https://b.example/x",
    ]);
    // Connections of hops are left behind.
    expect(transport.signals.every((signal) => signal.aborted)).toBe(true);
  });

  test("go nowhere that is written as private", async () => {
    const transport = scripted();
    for (const url of ["http://127.0.0.1/", "http://x.localhost/"]) {
      const requests = requestsUnder(policy, transport)();
      await expect(requests.perform("open", open(1, url))).rejects.toThrow(
        "is not the public internet's",
      );
    }
    expect(transport.hops).toEqual([]);
    const requests = requestsUnder({ ...policy, privateNetwork: true }, transport)();
    await requests.perform("open", open(1, "http://127.0.0.1/"));
    expect(transport.hops).toHaveLength(1);
  });

  test("take no header that is forbidden, whatever a guest's own check says", async () => {
    const transport = scripted();
    const requests = requestsUnder(policy, transport)();
    const headers = ["host", "evil", "Cookie", "a", "X-Ok", " 1 ", "x-http-method", "get, trace"];
    await requests.perform("open", open(1, "https://a.example/", headers));
    expect(transport.hops[0]?.headers).toEqual([["x-ok", "1"]]);
    for (const bad of [
      ["a b", "1"],
      ["a", "1\r\nb: 2"],
      [1, 2],
    ]) {
      expect(() =>
        requests.perform("open", open(2, "https://a.example/", bad as string[])),
      ).toThrow(TypeError);
    }
  });

  test("show nothing of a redirect that is left alone", async () => {
    const headers: Reply["headers"] = [["location", "https://secret.example/"]];
    const transport = scripted(
      reply({ status: 301, headers, body: chunks(new Uint8Array(1)) }),
      reply({ status: 0, isOpaqueRedirect: true, type: "cors" }),
      reply({ status: 0, isOpaqueRedirect: true, type: "cors" }),
    );
    const requests = requestsUnder(policy, transport)();
    const opaque = ["opaqueredirect", "https://a.example/", false, 0, "", [], false];
    const left = (number: number) => open(number, "https://a.example/#x", [], "manual");
    expect(await requests.perform("open", left(1))).toEqual(opaque);
    expect(await requests.perform("open", left(2))).toEqual(opaque);
    await expect(requests.perform("open", open(3, "https://a.example/"))).rejects.toThrow(
      "a browser does not show where to",
    );
  });

  test("end when they are told to, all of them", async () => {
    const never: Reply["body"] = { read: () => new Promise(() => {}) };
    const transport = scripted(reply({ body: never }), reply({ body: never }));
    const requests = requestsUnder(policy, transport)();
    await requests.perform("open", open(1, "https://a.example/"));
    await requests.perform("open", open(2, "https://a.example/"));
    await expect(requests.perform("open", open(3, "https://a.example/"))).rejects.toThrow(
      "2 requests are open, the policy's maxConcurrentPerRun",
    );
    expect(requests.perform("cancel", [1])).toBe(undefined);
    expect(transport.signals.map((signal) => signal.aborted)).toEqual([true, false]);
    requests.abort();
    expect(transport.signals.map((signal) => signal.aborted)).toEqual([true, true]);
    await expect(requests.perform("open", open(4, "https://a.example/"))).rejects.toThrow(
      "more than 3 times, the policy's maxRequestsPerRun",
    );
  });

  test.each<[unknown[]]>([
    [[]],
    [[1, 2, "GET", [], null, "follow"]],
    [[1, "https://a.example/", "GET", "headers", null, "follow"]],
    [[1, "no url", "GET", [], null, "follow"]],
    [[1, "https://a.example/", "TRACE", [], null, "follow"]],
    [["1", "https://a.example/", "GET", [], null, "follow"]],
  ])("that are none are refused: %j", (args) => {
    const requests = requestsUnder(policy, scripted())();
    expect(() => requests.perform("open", args)).toThrow(TypeError);
    expect(() => requests.perform("steal", [1])).toThrow("There is no such part of a request.");
  });
});
