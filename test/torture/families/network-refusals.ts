import { expect } from "vitest";
import { both, calls, failsWith, gives, givesWhat } from "../expectations.ts";
import { type Family, scripts, type Vector } from "../vector.ts";

/** Nobody is there: a request that was let through would fail, with other words. */
const ALLOWED = "https://api.skep.invalid";
const MAXIMUM_REQUESTS = 20;
const NOT_ALLOWED = /^TypeError: The origin \S+ is not among those the pool's policy allows/;
const NOT_PUBLIC = /^TypeError: \S+ is not the public internet's, which the pool's policy refuses/;
const NOT_HTTP = /^TypeError: fetch knows http and https, not [\w-]+:$/;
const NO_URL = /^TypeError: A request needs an absolute URL/;
const HAS_USER = /^TypeError: A request's URL cannot have a user name or a password/;

/** All of them are allowed by their origin; the policy's other half must refuse them. */
const PRIVATE_PLACES: Readonly<Record<string, readonly string[]>> = {
  "loopback, in decimal, octal, hexadecimal, short and full-width numbers": [
    "http://127.0.0.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0x7f.1/",
    "http://0x7F000001/",
    "http://127.1/",
    "http://127.0.0.1./",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://127\u30020\u30020\u30021/",
    "http://127.255.255.254/",
  ],
  "the address that means this machine": [
    "http://0.0.0.0/",
    "http://0/",
    "http://0x0/",
    "http://00000/",
    "http://0.1.2.3/",
    "http://[::]/",
  ],
  "IPv4 addresses inside of IPv6 ones": [
    "http://[::ffff:127.0.0.1]/",
    "http://[::FFFF:7f00:1]/",
    "http://[0:0:0:0:0:ffff:10.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[2002:7f00:1::]/",
    "http://[::ffff:0:127.0.0.1]/",
  ],
  "private IPv6 addresses": [
    "http://[::1]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[2001::1]/",
    "http://[2001:db8::1]/",
    "http://[100::1]/",
  ],
  "the metadata of clouds": [
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[fd00:ec2::254]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
  ],
  "private networks": [
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
  ],
  "names of this machine": [
    "http://localhost/",
    "http://LOCALHOST:8080/",
    "http://localhost./",
    "http://api.localhost/",
    "http://%6cocalhost/",
  ],
};

const told = `const told = async (...args) => {
  try { await fetch(...args); return "went"; } catch (e) { return e.name + ": " + e.message; }
};`;
const evil = `"https://evil.invalid/"`;

/** Each of the requests is refused, before a connection, in these words. */
function refused(name: string, inputs: readonly string[], pattern: RegExp): Vector {
  return {
    name,
    script: `${told} const all = []; for (const input of ${JSON.stringify(inputs)}) all.push(await told(input)); all`,
    expect: givesWhat((all: string[]) => {
      expect(all).toEqual(inputs.map(() => expect.stringMatching(pattern)));
    }),
  };
}

/** The script's last value is what one request, or each of several, was refused with. */
function tells(pattern: RegExp) {
  return givesWhat((value: string | string[]) => {
    const all = [value].flat();
    expect(all.length).toBeGreaterThan(0);
    expect(all).toEqual(all.map(() => expect.stringMatching(pattern)));
  });
}

/** What a policy refuses before there is a connection: no server is needed, or reached. */
export const networkRefusals: Family = {
  name: "network escape: refusals",
  pool: {
    fetch: {
      allow: [
        ...new Set([
          ALLOWED,
          ...Object.values(PRIVATE_PLACES)
            .flat()
            .map((url) => new URL(url).origin),
        ]),
      ],
      maxRequestsPerRun: MAXIMUM_REQUESTS,
      maxBytes: 1_000,
    },
  },
  vectors: [
    ...Object.entries(PRIVATE_PLACES).map(([name, urls]) => refused(name, urls, NOT_PUBLIC)),
    refused(
      "origins that begin like an allowed one",
      [
        `${ALLOWED}.evil.invalid/`,
        `${ALLOWED}x/`,
        `${ALLOWED}-evil.invalid/`,
        `${ALLOWED}_.invalid/`,
      ],
      NOT_ALLOWED,
    ),
    refused(
      "origins that end like an allowed one",
      ["https://x.api.skep.invalid/", "https://evilapi.skep.invalid/", "https://skep.invalid/"],
      NOT_ALLOWED,
    ),
    refused("a trailing dot", [`${ALLOWED}./`, `${ALLOWED}.:443/`], NOT_ALLOWED),
    refused("other ports", [`${ALLOWED}:444/`, `${ALLOWED}:80/`, `${ALLOWED}:0/`], NOT_ALLOWED),
    refused(
      "the other scheme",
      ["http://api.skep.invalid/", "http://api.skep.invalid:443/"],
      NOT_ALLOWED,
    ),
    refused(
      "an allowed origin behind the host",
      [`https://evil.invalid/${ALLOWED}/`, `https://evil.invalid?${ALLOWED}`].concat(
        `https://evil.invalid#@api.skep.invalid/`,
        `https://evil.invalid/@api.skep.invalid/`,
      ),
      NOT_ALLOWED,
    ),
    refused(
      "backslashes",
      [
        "https://evil.invalid\\@api.skep.invalid/",
        "https:\\\\evil.invalid\\.api.skep.invalid",
        "https:/\\evil.invalid",
      ],
      NOT_ALLOWED,
    ),
    refused(
      "line breaks, tabs and spaces",
      [
        "https://e\tvil.invalid/",
        "https://evil.invalid\n/.api.skep.invalid",
        " \u0000https://evil.invalid/ ",
        "ht\r\ntps://evil.invalid",
      ],
      NOT_ALLOWED,
    ),
    refused(
      "letters that look alike",
      [
        "https://\u0430pi.skep.invalid/",
        "https://api.s\u043aep.invalid/",
        "https://api.skep.inval\u0131d/",
        "https://xn--pi-6kc.skep.invalid/",
      ],
      NOT_ALLOWED,
    ),
    refused(
      "hosts in percent signs",
      ["https://%65vil.invalid/", "https://api%2eskep%2einvalid%2eevil.invalid/"],
      NOT_ALLOWED,
    ),
    refused(
      "too few slashes, or too many",
      ["https:evil.invalid", "https:/evil.invalid", "https:////evil.invalid/"],
      NOT_ALLOWED,
    ),
    refused(
      "other schemes, some with the allowed origin",
      [
        "file:///etc/passwd",
        "file://api.skep.invalid/",
        "ftp://api.skep.invalid/",
        "blob:https://api.skep.invalid/1b4e28ba-2fa1-11d2-883f-0016d3cca427",
        "filesystem:https://api.skep.invalid/temporary/x",
        "view-source:https://api.skep.invalid/",
        "data:text/plain,x",
        "javascript:globalThis",
        "about:blank",
        "ws://api.skep.invalid/",
        "wss://api.skep.invalid/",
        "gopher://127.0.0.1:70/",
        "node:fs",
        "unix:///var/run/docker.sock",
      ],
      NOT_HTTP,
    ),
    refused("URLs without a base", ["/x", "//evil.invalid/", "", "?x", "evil.invalid"], NO_URL),
    refused(
      "hosts and ports that are none",
      [
        "https://",
        "http://[::1/",
        "http://256.256.256.256/",
        "http://0x100000000/",
        `${ALLOWED}:65536/`,
        `${ALLOWED}:443.evil.invalid/`,
        "https://api.skep.invalid%00.evil.invalid/",
        "https://api.skep.invalid%2f.evil.invalid/",
      ],
      NO_URL,
    ),
    refused(
      "user names and passwords",
      [
        "https://user@api.skep.invalid/",
        "https://:word@api.skep.invalid/",
        "https://api.skep.invalid@evil.invalid/",
        "https://api.skep.invalid:443@evil.invalid/",
        "https://api.skep.invalid%2f@evil.invalid/",
      ],
      HAS_USER,
    ),
    ...scripts([
      [
        "header values with line breaks, by every way in",
        `${told} const bad = ["1\\r\\nHost: x", "1\\nx-b: 2", "1\\rx", "1\\0", "\\u560d\\u560ax: 1"];
        const ways = [(v) => ({ "x-a": v }), (v) => [["x-a", v]], (v) => { const h = new Headers(); h.append("x-a", v); return h; }, (v) => { const h = new Headers(); h.set("x-a", v); return h; }];
        const all = []; for (const v of bad) for (const way of ways) all.push(await (async () => way(v))().then((headers) => told("${ALLOWED}", { headers }), (e) => e.name + ": " + e.message)); all`,
        tells(/^TypeError: The value of the header/),
      ],
      [
        "header names with line breaks, colons and spaces",
        `${told} const all = []; for (const name of ["x\\r\\ny", "x: 1\\r\\ny", "x y", "x:", "", "h\\u00f6st", "\\u212aost"]) all.push(await told("${ALLOWED}", { headers: { [name]: "1" } })); all`,
        tells(/is not a header name/),
      ],
      [
        "methods that are more than a method",
        `${told} const all = []; for (const method of ["GET / HTTP/1.1\\r\\nHost: x", "GET ", "", "\\u212aGET", "connect", "TRACE", "tRaCk"]) all.push(await told("${ALLOWED}", { method })); all`,
        tells(/^TypeError: (".*" is not a method|The method \w+ is not allowed)/),
      ],
      [
        "options that would loosen the rules",
        `${told} const all = []; for (const init of [{ mode: "no-cors" }, { mode: "navigate" }, { mode: "same-origin" }, { cache: "only-if-cached" }, { cache: "force-cache" }, { credentials: "all" }, { redirect: "everywhere" }, { integrity: "sha256-x" }]) all.push(await told("${ALLOWED}", init)); all`,
        tells(/^TypeError: A request's \w+ cannot be/),
      ],
      [
        "texts that change when they are read again",
        `${told} let n = 0; [await told({ toString: () => n++ ? "${ALLOWED}" : ${evil} }), String(n)][0] + n`,
        givesWhat((value: string) => {
          expect(value).toMatch(NOT_ALLOWED);
          expect(value).toMatch(/1$/);
        }),
      ],
      [
        "URL objects that say something else",
        `${told} const all = [];
        const own = new URL(${evil}); for (const key of ["origin", "host", "hostname"]) Object.defineProperty(own, key, { value: "${ALLOWED}" }); all.push(await told(own));
        class Liar extends URL { get origin() { return "${ALLOWED}"; } get href() { return "${ALLOWED}/"; } toString() { return ${evil}; } } all.push(await told(new Liar("${ALLOWED}")));
        URL.prototype.toString = () => ${evil}; all.push(await told(new URL("${ALLOWED}"))); all`,
        tells(NOT_ALLOWED),
      ],
      [
        "a Request whose url lies",
        `${told} const all = [];
        class Liar extends Request { get url() { return "${ALLOWED}/"; } } all.push(await told(new Liar(${evil})));
        const own = new Request(${evil}); Object.defineProperty(own, "url", { value: "${ALLOWED}/" }); all.push(await told(own));
        Object.defineProperty(Request.prototype, "url", { get: () => "${ALLOWED}/" }); all.push(await told(new Request(${evil}))); all.push(await told(new Request(${evil}).clone())); all`,
        tells(NOT_ALLOWED),
      ],
      [
        "a Request that is only shaped like one",
        `${told} const all = []; for (const fake of [{ url: "${ALLOWED}/", method: "GET" }, { __proto__: Request.prototype }, Object.create(new Request("${ALLOWED}"), { toString: { value: () => ${evil} } }), new Proxy(new Request("${ALLOWED}"), {})]) all.push(await told(fake)); all`,
        tells(/^TypeError: /),
      ],
      [
        "a polluted Object.prototype that names a policy",
        `${told} Object.assign(Object.prototype, { allow: [${evil}, "https://evil.invalid"], privateNetwork: true, origin: "${ALLOWED}", url: "${ALLOWED}/", protocol: "https:", number: 1 }); [await told(${evil}), await told(new Request(${evil}))]`,
        tells(NOT_ALLOWED),
      ],
      [
        "intrinsics that say yes to everything",
        `${told} Array.prototype.includes = RegExp.prototype.test = Set.prototype.has = String.prototype.startsWith = () => true; RegExp.prototype.exec = () => null; String.prototype.toString = String.prototype.valueOf = () => "${ALLOWED}"; String = () => "${ALLOWED}"; Array.prototype[Symbol.iterator] = function* () {}; await told.call(null, ${evil}).catch((e) => "TypeError: " + e.message)`,
        givesWhat((value: string) => expect(value).not.toBe("went")),
      ],
      [
        "replaced classes",
        `${told} class Fake { url = "${ALLOWED}/"; method = "GET"; signal = null; body = null } globalThis.Request = Fake; globalThis.URL = Fake; globalThis.Headers = Fake; globalThis.AbortSignal = Fake; [await told(${evil}), await told(${evil}, { headers: { a: "b" } })]`,
        tells(NOT_ALLOWED),
      ],
      [
        "poisoned Headers and Promise",
        `const said = []; const { then } = Promise.prototype; Headers.prototype.get = Headers.prototype.entries = Headers.prototype[Symbol.iterator] = () => { throw "poison"; }; const p = fetch(${evil}, { headers: new Headers({ a: "b" }) }); Promise.prototype.then = () => { throw "poison"; }; Promise.resolve = () => { throw "poison"; }; await new Promise((done) => then.call(p, done, (e) => { said.push(e.name + ": " + e.message); done(); })); said`,
        tells(NOT_ALLOWED),
      ],
      [
        "a request inside of another's options",
        `${told} const inner = []; const outer = await told("${ALLOWED}", { get headers() { inner.push(told(${evil})); throw new TypeError("mine"); } }); [outer, ...(await Promise.all(inner))].join("|")`,
        givesWhat((value: string) =>
          expect(value).toMatch(/^TypeError: mine\|TypeError: The origin/),
        ),
      ],
      [
        "a head that is too large",
        `${told} [await told("${ALLOWED}/" + "x".repeat(70_000)), await told("${ALLOWED}", { headers: { x: "x".repeat(70_000) } })]`,
        tells(/65536 bytes/),
      ],
      [
        "a body that is too large, and one that grows while it is read",
        `${told} const view = new Uint8Array(1_001); const grown = { toString: () => "x".repeat(1_001) }; [await told("${ALLOWED}", { method: "POST", body: view }), await told("${ALLOWED}", { method: "POST", body: view.buffer }), await told("${ALLOWED}", { method: "POST", body: grown })]`,
        tells(/larger than 1000 bytes, the policy's maxBytes/),
      ],
      [
        "more requests than the policy has, one by one and at once",
        `${told} for (let n = 0; n < 10; n++) await told(${evil}); const rest = await Promise.all(Array.from({ length: 40 }, () => told(${evil}))); [rest.filter((t) => t.includes("not among")).length, rest.filter((t) => t.includes("maxRequestsPerRun")).length]`,
        gives([MAXIMUM_REQUESTS - 10, 50 - MAXIMUM_REQUESTS]),
      ],
      [
        "allowed origins as modules",
        `(await Promise.allSettled(["${ALLOWED}/x.js", "data:text/javascript,export default 1", "node:http"].map((name) => import(name)))).map(({ status, reason }) => status + reason?.name)`,
        gives(Array(3).fill("rejectedReferenceError")),
      ],
      [
        "what comes with fetch",
        `["XMLHttpRequest", "WebSocket", "EventSource", "WebTransport", "caches", "navigator", "process", "require", "Buffer", "FetchEvent"].filter((name) => name in globalThis)`,
        gives([]),
      ],
      [
        "the constructors behind fetch and its errors",
        `const e = await fetch(${evil}).catch((e) => e); const names = []; for (const value of [fetch, fetch(${evil}).catch(() => {}), e, Headers, new Request("${ALLOWED}"), new Response("")]) names.push(typeof value.constructor.constructor("return typeof process + typeof require")(), value.constructor.constructor("return typeof process + typeof require + (this === globalThis)")()); [names.filter((_, i) => i % 2), e instanceof TypeError, /node:|file:|dist|worker/.test(e.stack)]`,
        gives([Array(6).fill("undefinedundefinedtrue"), true, false]),
      ],
      [
        "fetch as a constructor, without arguments, on other objects",
        `const all = []; for (const f of [() => new fetch(${evil}), () => fetch(), () => fetch.call(null, ${evil}), () => Reflect.apply(fetch, new Proxy({}, {}), [Symbol("x")])]) { try { await f(); all.push("went"); } catch (e) { all.push(e.name); } } all`,
        gives(Array(4).fill("TypeError")),
      ],
      [
        "a policy from within the guest",
        `${told} [await told(${evil}, { allow: [${evil}], privateNetwork: true, fetch: { allow: ["https://evil.invalid"] } }), await told(${evil}, { dispatcher: {}, agent: {}, lookup() {} })]`,
        tells(NOT_ALLOWED),
      ],
      [
        "requests nobody waits for, left behind",
        `for (let n = 0; n < 10; n++) fetch(${evil}).then(() => host.take("went"), () => {}); 1`,
        both(gives(1), calls(10)),
      ],
    ]),
    {
      name: "requests past the run's host calls",
      script: `for (;;) { try { await fetch(${evil}); } catch { } finally { globalThis.n = (globalThis.n ?? 0) + 1; } if (n > 10) host.take(n); }`,
      limits: { hostCalls: 3 },
      expect: both(failsWith("host-calls-exceeded", /3 times/), calls(3)),
    },
  ],
};
