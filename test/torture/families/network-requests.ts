import { expect, inject } from "vitest";
import { both, either, failsWith, gives, givesWhat, tookNothing, where } from "../expectations.ts";
import { type Family, scripts, type Stage, type Vector } from "../vector.ts";

const [HERE = "", THERE = "", FORBIDDEN = ""] = inject("fetchOrigins");
const FORBIDDEN_PORT = FORBIDDEN.slice(FORBIDDEN.lastIndexOf(":"));
const MAXIMUM_BYTES = 200_000;
const NO_WAY = /where it was redirected to, is not among those the pool's policy allows/;
const HIDDEN = /redirects, and a browser does not show where to/;

const prelude = `const told = async (...args) => {
  try { const r = await fetch(...args); return "went: " + (await r.text()).slice(0, 200); } catch (e) { return e.name + ": " + e.message; }
};
const to = (place, status = 302, from = "${HERE}") => from + "/redirect?status=" + status + "&to=" + encodeURIComponent(place);
const echo = async (...args) => (await fetch(...args)).json();
`;

let lastName = 0;
/** A name under which the first server notes what becomes of a request. */
function newName(): string {
  return `torture-${++lastName}-${Math.random()}`;
}

/** Resolves once the first server has seen it: a guest asks, the host's own fetch leaves traces. */
async function seen({ pool }: Stage, mark: string): Promise<void> {
  await pool.eval(`await (await fetch("${HERE}/seen?mark=${encodeURIComponent(mark)}")).text()`);
}

/** Every redirect ends in these words; a browser does not even show where it leads. */
function redirects(name: string, calls: string, pattern: RegExp): Vector {
  return {
    name,
    script: `${prelude} await Promise.all([${calls}])`,
    expect: where(({ node }) =>
      givesWhat((all: string[]) => {
        expect(all).toEqual(all.map(() => expect.stringMatching(node ? pattern : HIDDEN)));
      }),
    ),
  };
}

/** A run that is over, however it ends, while a request is open: the server sees it close. */
function leaves(
  name: string,
  path: string,
  end: (stage: Stage, url: string, name: string) => Promise<unknown>,
  expectation: Vector["expect"],
): Vector {
  return {
    name,
    async act(stage) {
      const mark = newName();
      try {
        return await end(stage, `${HERE}${path}?name=${mark}`, mark);
      } finally {
        await seen(stage, `${mark} closed`);
      }
    },
    expect: both(expectation, tookNothing),
  };
}

/** What a policy must hold against where there are servers that answer, and answer badly. */
export const networkRequests: Family = {
  name: "network escape: servers",
  pool: {
    fetch: {
      allow: [HERE, THERE],
      maxBytes: MAXIMUM_BYTES,
      maxRequestsPerRun: 60,
      maxConcurrentPerRun: 4,
      timeoutMs: 4_000,
      privateNetwork: true,
    },
  },
  vectors: [
    ...[301, 302, 303, 307, 308].map((status) =>
      redirects(
        `a redirect of status ${status} to a forbidden origin`,
        `told(to("${FORBIDDEN}/text", ${status}), { redirect: "follow" }), told(to("${FORBIDDEN}/echo", ${status}), { method: "POST", body: "x" })`,
        NO_WAY,
      ),
    ),
    redirects(
      "a forbidden origin behind several allowed hops",
      `told(to(to(to("${FORBIDDEN}/text"), 307, "${THERE}"), 301))`,
      NO_WAY,
    ),
    redirects(
      "redirects to other spellings of the forbidden place",
      [
        `http://2130706433${FORBIDDEN_PORT}/text`,
        `//127.1${FORBIDDEN_PORT}/text`,
        `http://[::ffff:127.0.0.1]${FORBIDDEN_PORT}/text`,
        `http://0${FORBIDDEN_PORT}/text`,
      ]
        .map((place) => `told(to("${place}"))`)
        .join(),
      NO_WAY,
    ),
    redirects(
      "redirects by backslashes, tabs and many slashes",
      [`\\\\\\\\`, `/\\\\`, `////`, `\\t//`]
        .map((start) => `told(to("${start}127.0.0.1${FORBIDDEN_PORT}/text"))`)
        .join(),
      NO_WAY,
    ),
    redirects(
      "redirects to the metadata of clouds",
      `told(to("http://169.254.169.254/latest")), told(to("//[fd00:ec2::254]/")), told(to("http://0xa9fea9fe/"))`,
      NO_WAY,
    ),
    redirects(
      "redirects to other schemes",
      `told(to("file:///etc/passwd")), told(to("data:text/plain,x")), told(to("javascript:1")), told(to("blob:${HERE}/x"))`,
      /fetch knows http and https, not/,
    ),
    redirects(
      "redirects to user names",
      `told(to("${HERE.replace("//", "//user:word@")}/text")), told(to("${HERE}@${FORBIDDEN.slice(7)}/text"))`,
      /has a user name or a password|is not a URL|is not among/,
    ),
    redirects("redirects without an end", `told("${HERE}/loop")`, /redirects more than 20 times/),
    ...scripts([
      [
        "a redirect that is left alone, read for where it leads",
        `${prelude} const r = await fetch(to("${FORBIDDEN}/text"), { redirect: "manual" }); [r.status, r.type, [...r.headers], r.headers.get("location"), r.body, await r.text(), JSON.stringify(r.clone()), r.url === to("${FORBIDDEN}/text")]`,
        gives([0, "opaqueredirect", [], null, null, "", "{}", true]),
      ],
      [
        "authorization through a redirect to another origin",
        `${prelude} const headers = { authorization: "secret" }; const e = await told(to("${THERE}/echo"), { headers }); e.includes("secret")`,
        gives(false),
      ],
      [
        "headers that are not the guest's, by every way in",
        `${prelude} const names = ["Host", "Cookie", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Via", "TE", "Trailer", "Expect", "Origin", "Referer", "Proxy-Authorization", "Sec-Fetch-Site", "hOsT"];
        const pairs = names.map((n) => [n, "smuggled"]); const h = new Headers(pairs); const r = new Request("${HERE}/echo", { headers: h }); for (const n of names) { r.headers.append(n, "smuggled"); r.headers.set(n, "smuggled"); }
        const all = [await echo("${HERE}/echo", { headers: pairs }), await echo("${HERE}/echo", { headers: h }), await echo(r), await echo(r.clone(), { method: "POST", body: "12345", headers: h })];
        [all.every((e) => !JSON.stringify(e).includes("smuggled")), all[3].body]`,
        gives([true, "12345"]),
      ],
      [
        "a second request inside of a body",
        `${prelude} const body = "0\\r\\n\\r\\nGET /text HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"; const e = await echo("${HERE}/echo", { method: "POST", body, headers: { "Content-Length": "0", "Transfer-Encoding": "chunked" } }); [e.body === body, e.headers["content-length"] === String(body.length)]`,
        gives([true, true]),
      ],
      [
        "line breaks in a path",
        `${prelude} const e = await echo("${HERE}/echo?a= HTTP/1.1\\r\\nX-Mine: 1\\r\\n\\r\\n"); [e.url, "x-mine" in e.headers]`,
        gives(["/echo?a=%20HTTP/1.1X-Mine:%201", false]),
      ],
      [
        "headers that change while they are read",
        `${prelude} let n = 0; const headers = { get "x-a"() { return n++ ? "1\\r\\nx-b: 2" : "fine"; } }; const e = await echo("${HERE}/echo", { headers }); [e.headers["x-a"], e.headers["x-b"] ?? null, n]`,
        gives(["fine", null, 1]),
      ],
      [
        "a text that means another place once it was looked at",
        `${prelude} let n = 0; const e = await echo({ toString: () => n++ ? "${FORBIDDEN}/echo" : "${HERE}/echo" }); [e.headers.host, n]`,
        gives([HERE.slice(7), 1]),
      ],
      [
        "a Request that means another place once it was made",
        `${prelude} const r = new Request("${HERE}/echo"); for (const [key, value] of Object.entries({ url: "${FORBIDDEN}/echo", method: "DELETE", headers: new Headers({ host: "x" }), redirect: "follow" })) { Object.defineProperty(r, key, { value }); Object.defineProperty(Request.prototype, key, { get: () => value }); } r.toString = () => "${FORBIDDEN}/echo"; const e = await echo(r); [e.headers.host, e.method]`,
        gives([HERE.slice(7), "GET"]),
      ],
      [
        "an allowed URL object that is changed after the call",
        `${prelude} const u = new URL("${HERE}/echo"); const p = echo(u); u.href = "${FORBIDDEN}/echo"; (await p).headers.host`,
        gives(HERE.slice(7)),
      ],
      [
        "the other origin's port on the allowed host",
        `${prelude} (await told("${HERE.slice(0, HERE.lastIndexOf(":"))}${FORBIDDEN_PORT}/text")).includes("not among")`,
        gives(true),
      ],
      [
        "cookies that a server sets",
        `${prelude} const r = await fetch("${HERE}/headers"); const e = await echo("${HERE}/echo", { credentials: "include" }); [r.headers.getSetCookie(), r.headers.get("set-cookie"), [...r.headers.keys()].includes("set-cookie"), e.headers.cookie ?? null]`,
        gives([[], null, false, null]),
      ],
      [
        "poisoned prototypes on the way of a reply",
        `${prelude} const { stringify } = JSON; const r = await fetch("${HERE}/text?text=true"); const stolen = []; for (const [proto, key] of [[Array.prototype, "push"], [Array.prototype, "shift"], [Uint8Array.prototype, "set"], [Uint8Array.prototype, "subarray"], [Response.prototype, "clone"], [Response.prototype, "arrayBuffer"], [Map.prototype, "get"], [TextDecoder.prototype, "decode"]]) proto[key] = function () { stolen[stolen.length] = key; throw "poison"; }; stringify([await r.text(), stolen])`,
        gives(`["true",[]]`),
      ],
      [
        "setters that everything inherits",
        `${prelude} let reached = 0; const keys = ["0", "1", "2", "status", "url", "value", "done", "resolve", "reject", "headers"]; for (const key of keys) Object.defineProperty(Object.prototype, key, { __proto__: null, configurable: true, get() { return undefined; }, set() { reached++; } }); const r = await fetch("${HERE}/text"); const text = await r.text(); for (const key of keys) delete Object.prototype[key]; text + reached`,
        gives("hello0"),
      ],
      [
        "a Response that is only shaped like one",
        `${prelude} const r = await fetch("${HERE}/text"); const names = []; for (const fake of [{ __proto__: Response.prototype }, Object.create(r), new Proxy(r, {}), { __proto__: r }]) { try { await Response.prototype.text.call(fake); names.push("read"); } catch (e) { names.push(e.name); } } [names, await r.text()]`,
        gives([Array(4).fill("TypeError"), "hello"]),
      ],
      [
        "a body read twice, at once and after it was cancelled",
        `${prelude} const r = await fetch("${HERE}/text"); const twice = await Promise.allSettled([r.text(), r.text(), r.json()]); const s = await fetch("${HERE}/bytes?n=100000"); const reader = s.body.getReader(); await reader.cancel(); [twice.map((t) => t.value ?? t.reason.name), (await reader.read()).done, await s.text().catch((e) => e.name)]`,
        gives([["hello", "TypeError", "TypeError"], true, "TypeError"]),
      ],
      [
        "a body without an end",
        `${prelude} await told("${HERE}/huge")`,
        givesWhat((value: string) => expect(value).toMatch(/larger than 200000 bytes/)),
      ],
      [
        "a body without an end, chunk by chunk, past its error",
        `${prelude} const { body } = await fetch("${HERE}/huge"); const reader = body.getReader(); let total = 0, errors = 0; for (let n = 0; n < 100; n++) { try { total += (await reader.read()).value?.length ?? 0; } catch { errors++; } } [total <= ${MAXIMUM_BYTES}, errors > 50]`,
        gives([true, true]),
      ],
      [
        "a body without an end, cloned and split",
        `${prelude} const r = await fetch("${HERE}/huge"); const parts = [r]; for (let n = 0; n < 4; n++) parts.push(r.clone()); (await Promise.allSettled(parts.map((p) => p.bytes()))).filter((p) => p.status === "rejected").length`,
        // Each clone is a level of the stack, of which asyncify has little in Node's own thread.
        where(({ recursionIsCaught }) =>
          recursionIsCaught ? gives(5) : either(gives(5), failsWith("stack-exceeded")),
        ),
      ],
      [
        "a body that decodes to more than it is",
        `${prelude} await told("${HERE}/bomb")`,
        givesWhat((value: string) => expect(value).toMatch(/larger than 200000 bytes/)),
      ],
      [
        "a cut body, and one that is not what it says",
        `${prelude} [await told("${HERE}/cut"), await told("${HERE}/coded?as=deflate&say=gzip")].map((t) => t.startsWith("TypeError: ") && !/node:|127\\.0\\.0\\.1:\\d+ *->/.test(t))`,
        gives([true, true]),
      ],
      [
        "fifty requests at once",
        `${prelude} const all = await Promise.all(Array.from({ length: 50 }, () => told("${HERE}/text"))); [all.filter((t) => t === "went: hello").length, all.filter((t) => t.includes("maxConcurrentPerRun")).length]`,
        gives([4, 46]),
      ],
      [
        "requests that are started by the end of others",
        `${prelude} let went = 0, refused = 0; const again = () => fetch("${HERE}/status?code=204").then(() => { went++; return again(); }, () => { refused++; }); await Promise.all([again(), again(), again()]); [went, refused]`,
        gives([60, 3]),
      ],
      [
        "aborting from every listener, and going on",
        `${prelude} const names = []; for (let n = 0; n < 5; n++) { const c = new AbortController(); c.signal.addEventListener("abort", () => { fetch("${HERE}/text", { signal: c.signal }).catch((e) => names.push(e.name)); throw 1; }); const p = fetch("${HERE}/never", { signal: c.signal }).catch((e) => names.push(e.name)); c.abort(); await p; } await null; [names.length, new Set(names).size, names[0]]`,
        gives([10, 1, "AbortError"]),
      ],
    ]),
    {
      name: "heads and bodies that never come, one after another",
      script: `${prelude} await Promise.all([told("${HERE}/never"), told("${HERE}/slow")])`,
      pool: {
        fetch: { allow: [HERE], timeoutMs: 150, maxBytes: MAXIMUM_BYTES, privateNetwork: true },
      },
      expect: givesWhat((all: string[]) =>
        expect(all).toEqual(Array(2).fill(expect.stringMatching(/longer than 150 ms/))),
      ),
    },
    {
      name: "a slow body that the run's own time ends",
      script: `try { await (await fetch("${HERE}/slow")).text(); } catch { host.take("after"); } finally { host.take("after"); }`,
      limits: { timeoutMs: 150 },
      expect: both(failsWith("timeout", /150 ms/), tookNothing),
    },
    {
      name: "replies past the run's input",
      script: `${prelude} let total = 0; for (;;) { try { total += (await (await fetch("${HERE}/bytes?n=20000")).bytes()).length; } catch { host.take("after"); break; } }`,
      limits: { bytesIn: 50_000 },
      expect: both(failsWith("input-exceeded"), tookNothing),
    },
    {
      name: "bodies past the run's output",
      script: `${prelude} for (;;) { try { await told("${HERE}/status?code=204", { method: "POST", body: "x".repeat(20_000) }); } finally { globalThis.n = (globalThis.n ?? 0) + 1; if (n > 3) host.take(n); } }`,
      limits: { bytesOut: 50_000 },
      expect: both(failsWith("output-exceeded"), tookNothing),
    },
    leaves(
      "a request that is open at the run's end",
      "/slow",
      ({ pool }, url) =>
        pool.eval(
          `const r = await fetch("${url}"); r.text().then(() => host.take("after"), () => host.take("after")); 1`,
        ),
      gives(1),
    ),
    leaves(
      "a request that is open when the run throws",
      "/slow",
      ({ pool }, url) => pool.eval(`await fetch("${url}"); throw new Error("mine")`),
      failsWith("guest-error", /mine/),
    ),
    leaves(
      "a request that is open when the run's time is up",
      "/slow",
      ({ pool }, url) =>
        pool.eval(
          `const r = await fetch("${url}"); try { await r.text(); } finally { await r.text(); host.take("after"); }`,
          { timeoutMs: 200 },
        ),
      failsWith("timeout"),
    ),
    leaves(
      "a request that is open when the run is aborted",
      "/slow",
      async (stage, url, name) => {
        const controller = new AbortController();
        const run = stage.pool.eval(
          `const r = await fetch("${url}"); await r.text().catch(() => host.take("after")); host.take("after")`,
          { signal: controller.signal },
        );
        run.catch(() => {});
        await seen(stage, `${name} opened`);
        controller.abort();
        return run;
      },
      failsWith("aborted"),
    ),
    {
      name: "requests and bodies that an earlier run has left",
      act: async ({ pool }) => {
        await pool.eval(
          `globalThis.kept = await fetch("${HERE}/slow"); setTimeout(() => fetch("${FORBIDDEN}/text"), 5); 1`,
        );
        return pool.eval(
          `[typeof kept, await (await fetch("${HERE}/text")).text(), (await Promise.all(Array.from({ length: 4 }, async () => (await fetch("${HERE}/text")).text()))).length]`,
        );
      },
      expect: gives(["undefined", "hello", 4]),
    },
  ],
};
