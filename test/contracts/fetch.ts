/** What guests fetch, and what they cannot: the same suite in every environment. */
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { FetchOptions, Pool, PoolOptions, SkepError } from "skep";
import type { Terrain } from "./suite.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Origins without a slash; by convention the third is never allowed. */
    fetchOrigins: string[];
  }
}

const MAXIMUM_BYTES = 200_000;
const TEXT = "encoded \u00fc ".repeat(100);

const FUNCTIONS = {
  echo: "async (url, init) => (await fetch(url, init)).json()",
  text: "async (url, init) => (await fetch(url, init)).text()",
  look: `async (url, init) => {
    const r = await fetch(url, init);
    return { status: r.status, statusText: r.statusText, ok: r.ok, url: r.url, redirected: r.redirected, type: r.type, hasBody: r.body !== null };
  }`,
  fails: `async (url, init) => {
    try { const r = await fetch(url, init); return "fine: " + (await r.text()).slice(0, 20); } catch (e) { return e.name + ": " + e.message; }
  }`,
};

interface Echo {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

export function fetchContract(terrain: Terrain): void {
  const { environment, engine } = terrain;
  const [here = "", there = "", forbidden = ""] = inject("fetchOrigins");
  const policy: FetchOptions = {
    allow: [here, there],
    maxBytes: MAXIMUM_BYTES,
    timeoutMs: 10_000,
    maxRequestsPerRun: 40,
    maxConcurrentPerRun: 4,
    privateNetwork: true,
  };
  const base: PoolOptions = {
    environment,
    engine,
    workers: 1,
    limits: { timeoutMs: 15_000, memoryBytes: 24 * 2 ** 20 },
    functions: FUNCTIONS,
    fetch: policy,
  };

  /** Resolves once the first server has noted it: `<name> opened`, `<name> closed`. */
  async function seen(mark: string): Promise<string> {
    const response = await fetch(`${here}/seen?mark=${encodeURIComponent(mark)}`);
    return response.text();
  }

  let lastName = 0;
  /** A path of the first server, and the name under which it notes what becomes of the request. */
  function named(path: string): { url: string; name: string } {
    const name = `${environment}-${engine}-${++lastName}-${Math.random()}`;
    return { url: `${here}${path}?name=${name}`, name };
  }

  async function withPool<Result>(
    options: PoolOptions,
    use: (pool: Pool) => Promise<Result>,
  ): Promise<Result> {
    const pool = await terrain.createPool({ ...base, ...options });
    try {
      return await use(pool);
    } finally {
      await pool.close({ force: true });
    }
  }

  describe(`fetch: ${environment}, ${engine}`, () => {
    let pool: Pool;
    const trouble: unknown[] = [];
    beforeAll(async () => {
      pool = await terrain.createPool(base);
      pool.on("warning", (event) => trouble.push(event));
      pool.on("worker-lost", (event) => trouble.push(event));
    });
    afterAll(async () => {
      await pool.close({ force: true });
      // Nothing that failed here was an error of the worker's own.
      expect(trouble).toEqual([]);
    });

    describe("requests", () => {
      it("have a method, headers and a body", async () => {
        const echo = await pool.run<Echo>("echo", [
          `${here}/echo?q=1#fragment`,
          { method: "put", headers: { "X-Mine": " two  words " }, body: "b\u00fc" },
        ]);
        expect(echo).toMatchObject({ method: "PUT", url: "/echo?q=1", body: "b\u00c3\u00bc" });
        expect(echo.headers).toMatchObject({
          "x-mine": "two  words",
          "content-type": "text/plain;charset=UTF-8",
          "content-length": "3",
          host: here.slice("http://".length),
        });
      });

      it.each<[string, string, string, string | undefined]>([
        ["bytes", "new Uint8Array([0, 255, 7]).subarray(1)", "\u00ff\u0007", undefined],
        ["a buffer", "new Uint8Array([65, 66]).buffer", "AB", undefined],
        [
          "a query",
          "new URLSearchParams({ a: '1 2' })",
          "a=1+2",
          "application/x-www-form-urlencoded;charset=UTF-8",
        ],
        ["nothing", "null", "", undefined],
      ])("carry %s", async (_what, body, text, type) => {
        const echo = (await pool.eval(
          `(await fetch("${here}/echo", { method: "POST", body: ${body} })).json()`,
        )) as Echo;
        expect(echo.body).toBe(text);
        expect(echo.headers["content-type"]).toBe(type);
        expect(echo.headers["content-length"]).toBe(String(text.length));
      });

      it("are made from Request objects, and what their bodies stream", async () => {
        const found = await pool.eval(`
          const request = new Request("${here}/echo", { method: "POST", body: "one", headers: { x: "1" } });
          const first = await (await fetch(request.clone())).json();
          const second = await (await fetch(request, { headers: { y: "2" } })).json();
          const third = await (await fetch("${here}/echo", { method: "POST", duplex: "half", body: (await fetch("${here}/text")).body })).json();
          [first.body, first.headers.x, second.body, second.headers.x, second.headers.y, third.body, request.bodyUsed]`);
        expect(found).toEqual(["one", "1", "one", undefined, "2", "hello", true]);
      });

      it("carry no credentials, no origin of the guest's choice, no header that is not its to set", async () => {
        const { headers } = await pool.run<Echo>("echo", [
          `${here}/echo`,
          {
            method: "POST",
            body: "12345",
            credentials: "include",
            headers: {
              Host: "internal",
              Cookie: "a=b",
              "Content-Length": "1",
              "Transfer-Encoding": "chunked",
              Connection: "upgrade",
              Upgrade: "websocket",
              Origin: "https://bank.example",
              Referer: "https://bank.example/",
              "Proxy-Authorization": "x",
              "Sec-Mine": "x",
              Expect: "100-continue",
              Authorization: "mine",
            },
          },
        ]);
        expect(headers).toMatchObject({
          host: here.slice("http://".length),
          "content-length": "5",
          authorization: "mine",
        });
        for (const name of "cookie transfer-encoding upgrade proxy-authorization sec-mine expect".split(
          " ",
        )) {
          expect(headers[name]).toBe(undefined);
        }
        expect(JSON.stringify(headers)).not.toMatch(/bank\.example|internal/);
      });

      it.each([
        { "x-a": "1\r\nx-b: 2" },
        { "x-a": "1\nx-b: 2" },
        { "x-a": "1\u0000" },
        { "x-a: 1\r\nx-b": "2" },
        { "x-a": "\u560d\u560a" },
      ])("cannot smuggle %j", async (headers) => {
        expect(await pool.run("fails", [`${here}/echo`, { headers }])).toMatch(/^TypeError: /);
      });

      it.each(["CONNECT", "TRACE", "track", "GET /x HTTP/1.1\r\nX: y", ""])(
        "cannot have the method %j",
        async (method) => {
          expect(await pool.run("fails", [`${here}/echo`, { method }])).toMatch(/^TypeError: /);
        },
      );

      it("with too large a body are refused", async () => {
        const body = new Uint8Array(MAXIMUM_BYTES + 1);
        expect(await pool.run("fails", [`${here}/echo`, { method: "POST", body }])).toMatch(
          /^TypeError: The request's body is larger than 200000 bytes/,
        );
      });

      it("with too much of a head are refused", async () => {
        const headers = { "x-long": "x".repeat(70_000) };
        expect(await pool.run("fails", [`${here}/echo`, { headers }])).toMatch(/65536 bytes/);
      });

      it("count as calls of the host, and waiting costs no processor time", async () => {
        const outcome = await pool.execute({
          eval: `await (await fetch("${here}/after?ms=300")).text() + await (await fetch("${here}/text")).text()`,
        });
        expect(outcome).toMatchObject({ ok: true, value: "at lasthello" });
        expect(outcome.receipt.hostCalls).toBe(2);
        expect(outcome.receipt.wallMs).toBeGreaterThan(290);
        expect(outcome.receipt.cpuMs).toBeLessThan(150);
      });

      it("of many runs wait side by side", async () => {
        const started = performance.now();
        const texts = await Promise.all(
          Array.from({ length: 12 }, () => pool.run("text", [`${here}/after?ms=300`])),
        );
        expect(new Set(texts)).toEqual(new Set(["at last"]));
        expect(performance.now() - started).toBeLessThan(3_000);
      });
    });

    describe("responses", () => {
      it("say what the server said", async () => {
        expect(await pool.run("look", [`${here}/status?code=404&message=Not+Here#x`])).toEqual({
          status: 404,
          statusText: "Not Here",
          ok: false,
          url: `${here}/status?code=404&message=Not+Here`,
          redirected: false,
          type: terrain.node ? "basic" : "cors",
          hasBody: true,
        });
        expect(await pool.run("look", [`${here}/status?code=204`])).toMatchObject({
          ok: true,
          hasBody: false,
        });
        expect(await pool.run("look", [`${here}/text`, { method: "HEAD" }])).toMatchObject({
          status: 200,
          hasBody: false,
        });
      });

      it("have headers that cannot be changed, and no cookies", async () => {
        const found = await pool.eval(`
          const { headers } = await fetch("${here}/headers");
          let name; try { headers.set("x", "y") } catch (e) { name = e.name }
          [headers.get("x-two"), headers.get("x-latin"), headers.get("set-cookie"), headers.getSetCookie(), name]`);
        expect(found).toEqual(["a, b", "\u00e9", null, [], "TypeError"]);
      });

      it("are read in each way", async () => {
        const url = `${here}/text?text=${encodeURIComponent('\ufeff{"a":"\u00fc"}')}`;
        const found = await pool.eval(`
          const get = () => fetch(${JSON.stringify(url)});
          [await (await get()).text(), await (await get()).json(), (await (await get()).arrayBuffer()).byteLength, (await (await get()).bytes()).length]`);
        expect(found).toEqual(['{"a":"\u00fc"}', { a: "\u00fc" }, 13, 13]);
      });

      it("are read chunk by chunk, by readers and loops, and by two at once", async () => {
        const found = await pool.eval(`
          const get = () => fetch("${here}/bytes?n=150000");
          let looped = 0, most = 0;
          for await (const chunk of (await get()).body) { looped += chunk.length; most = Math.max(most, chunk.length) }
          const kept = await get();
          for await (const chunk of kept.body.values({ preventCancel: true })) { var first = chunk.length; break }
          for await (const chunk of kept.body) first += chunk.length;
          const reader = (await get()).body.getReader();
          let read = 0;
          for (;;) { const { done, value } = await reader.read(); if (done) break; read += value.length }
          const one = await get(), two = one.clone();
          [looped, first, most <= 65536, read, (await two.bytes()).length, (await one.bytes()).length]`);
        expect(found).toEqual([150_000, 150_000, true, 150_000, 150_000, 150_000]);
      });

      it("arrive while their bodies are still to come, and a reader can let go of them", async () => {
        const { url, name } = named("/held");
        const found = await pool.eval(`
          const response = await fetch("${url}");
          const reader = response.body.getReader();
          const asked = reader.read().catch((e) => e.name);
          reader.releaseLock();
          const first = await asked;
          await (await fetch("${here}/release?of=${name}")).text();
          [response.status, first, await response.body.getReader().read().then((r) => String.fromCharCode(...r.value))]`);
        expect(found).toEqual([200, "TypeError", "released"]);
      });

      it.each(["gzip", "deflate", "br", "gzip, br"])("are decoded from %s", async (as) => {
        expect(await pool.run("text", [`${here}/coded?as=${as}`])).toBe(TEXT);
      });

      it("are decoded from deflate without its wrapping", async () => {
        expect(await pool.run("text", [`${here}/coded?as=raw+deflate&say=deflate`])).toBe(TEXT);
      });

      it("that are cut short, or not what they say, fail", async () => {
        expect(await pool.run("fails", [`${here}/cut`])).toMatch(/^TypeError: /);
        expect(await pool.run("fails", [`${here}/coded?as=deflate&say=gzip`])).toMatch(
          /^TypeError: /,
        );
      });
    });

    describe("where to", () => {
      it.each([
        [`${forbidden}/text`, "The origin http://127.0.0.1"],
        ["https://127.0.0.1/", "not among those the pool's policy allows"],
        ["ftp://example.com/", "http and https"],
        ["file:///etc/passwd", "http and https"],
        ["data:text/plain,x", "http and https"],
        ["/text", "absolute URL"],
        ["", "absolute URL"],
        [here.replace("//", "//user@") + "/text", "user name"],
        [here.replace("//", "//:word@") + "/text", "user name"],
      ])("not to %j", async (url, why) => {
        const told = await pool.run<string>("fails", [url]);
        expect(told).toMatch(/^TypeError: /);
        expect(told).toContain(why);
      });

      it("not anywhere else by any spelling of an allowed host", async () => {
        const port = here.slice(here.lastIndexOf(":"));
        // The parser brings these into the allowed form: they are the same origin.
        expect(await pool.run("text", [`http://2130706433${port}/text`])).toBe("hello");
        for (const host of [
          "127.0.0.1.example.com",
          "127.0.0.2",
          "[::ffff:127.0.0.1]",
          "0.0.0.0",
        ]) {
          expect(await pool.run("fails", [`http://${host}${port}/text`])).toMatch(/not among/);
        }
        expect(await pool.run("fails", [`${here}@${forbidden.slice(7)}/text`])).toMatch(
          /TypeError/,
        );
      });

      it("not to private addresses without the policy's leave", async () => {
        const port = here.slice(here.lastIndexOf(":"));
        const allow = [
          here,
          `http://localhost${port}`,
          `http://[::1]${port}`,
          `http://[::ffff:127.0.0.1]${port}`,
        ];
        await withPool({ fetch: { ...policy, allow, privateNetwork: false } }, async (careful) => {
          for (const origin of allow) {
            expect(await careful.run("fails", [`${origin}/text`])).toMatch(
              /^TypeError: \S+ is not the public internet's, which the pool's policy refuses/,
            );
          }
        });
      });
    });

    describe("redirects", () => {
      const { node } = terrain;
      const to = (place: string, status = 302): string =>
        `${here}/redirect?status=${status}&to=${encodeURIComponent(place)}`;

      it.runIf(node)("are followed, and told", async () => {
        expect(await pool.run("look", [`${to("/text")}#here`])).toMatchObject({
          status: 200,
          url: `${here}/text`,
          redirected: true,
        });
        expect(await pool.run("text", [to(`${there}/text`)])).toBe("hello");
        expect(await pool.run("text", [`${here}/hops?left=20`])).toBe("arrived");
      });

      it.runIf(node)("are not followed for ever", async () => {
        const message = /^TypeError: \S+ redirects more than 20 times/;
        expect(await pool.run("fails", [`${here}/hops?left=21`])).toMatch(message);
        expect(await pool.run("fails", [`${here}/loop`])).toMatch(message);
      });

      it.runIf(node).each([
        [`${forbidden}/text`, /where it was redirected to, is not among/],
        ["//169.254.169.254/latest", /where it was redirected to, is not among/],
        ["file:///etc/passwd", /http and https/],
        ["data:text/plain,x", /http and https/],
        ["http://", /redirects to what is not a URL/],
      ])("do not lead to %j", async (place, message) => {
        expect(await pool.run("fails", [to(place)])).toMatch(message);
      });

      it.runIf(node)("do not lead to a user name either", async () => {
        const place = here.replace("//", "//user:word@") + "/text";
        expect(await pool.run("fails", [to(place)])).toMatch(/has a user name or a password/);
      });

      it.runIf(node)("keep the body or drop it, as their status says", async () => {
        const post = { method: "POST", body: "kept", headers: { "content-type": "x/y" } };
        const moved = await pool.run<Echo>("echo", [to("/echo", 303), post]);
        expect(moved).toMatchObject({ method: "GET", body: "" });
        expect(moved.headers["content-type"]).toBe(undefined);
        const kept = await pool.run<Echo>("echo", [to(`${there}/echo`, 307), post]);
        expect(kept).toMatchObject({ method: "POST", body: "kept" });
        expect(kept.headers["content-type"]).toBe("x/y");
      });

      it.runIf(node)("take no authorization to another origin", async () => {
        const init = { headers: { authorization: "secret", "x-mine": "1" } };
        const same = await pool.run<Echo>("echo", [to("/echo"), init]);
        expect(same.headers["authorization"]).toBe("secret");
        const other = await pool.run<Echo>("echo", [to(`${there}/echo`), init]);
        expect(other.headers["authorization"]).toBe(undefined);
        expect(other.headers["x-mine"]).toBe("1");
      });

      it.runIf(!node)("are refused where a browser hides where they lead", async () => {
        expect(await pool.run("fails", [to("/text")])).toMatch(
          /^TypeError: \S+ redirects, and a browser does not show where to/,
        );
      });

      it("can be refused, or left alone", async () => {
        expect(await pool.run("fails", [to("/text"), { redirect: "error" }])).toMatch(
          /^TypeError: \S+ redirects, and redirect is "error"/,
        );
        expect(await pool.run("look", [to("/text"), { redirect: "manual" }])).toEqual({
          status: 0,
          statusText: "",
          ok: false,
          url: to("/text"),
          redirected: false,
          type: "opaqueredirect",
          hasBody: false,
        });
      });

      it.runIf(node)("without a place to go to are responses", async () => {
        expect(await pool.run("look", [`${here}/redirect`])).toMatchObject({ status: 302 });
      });
    });

    describe("limits", () => {
      // A browser reads what decodes to nothing until the time is up.
      const endless = ["/bomb", "/huge", ...(terrain.node ? ["/hollow"] : [])];
      it.each(endless)("cut %s at maxBytes", async (path) => {
        const { url, name } = named(path);
        expect(await pool.run("fails", [url])).toMatch(
          /^TypeError: The body from http:\S+ is larger than 200000 bytes, the policy's maxBytes/,
        );
        expect(await seen(`${name} closed`)).toBe("seen");
      });

      it("let a body of just that many bytes pass", async () => {
        const source = (n: number) =>
          `(await (await fetch("${here}/bytes?n=${n}")).bytes()).length`;
        expect(await pool.eval(source(MAXIMUM_BYTES))).toBe(MAXIMUM_BYTES);
        const more = await pool.execute({ eval: source(MAXIMUM_BYTES + 1) });
        expect(more).toMatchObject({ ok: false, error: { name: "TypeError" } });
      });

      it("end what takes too long, in its head or in its body", async () => {
        await withPool({ fetch: { ...policy, timeoutMs: 200 } }, async (hasty) => {
          for (const path of ["/never", "/slow"]) {
            const { url, name } = named(path);
            expect(await hasty.run("fails", [url])).toMatch(
              /^TypeError: The request to \S+ took longer than 200 ms, the policy's timeoutMs/,
            );
            expect(await seen(`${name} closed`)).toBe("seen");
          }
          // The run goes on, and others do.
          expect(await hasty.run("text", [`${here}/text`])).toBe("hello");
        });
      });

      it("a body nobody reads in time is gone, and its place is free", async () => {
        await withPool(
          { fetch: { ...policy, timeoutMs: 250, maxConcurrentPerRun: 1 } },
          async (hasty) => {
            const found = await hasty.eval(`
              const left = await fetch("${here}/slow");
              const refused = await fetch("${here}/text").catch((e) => e.message);
              await new Promise((resolve) => setTimeout(resolve, 350));
              const text = await (await fetch("${here}/text")).text();
              [refused, text, await left.text().catch((e) => e.message)]`);
            expect(found).toEqual([
              expect.stringContaining("maxConcurrentPerRun"),
              "hello",
              expect.stringContaining("timeoutMs"),
            ]);
          },
        );
      });

      it("count the requests of a run, and those open at once", async () => {
        const found = await pool.eval(`
          const open = [];
          for (let n = 0; n < 4; n++) open.push(await fetch("${here}/slow"));
          const fifth = await fetch("${here}/text").catch((e) => e.message);
          for (const response of open) await response.body.cancel();
          let made = 5, last;
          for (; made < 60; made++) {
            try { await (await fetch("${here}/text")).text() } catch (e) { last = e.message; break }
          }
          [fifth, made, last]`);
        expect(found).toEqual([
          expect.stringContaining("4 requests are open, the policy's maxConcurrentPerRun"),
          40,
          expect.stringContaining("more than 40 times, the policy's maxRequestsPerRun"),
        ]);
        // Each run has its own count.
        expect(await pool.run("text", [`${here}/text`])).toBe("hello");
      });
    });

    describe("aborting", () => {
      it("before, and with the signal's reason", async () => {
        const found = await pool.eval(`
          const names = [];
          for (const signal of [AbortSignal.abort(), AbortSignal.abort("why")]) {
            await fetch("${here}/text", { signal }).catch((e) => names.push(e.name ?? e));
          }
          names`);
        expect(found).toEqual(["AbortError", "why"]);
      });

      it("while the server thinks", async () => {
        const { url, name } = named("/never");
        const run = pool.eval(
          `await fetch("${url}", { signal: AbortSignal.timeout(100) }).catch((e) => e.name)`,
        );
        expect(await run).toBe("TimeoutError");
        expect(await seen(`${name} closed`)).toBe("seen");
      });

      it("while the body comes", async () => {
        const { url, name } = named("/slow");
        const found = await pool.eval(`
          const controller = new AbortController();
          const response = await fetch(new Request("${url}", { signal: controller.signal }));
          const reader = response.body.getReader();
          await reader.read();
          const next = reader.read().catch((e) => e.name);
          const closed = reader.closed.catch((e) => e.name);
          controller.abort();
          [await next, await closed, await reader.read().catch((e) => e.name)]`);
        expect(found).toEqual(["AbortError", "AbortError", "AbortError"]);
        expect(await seen(`${name} closed`)).toBe("seen");
      });

      it("by cancelling the body, and by leaving a loop over it", async () => {
        const cancelled = named("/slow");
        await pool.eval(
          `const r = await fetch("${cancelled.url}"); await r.body.cancel(); await r.text().catch((e) => e.name)`,
        );
        expect(await seen(`${cancelled.name} closed`)).toBe("seen");
        const left = named("/huge");
        await pool.eval(`for await (const chunk of (await fetch("${left.url}")).body) break; 1`);
        expect(await seen(`${left.name} closed`)).toBe("seen");
      });
    });

    describe("when the run ends", () => {
      it("in the middle of a coded body, its request ends", async () => {
        for (const path of ["/slow-coded", "/huge-coded"]) {
          const { url, name } = named(path);
          const source = `(await (await fetch("${url}")).body.getReader().read()).value.length > 0`;
          expect(await pool.eval(source)).toBe(true);
          expect(await seen(`${name} closed`)).toBe("seen");
        }
      });

      it.each([
        ["with its result", (url: string) => `await fetch("${url}"); "left"`],
        ["with an error", (url: string) => `await fetch("${url}"); throw new Error("gone")`],
      ])("%s, its requests end", async (_what, source) => {
        const { url, name } = named("/slow");
        await pool.execute({ eval: source(url) });
        expect(await seen(`${name} closed`)).toBe("seen");
      });

      it("before the server has answered, its requests end", async () => {
        const { url, name } = named("/never");
        await pool.execute({
          eval: `fetch("${url}"); await (await fetch("${here}/seen?mark=${encodeURIComponent(`${name} opened`)}")).text()`,
        });
        expect(await seen(`${name} closed`)).toBe("seen");
      });

      it("at its deadline, its requests end", async () => {
        const { url, name } = named("/slow");
        const outcome = await pool.execute(
          { eval: `await (await fetch("${url}")).text()` },
          { timeoutMs: 400 },
        );
        expect(outcome).toMatchObject({ ok: false, error: { code: "timeout" } });
        expect(await seen(`${name} closed`)).toBe("seen");
      });

      it("by being aborted, its requests end", async () => {
        const { url, name } = named("/never");
        const controller = new AbortController();
        const outcome = pool.execute({ run: "text", args: [url] }, { signal: controller.signal });
        await seen(`${name} opened`);
        controller.abort();
        expect(await outcome).toMatchObject({ ok: false, error: { code: "aborted" } });
        expect(await seen(`${name} closed`)).toBe("seen");
      });

      it("with the pool, its requests end", async () => {
        const { url, name } = named("/never");
        await withPool({}, async (closing) => {
          const outcome = closing.execute({ run: "text", args: [url] });
          await seen(`${name} opened`);
          await closing.close({ force: true });
          expect(await outcome).toMatchObject({ ok: false, error: { code: "closed" } });
        });
        expect(await seen(`${name} closed`)).toBe("seen");
      });

      it("what arrives late finds nobody", async () => {
        const { url, name } = named("/held");
        await pool.eval(`globalThis.held = fetch("${url}").then((r) => r.text()); 1`);
        await fetch(`${here}/release?of=${name}`);
        for (let n = 0; n < 5; n++) expect(await pool.run("text", [`${here}/text`])).toBe("hello");
        expect(await pool.eval("typeof held")).toBe("undefined");
      });

      it.runIf(terrain.threaded)("with its worker, it is not run again", async () => {
        const { url, name } = named("/never");
        await withPool({ workers: 2 }, async (losing) => {
          const outcome = losing.execute({ run: "text", args: [url] });
          await seen(`${name} opened`);
          const busy = losing.health().find((worker) => worker.pending > 0);
          losing.restartWorker(busy?.id ?? 0);
          expect(await outcome).toMatchObject({
            ok: false,
            error: {
              code: "worker-lost",
              message: expect.stringContaining("called into the host"),
            },
            receipt: { attempts: 1 },
          });
        });
      });
    });

    describe("in a sandbox shared by runs", () => {
      it("works, and ends with the last of them", async () => {
        await withPool({ isolation: "worker" }, async (shared) => {
          const texts = await Promise.all(
            Array.from({ length: 4 }, (_, n) => shared.run("text", [`${here}/text?text=${n}`])),
          );
          expect(texts).toEqual(["0", "1", "2", "3"]);
          const { url, name } = named("/slow");
          await shared.eval(`globalThis.response = await fetch("${url}"); 1`);
          expect(await seen(`${name} closed`)).toBe("seen");
          expect(await shared.eval("response.text().catch((e) => e.name)")).toBe("TypeError");
        });
      });
    });

    describe("whatever the guest replaced", () => {
      it("works, and under the same policy", async () => {
        const found = await pool.eval(`
          const evil = () => { throw new Error("poisoned") };
          for (const owner of [Array.prototype, Map.prototype, Object.getPrototypeOf(Uint8Array.prototype), Headers.prototype, Request.prototype, Response.prototype, URLSearchParams.prototype, AbortSignal.prototype]) {
            for (const key of Reflect.ownKeys(owner)) {
              const found = Object.getOwnPropertyDescriptor(owner, key);
              if (key === "constructor" || typeof key === "symbol" || !found.configurable) continue;
              if (owner === Response.prototype && key === "text") continue;
              if (owner === Array.prototype && key === "push") Array.prototype.push = evil;
              else Object.defineProperty(owner, key, typeof found.value === "function" ? { value: evil } : { get: evil });
            }
          }
          globalThis.Headers = globalThis.Request = globalThis.Response = globalThis.Promise = globalThis.URL = globalThis.AbortSignal = evil;
          Promise = evil; JSON.parse = evil; Reflect.apply = evil;
          const text = await (await fetch("${here}/text", { headers: { a: "1" } })).text();
          let refused; try { await fetch("${forbidden}/text") } catch (e) { refused = e.name }
          text + refused`);
        expect(found).toBe("helloTypeError");
      });
    });

    describe("without a policy", () => {
      it("there is no fetch", async () => {
        await withPool({ fetch: undefined }, async (none) => {
          expect(
            await none.eval("[typeof fetch, typeof Headers, typeof Request, typeof Response]"),
          ).toEqual(Array(4).fill("undefined"));
        });
      });

      it("a policy that allows nothing is refused", async () => {
        await expect(terrain.createPool({ ...base, fetch: { allow: [] } })).rejects.toMatchObject({
          code: "invalid-argument",
          message: expect.stringContaining("fetch.allow"),
        });
      });
    });

    it("comes with a policy, whatever webApis says", async () => {
      await withPool({ webApis: "none" }, async (bare) => {
        expect(
          await bare.eval("[typeof fetch, typeof Response, typeof URL, typeof console]"),
        ).toEqual(["function", "function", "function", "undefined"]);
        expect(await bare.run("text", [`${here}/text`])).toBe("hello");
      });
    });

    it("is not for code that is evaluated into the image", async () => {
      const refused = terrain.createPool({ ...base, bootstrap: `await fetch("${here}/text")` });
      const error = (await refused.catch((reason: unknown) => reason)) as SkepError;
      expect(error).toMatchObject({ code: "install-failed" });
      expect(error.message).toContain("fetch cannot be called while definitions are installed");
    });
  });
}
