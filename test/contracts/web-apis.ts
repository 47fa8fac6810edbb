/**
 * The web APIs inside a sandbox, by their specifications: URL, Encoding, HTML (timers, structured
 * clone, base64), DOM (events, aborting), Web Crypto, Console. Guest code is source text; where it
 * is natural the platform's own result is the expectation.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Pool, PoolEvents } from "skep";
import { HEADERS_CASES, HTTP_POISON_CASES, REQUEST_CASES, RESPONSE_CASES } from "./http-cases.ts";
import type { Terrain } from "./suite.ts";
import { WEB_API_PROGRAMS } from "./web-api-programs.ts";
import { WEB_IDL_CASES } from "./web-idl-cases.ts";

type Case = [what: string, source: string, expected: unknown];

/** What a guest expression that must throw yields: the error's name, or what it has in place of one. */
const THROWN = `const thrown = (act) => { try { act(); return "nothing"; } catch (e) { return e.name; } };`;

const PARTS =
  "href origin protocol username password host hostname port pathname search hash".split(" ");

const URL_INPUTS: [url: string, base?: string][] = [
  ["https://user:pass@example.com:8080/a/b?c=d#e"],
  ["HTTP://EXAMPLE.com:80/../a/./b/%7Ec"],
  ["../x?y#z", "https://example.com/a/b/c"],
  ["//other.example/p", "https://example.com/"],
  ["?only", "https://example.com/a?b"],
  ["#frag", "https://example.com/a?b"],
  ["", "https://example.com/a?b#c"],
  ["mailto:someone@example.com"],
  ["data:text/plain,hello world"],
  ["file:///C:/a/../b"],
  ["https://bücher.example/ü?ü#ü"],
  ["https://example.com/ space\ttab"],
  ["http://0x7f.1/"],
  ["http://[::1]:3000/"],
  ["blob:https://example.com/id"],
  ["javascript:alert(1)"],
  ["  https://trim.example/  "],
  ["https:example.com/no-slashes"],
  ["http://example.com:99999/"],
  ["http://"],
  ["/relative"],
  ["http://a b/"],
  ["https://exa%23mple.com/"],
  ["ws://example.com:80/"],
];

const URL_SETS: [url: string, part: string, value: string][] = [
  ["https://example.com/a", "protocol", "http"],
  ["https://example.com/a", "protocol", "mailto"],
  ["https://example.com/a", "host", "other.example:81"],
  ["https://example.com/a", "hostname", "x.example"],
  ["https://example.com:1/a", "port", "443"],
  ["https://example.com/a", "port", "8080abc"],
  ["https://example.com/a", "pathname", "b c?d#e"],
  ["https://example.com/a", "search", "q=1 2"],
  ["https://example.com/a?b", "search", ""],
  ["https://example.com/a", "hash", "x y"],
  ["https://example.com/a", "username", "me@"],
  ["https://example.com/a", "password", "p:w"],
  ["https://example.com/a", "href", "http://b.example/"],
  ["https://example.com/a", "origin", "http://b.example"],
];

const QUERIES = ["?a=1&b=2&a=3", "a+b=c%20d", "&&x&=y&z=", "%zz=%", "ü=\u{1f600}", "a=\ud800"];

const URL_CASES: Case[] = [
  [
    "refuses a URL that is none",
    `${THROWN} [thrown(() => new URL("x")), thrown(() => new URL())]`,
    ["TypeError", "TypeError"],
  ],
  [
    "carries the code of Node's error",
    `try { new URL("x") } catch (e) { e.code }`,
    "ERR_INVALID_URL",
  ],
  [
    "refuses an href that is none",
    `const u = new URL("a:b"); let name; try { u.href = "x" } catch (e) { name = e.name } [name, u.href]`,
    ["TypeError", "a:b"],
  ],
  [
    "has canParse",
    `[URL.canParse("x"), URL.canParse("x", "http://a"), URL.canParse("http://a")]`,
    [false, true, true],
  ],
  ["has parse", `[URL.parse("x"), URL.parse("x", "http://a").href]`, [null, "http://a/x"]],
  [
    "becomes its href",
    `const u = new URL("http://a"); [String(u), JSON.stringify({ u }), u.toJSON()]`,
    ["http://a/", '{"u":"http://a/"}', "http://a/"],
  ],
  ["takes a URL for text", `new URL(new URL("b", "http://a/c")).href`, "http://a/b"],
  [
    "keeps searchParams live",
    `const u = new URL("http://a/?x=1"); const p = u.searchParams; p.append("y", "2 3"); const one = u.href; u.search = "?z=9"; [one, p.get("z"), p.has("x"), p === u.searchParams]`,
    ["http://a/?x=1&y=2+3", "9", false, true],
  ],
  [
    "drops the question mark with the last pair",
    `const u = new URL("http://a/?x=1"); u.searchParams.delete("x"); u.href`,
    "http://a/",
  ],
  [
    "follows a new href",
    `const u = new URL("http://a/?x=1"); const p = u.searchParams; u.href = "http://b/?q=7"; p.toString()`,
    "q=7",
  ],
  [
    "checks its receiver",
    `${THROWN} thrown(() => Object.getOwnPropertyDescriptor(URL.prototype, "href").get.call({}))`,
    "TypeError",
  ],
  [
    "looks like a WebIDL class",
    `[Object.prototype.toString.call(new URL("a:b")), Object.keys(globalThis).includes("URL"), Object.keys(URL.prototype).includes("toString"), Object.getOwnPropertyDescriptor(URL.prototype, "href").get.name]`,
    ["[object URL]", false, true, "get href"],
  ],
  ["needs new", `${THROWN} thrown(() => URL("a:b"))`, "TypeError"],
];

const QUERY_CASES: Case[] = [
  [
    "from text, pairs, a record and itself",
    `[new URLSearchParams("?a=1"), new URLSearchParams([["a", "1"], ["b", 2]]), new URLSearchParams({ a: 1, b: [1, 2] }), new URLSearchParams(new URLSearchParams("q=1")), new URLSearchParams(new Map([["m", "1"]])), new URLSearchParams(), new URLSearchParams(undefined), new URLSearchParams(null)].map(String)`,
    ["a=1", "a=1&b=2", "a=1&b=1%2C2", "q=1", "m=1", "", "", "null="],
  ],
  [
    "refuses pairs that are none",
    `${THROWN} [thrown(() => new URLSearchParams([["a"]])), thrown(() => new URLSearchParams([1])), thrown(() => new URLSearchParams([["a", "b", "c"]]))]`,
    ["TypeError", "TypeError", "TypeError"],
  ],
  [
    "get, getAll, has",
    `const p = new URLSearchParams("a=1&a=2&b=3"); [p.get("a"), p.get("c"), p.getAll("a"), p.getAll("c"), p.has("a"), p.has("a", "2"), p.has("a", "3"), p.has("a", undefined)]`,
    ["1", null, ["1", "2"], [], true, true, false, true],
  ],
  [
    "set replaces the first and drops the rest",
    `const p = new URLSearchParams("a=1&b=2&a=3"); p.set("a", "x"); p.set("n", 5); String(p)`,
    "a=x&b=2&n=5",
  ],
  [
    "delete by name and by value",
    `const p = new URLSearchParams("a=1&b=2&a=3&a=1"); p.delete("a", "1"); const one = String(p); p.delete("a"); [one, String(p)]`,
    ["b=2&a=3", "b=2"],
  ],
  [
    "sorts by code units, stable",
    `const p = new URLSearchParams("z=1&a=2&\u{1f600}=3&\uff5e=4&a=1"); p.sort(); [...p.keys()]`,
    ["a", "a", "z", "\u{1f600}", "\uff5e"],
  ],
  ["size", `const p = new URLSearchParams("a=1&a=2"); p.append("b", ""); p.size`, 3],
  [
    "iterates",
    `const p = new URLSearchParams("a=1&b=2"); [[...p], [...p.entries()], [...p.keys()], [...p.values()]]`,
    [
      [
        ["a", "1"],
        ["b", "2"],
      ],
      [
        ["a", "1"],
        ["b", "2"],
      ],
      ["a", "b"],
      ["1", "2"],
    ],
  ],
  [
    "iterates live",
    `const p = new URLSearchParams("a=1&b=2"); const seen = []; for (const [k] of p) { seen.push(k); if (k === "a") p.append("c", "3"); } seen`,
    ["a", "b", "c"],
  ],
  [
    "its iterators are iterators",
    `const i = new URLSearchParams("a=1").keys(); [i[Symbol.iterator]() === i, Object.prototype.toString.call(i), i instanceof Iterator]`,
    [true, "[object URLSearchParams Iterator]", true],
  ],
  [
    "forEach",
    `const list = []; new URLSearchParams("a=1").forEach(function (v, k, p) { list.push(v, k, p.size, this.x) }, { x: 9 }); list`,
    ["1", "a", 1, 9],
  ],
  [
    "makes strings well-formed",
    `const p = new URLSearchParams(); p.append("a\ud800", "\udfff"); [p.get("a\ufffd"), String(p)]`,
    ["\ufffd", "a%EF%BF%BD=%EF%BF%BD"],
  ],
  [
    "needs its arguments",
    `${THROWN} const p = new URLSearchParams(); [thrown(() => p.append("a")), thrown(() => p.get()), thrown(() => p.set("a")), thrown(() => p.append(Symbol(), ""))]`,
    ["TypeError", "TypeError", "TypeError", "TypeError"],
  ],
];

const ENCODING_CASES: Case[] = [
  [
    "encodes UTF-8",
    `[...new TextEncoder().encode("a\u00fc\u4e2d\u{1f600}")]`,
    [97, 195, 188, 228, 184, 173, 240, 159, 152, 128],
  ],
  [
    "encodes nothing and undefined",
    `[new TextEncoder().encode().length, new TextEncoder().encode(undefined).length, new TextEncoder().encode(null).length]`,
    [0, 0, 4],
  ],
  ["replaces lone surrogates", `[...new TextEncoder().encode("\ud800x")]`, [239, 191, 189, 120]],
  [
    "is a Uint8Array of this realm",
    `const b = new TextEncoder().encode("x"); [b instanceof Uint8Array, b.buffer instanceof ArrayBuffer]`,
    [true, true],
  ],
  [
    "names its encoding",
    `[new TextEncoder().encoding, new TextDecoder().encoding, new TextDecoder("UTF8").encoding, new TextDecoder(" utf-16 ").encoding]`,
    ["utf-8", "utf-8", "utf-8", "utf-16le"],
  ],
  [
    "encodeInto stops before what does not fit",
    `const b = new Uint8Array(4); const r = new TextEncoder().encodeInto("a\u00fc\u4e2d", b); [r.read, r.written, [...b]]`,
    [2, 3, [97, 195, 188, 0]],
  ],
  [
    "encodeInto writes where a view stands",
    `const b = new Uint8Array(5); new TextEncoder().encodeInto("hey", b.subarray(1, 3)); [...b]`,
    [0, 104, 101, 0, 0],
  ],
  [
    "encodeInto takes Uint8Array only",
    `${THROWN} [thrown(() => new TextEncoder().encodeInto("a", new Uint16Array(1))), thrown(() => new TextEncoder().encodeInto("a", []))]`,
    ["TypeError", "TypeError"],
  ],
  [
    "decodes views and buffers",
    `const b = new Uint8Array([120, 97, 98, 99, 120]); [new TextDecoder().decode(b.subarray(1, 4)), new TextDecoder().decode(new DataView(b.buffer, 1, 2)), new TextDecoder().decode(b.buffer), new TextDecoder().decode()]`,
    ["abc", "ab", "xabcx", ""],
  ],
  [
    "refuses what has no bytes",
    `${THROWN} [thrown(() => new TextDecoder().decode("x")), thrown(() => new TextDecoder().decode(null)), thrown(() => new TextDecoder().decode([1]))]`,
    ["TypeError", "TypeError", "TypeError"],
  ],
  [
    "replaces what is malformed",
    `new TextDecoder().decode(new Uint8Array([97, 255, 226, 130, 98, 237, 160, 128]))`,
    "a\ufffd\ufffdb\ufffd\ufffd\ufffd",
  ],
  [
    "throws when fatal",
    `${THROWN} [thrown(() => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([255]))), new TextDecoder("utf-8", { fatal: true }).fatal]`,
    ["TypeError", true],
  ],
  [
    "strips the BOM unless told not to",
    `const b = new Uint8Array([239, 187, 191, 97]); [new TextDecoder().decode(b), new TextDecoder("utf-8", { ignoreBOM: true }).decode(b)]`,
    ["a", "\ufeffa"],
  ],
  [
    "streams a character in parts",
    `const d = new TextDecoder(); [240, 159, 152, 128].map((byte) => d.decode(new Uint8Array([byte]), { stream: true })).concat(d.decode())`,
    ["", "", "", "\u{1f600}", ""],
  ],
  [
    "ends a stream that is cut off",
    `const d = new TextDecoder(); [d.decode(new Uint8Array([228, 184]), { stream: true }), d.decode(), d.decode(new Uint8Array([97]))]`,
    ["", "\ufffd", "a"],
  ],
  [
    "streams the BOM in parts, once",
    `const d = new TextDecoder(); [[239], [187], [191, 97], [239, 187, 191]].map((list) => d.decode(new Uint8Array(list), { stream: true }))`,
    ["", "", "a", "\ufeff"],
  ],
  [
    "does not wait for what can never complete",
    `const d = new TextDecoder(); [d.decode(new Uint8Array([237, 160]), { stream: true }), d.decode(new Uint8Array([65]), { stream: true })]`,
    ["\ufffd\ufffd", "A"],
  ],
  [
    "a fatal stream fails at its end",
    `${THROWN} const d = new TextDecoder("utf-8", { fatal: true }); [d.decode(new Uint8Array([228]), { stream: true }), thrown(() => d.decode()), d.decode(new Uint8Array([98]))]`,
    ["", "TypeError", "b"],
  ],
  [
    "decodes UTF-16 both ways",
    `[new TextDecoder("utf-16le").decode(new Uint8Array([97, 0, 61, 216, 0, 222])), new TextDecoder("utf-16be").decode(new Uint8Array([0, 97, 216, 61, 222, 0]))]`,
    ["a\u{1f600}", "a\u{1f600}"],
  ],
  [
    "streams UTF-16 through a surrogate pair",
    `const d = new TextDecoder("utf-16le"); [[97], [0, 61], [216], [0, 222]].map((list) => d.decode(new Uint8Array(list), { stream: true }))`,
    ["", "a", "", "\u{1f600}"],
  ],
  [
    "latin1 is windows-1252",
    `const d = new TextDecoder("latin1"); [d.encoding, d.decode(new Uint8Array([128, 233, 129, 159]))]`,
    ["windows-1252", "\u20ac\u00e9\u0081\u0178"],
  ],
  [
    "refuses labels that are none",
    `${THROWN} [thrown(() => new TextDecoder("nope")), thrown(() => new TextDecoder("constructor"))]`,
    ["RangeError", "RangeError"],
  ],
];

const CLONE_CASES: Case[] = [
  [
    "keeps cycles and shared references",
    `const a = { n: 1 }; a.self = a; const c = structuredClone([a, a]); [c[0] === c[1], c[0].self === c[0], c[0] !== a]`,
    [true, true, true],
  ],
  [
    "keeps the kinds",
    `const c = structuredClone([new Map([[1, new Set([2])]]), new Date(5), /x/gi, 1n, new Uint8Array([1]), new RangeError("r"), Object(3)]); [c[0].get(1).has(2), c[1].getTime(), String(c[2]), c[3], c[4][0], c[5] instanceof RangeError, c[5].message, c[6] instanceof Number, c[0] instanceof Map]`,
    [true, 5, "/x/gi", 1n, 1, true, "r", true, true],
  ],
  [
    "keeps holes and undefined",
    `const c = structuredClone([, undefined]); [0 in c, 1 in c, c.length]`,
    [false, true, 2],
  ],
  [
    "refuses functions and symbols",
    `const name = (v) => { try { structuredClone(v) } catch (e) { return e.name + e.code + (e instanceof DOMException) } }; [name(() => 1), name({ a: Symbol() }), name(Promise.resolve())]`,
    ["DataCloneError25true", "DataCloneError25true", "DataCloneError25true"],
  ],
  [
    "gives instances their data only",
    `class A { x = 1; get y() { return 2 } }; const c = structuredClone(new A()); [c.x, "y" in c, c instanceof A, Object.getPrototypeOf(c) === Object.prototype]`,
    [1, false, false, true],
  ],
  [
    "transfers buffers",
    `const b = new ArrayBuffer(8); const c = structuredClone({ b }, { transfer: [b] }); [b.byteLength, b.detached, c.b.byteLength]`,
    [0, true, 8],
  ],
  [
    "refuses to transfer twice, or what cannot be",
    `${THROWN} const b = new ArrayBuffer(8); [thrown(() => structuredClone(1, { transfer: [b, b] })), thrown(() => structuredClone(1, { transfer: [{}] })), b.byteLength]`,
    ["DataCloneError", "DataCloneError", 8],
  ],
  [
    "takes primitives",
    `[structuredClone(1), structuredClone("\ud800"), structuredClone(null), structuredClone(undefined), Object.is(structuredClone(-0), -0)]`,
    [1, "\ud800", null, undefined, true],
  ],
  ["needs an argument", `${THROWN} thrown(() => structuredClone())`, "TypeError"],
];

const BASE64_CASES: Case[] = [
  ["goes both ways", `[btoa("\u00ff\u0000a"), atob("/wBh")]`, ["/wBh", "\u00ff\u0000a"]],
  [
    "ignores white space and lacks padding",
    `[atob(" YQ = =\\n"), atob("YQ"), atob("")]`,
    ["a", "a", ""],
  ],
  [
    "refuses what is not base64",
    `["a", "a===", "*", "ab=c"].map((t) => { try { return atob(t) } catch (e) { return e.name + e.code } })`,
    Array(4).fill("InvalidCharacterError5"),
  ],
  [
    "refuses what is not Latin-1",
    `try { btoa("\u4e2d") } catch (e) { [e.name, e instanceof DOMException, e instanceof Error] }`,
    ["InvalidCharacterError", true, true],
  ],
  [
    "converts its argument",
    `[btoa(12), btoa(null), btoa(undefined)]`,
    ["MTI=", "bnVsbA==", "dW5kZWZpbmVk"],
  ],
];

const CRYPTO_CASES: Case[] = [
  [
    "fills integer arrays in place",
    `const a = new Uint32Array(16); const r = crypto.getRandomValues(a); [r === a, a.some((n) => n !== 0)]`,
    [true, true],
  ],
  [
    "fills only the view",
    `const b = new Uint8Array(64); crypto.getRandomValues(b.subarray(16, 48)); [b.subarray(0, 16).every((n) => n === 0), b.subarray(48).every((n) => n === 0), b.some((n) => n !== 0)]`,
    [true, true, true],
  ],
  [
    "refuses other arrays",
    `${THROWN} [thrown(() => crypto.getRandomValues(new Float64Array(1))), thrown(() => crypto.getRandomValues(new DataView(new ArrayBuffer(1))))]`,
    Array(2).fill("TypeMismatchError"),
  ],
  [
    "gives no more than 65,536 bytes",
    `${THROWN} [crypto.getRandomValues(new Uint8Array(65536)).length, thrown(() => crypto.getRandomValues(new Uint8Array(65537)))]`,
    [65_536, "QuotaExceededError"],
  ],
  [
    "makes version 4 UUIDs",
    `const u = crypto.randomUUID(); [/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(u), u === crypto.randomUUID()]`,
    [true, false],
  ],
  [
    "refuses digests it does not have",
    `let e; try { await crypto.subtle.digest("MD5", new Uint8Array(1)) } catch (x) { e = x } [e.name, e.code]`,
    ["NotSupportedError", 9],
  ],
  [
    "rejects what has no bytes",
    `let e; try { await crypto.subtle.digest("SHA-1", "x") } catch (x) { e = x } e.name`,
    "TypeError",
  ],
  [
    "gives an ArrayBuffer of this realm",
    `(await crypto.subtle.digest({ name: "sha-256" }, new Uint8Array(1))) instanceof ArrayBuffer`,
    true,
  ],
];

const EVENT_CASES: Case[] = [
  [
    "calls listeners in order with this and the event",
    `const t = new EventTarget(); const seen = []; t.addEventListener("x", function (e) { seen.push(1, this === t, e.target === t, e.currentTarget === t, e.eventPhase) }); t.addEventListener("x", { handleEvent(e) { seen.push(2, this !== t, e.type) } }); const e = new Event("x"); [t.dispatchEvent(e), seen, e.currentTarget, e.eventPhase]`,
    [true, [1, true, true, true, 2, 2, true, "x"], null, 0],
  ],
  [
    "adds a listener once",
    `const t = new EventTarget(); let n = 0; const f = () => n++; t.addEventListener("x", f); t.addEventListener("x", f); t.addEventListener("x", f, true); t.dispatchEvent(new Event("x")); n`,
    2,
  ],
  [
    "removes by capture",
    `const t = new EventTarget(); let n = 0; const f = () => n++; t.addEventListener("x", f, true); t.removeEventListener("x", f); t.dispatchEvent(new Event("x")); t.removeEventListener("x", f, { capture: true }); t.dispatchEvent(new Event("x")); n`,
    1,
  ],
  [
    "calls capturing listeners first",
    `const t = new EventTarget(); const s = []; t.addEventListener("x", () => s.push("bubble")); t.addEventListener("x", () => s.push("capture"), true); t.dispatchEvent(new Event("x")); s`,
    ["capture", "bubble"],
  ],
  [
    "once",
    `const t = new EventTarget(); let n = 0; t.addEventListener("x", () => { n++; t.dispatchEvent(new Event("x")) }, { once: true }); t.dispatchEvent(new Event("x")); n`,
    1,
  ],
  [
    "passive listeners cannot prevent",
    `const t = new EventTarget(); const e = new Event("x", { cancelable: true }); t.addEventListener("x", (e) => e.preventDefault(), { passive: true }); [t.dispatchEvent(e), e.defaultPrevented]`,
    [true, false],
  ],
  [
    "preventDefault needs cancelable",
    `const t = new EventTarget(); t.addEventListener("x", (e) => e.preventDefault()); [t.dispatchEvent(new Event("x")), t.dispatchEvent(new Event("x", { cancelable: true }))]`,
    [true, false],
  ],
  [
    "stopImmediatePropagation",
    `const t = new EventTarget(); let n = 0; t.addEventListener("x", (e) => { n++; e.stopImmediatePropagation() }); t.addEventListener("x", () => n++); t.dispatchEvent(new Event("x")); n`,
    1,
  ],
  [
    "listeners added meanwhile wait, removed ones do not run",
    `const t = new EventTarget(); const s = []; const c = () => s.push("c"); t.addEventListener("x", () => { s.push("a"); t.addEventListener("x", () => s.push("late")); t.removeEventListener("x", c) }); t.addEventListener("x", c); t.dispatchEvent(new Event("x")); s`,
    ["a"],
  ],
  [
    "an error in a listener stops nobody",
    `const t = new EventTarget(); let n = 0; t.addEventListener("x", () => { throw new Error("!") }); t.addEventListener("x", () => n++); [t.dispatchEvent(new Event("x")), n]`,
    [true, 1],
  ],
  [
    "refuses an event that is under way",
    `const t = new EventTarget(); let name; t.addEventListener("x", (e) => { try { t.dispatchEvent(e) } catch (x) { name = x.name } }); t.dispatchEvent(new Event("x")); name`,
    "InvalidStateError",
  ],
  [
    "refuses what is no event",
    `${THROWN} const t = new EventTarget(); [thrown(() => t.dispatchEvent({ type: "x" })), thrown(() => t.dispatchEvent()), thrown(() => new Event()), thrown(() => t.addEventListener("x"))]`,
    Array(4).fill("TypeError"),
  ],
  [
    "CustomEvent has a detail",
    `const d = {}; const e = new CustomEvent("x", { detail: d, bubbles: true }); [e.detail === d, new CustomEvent("x").detail, e instanceof Event, e.bubbles, Object.prototype.toString.call(e)]`,
    [true, null, true, true, "[object CustomEvent]"],
  ],
  [
    "can be extended",
    `class T extends EventTarget { fire() { return this.dispatchEvent(new Event("y")) } }; const t = new T(); let n = 0; t.addEventListener("y", () => n++); [t.fire(), n, t instanceof EventTarget]`,
    [true, 1, true],
  ],
  [
    "signal removes the listener",
    `const t = new EventTarget(); const c = new AbortController(); let n = 0; t.addEventListener("x", () => n++, { signal: c.signal }); t.dispatchEvent(new Event("x")); c.abort(); t.dispatchEvent(new Event("x")); t.addEventListener("x", () => n++, { signal: c.signal }); t.dispatchEvent(new Event("x")); n`,
    1,
  ],
  [
    "signal must be one",
    `${THROWN} thrown(() => new EventTarget().addEventListener("x", () => {}, { signal: {} }))`,
    "TypeError",
  ],
  [
    "null listeners are ignored",
    `const t = new EventTarget(); t.addEventListener("x", null); t.dispatchEvent(new Event("x"))`,
    true,
  ],
  [
    "composedPath",
    `const t = new EventTarget(); let p; t.addEventListener("x", (e) => p = e.composedPath()); const e = new Event("x"); t.dispatchEvent(e); [p.length, p[0] === t, e.composedPath()]`,
    [1, true, []],
  ],
  [
    "has the phases' constants",
    `[Event.AT_TARGET, new Event("x").BUBBLING_PHASE, Event.NONE]`,
    [2, 3, 0],
  ],
];

const ABORT_CASES: Case[] = [
  [
    "aborts once, with an AbortError",
    `const c = new AbortController(); let n = 0; c.signal.addEventListener("abort", (e) => n += e.isTrusted ? 1 : 100); const before = c.signal.aborted; c.abort(); c.abort("again"); [before, c.signal.aborted, c.signal.reason.name, c.signal.reason.code, n, c.signal === c.signal]`,
    [false, true, "AbortError", 20, 1, true],
  ],
  [
    "keeps the reason given",
    `const r = { x: 1 }; const c = new AbortController(); c.abort(r); [c.signal.reason === r, AbortSignal.abort(null).reason, AbortSignal.abort().reason.name]`,
    [true, null, "AbortError"],
  ],
  [
    "throwIfAborted",
    `const c = new AbortController(); c.signal.throwIfAborted(); c.abort("why"); try { c.signal.throwIfAborted() } catch (e) { e }`,
    "why",
  ],
  [
    "onabort",
    `const c = new AbortController(); const s = []; c.signal.onabort = () => s.push("old"); c.signal.onabort = function (e) { s.push(e.type, this === c.signal) }; c.abort(); s`,
    ["abort", true],
  ],
  [
    "cannot be constructed",
    `${THROWN} [thrown(() => new AbortSignal()), new AbortController().signal instanceof AbortSignal, new AbortController().signal instanceof EventTarget]`,
    ["TypeError", true, true],
  ],
  [
    "times out",
    `const s = AbortSignal.timeout(5); await new Promise((r) => s.addEventListener("abort", r)); [s.aborted, s.reason.name, s.reason.code]`,
    [true, "TimeoutError", 23],
  ],
  [
    "timeout needs a time",
    `${THROWN} [thrown(() => AbortSignal.timeout()), thrown(() => AbortSignal.timeout(-1)), thrown(() => AbortSignal.timeout(NaN))]`,
    Array(3).fill("TypeError"),
  ],
  [
    "any follows the first",
    `const a = new AbortController(), b = new AbortController(); const s = AbortSignal.any([a.signal, b.signal]); let n = 0; s.onabort = () => n++; b.abort("b"); a.abort("a"); [s.aborted, s.reason, n]`,
    [true, "b", 1],
  ],
  [
    "any of what is aborted is aborted",
    `const s = AbortSignal.any([new AbortController().signal, AbortSignal.abort(7)]); [s.aborted, s.reason, AbortSignal.any([]).aborted]`,
    [true, 7, false],
  ],
  [
    "any of any, in order",
    `const c = new AbortController(); const s1 = AbortSignal.any([c.signal]); const s2 = AbortSignal.any([s1]); const seen = []; s2.onabort = () => seen.push(2, s1.aborted); s1.onabort = () => seen.push(1); c.signal.onabort = () => seen.push(0, s2.aborted); c.abort(); seen`,
    [0, true, 1, 2, true],
  ],
  [
    "any takes iterables of signals only",
    `${THROWN} [thrown(() => AbortSignal.any([{}])), thrown(() => AbortSignal.any(1)), AbortSignal.any(new Set([AbortSignal.abort(3)])).reason]`,
    ["TypeError", "TypeError", 3],
  ],
];

const EXCEPTION_CASES: Case[] = [
  [
    "is an Error with name, message and code",
    `const e = new DOMException("m", "AbortError"); [e.name, e.message, e.code, e instanceof Error, String(e), Object.prototype.toString.call(e), typeof e.stack]`,
    ["AbortError", "m", 20, true, "AbortError: m", "[object DOMException]", "string"],
  ],
  ["has defaults", `const e = new DOMException(); [e.name, e.message, e.code]`, ["Error", "", 0]],
];

const TIMER_CASES: Case[] = [
  [
    "run in the order they are due",
    `const s = []; setTimeout(() => s.push(3), 12); setTimeout(() => s.push(1), 1); setTimeout(() => s.push(2), 1); await new Promise((r) => setTimeout(r, 25)); s`,
    [1, 2, 3],
  ],
  [
    "run after microtasks",
    `const s = []; setTimeout(() => s.push("timer")); queueMicrotask(() => s.push("micro")); Promise.resolve().then(() => s.push("then")); s.push("sync"); await new Promise((r) => setTimeout(r, 3)); s`,
    ["sync", "micro", "then", "timer"],
  ],
  [
    "microtasks run between two timers",
    `const s = []; setTimeout(() => { s.push("a"); queueMicrotask(() => s.push("micro")) }); setTimeout(() => s.push("b")); await new Promise((r) => setTimeout(r, 5)); s`,
    ["a", "micro", "b"],
  ],
  [
    "pass arguments, return numbers",
    `let got; const id = setTimeout((...a) => got = a, 0, 1, "x"); await new Promise((r) => setTimeout(r, 3)); [typeof id, id > 0, got]`,
    ["number", true, [1, "x"]],
  ],
  [
    "are cleared, also by what converts to their number",
    `let n = 0; const a = setTimeout(() => n++, 1); clearTimeout(String(a)); const b = setInterval(() => n++, 1); clearInterval(b); clearTimeout(undefined); clearTimeout(99999); await new Promise((r) => setTimeout(r, 8)); n`,
    0,
  ],
  [
    "intervals repeat until cleared from within",
    `let n = 0; await new Promise((r) => { const id = setInterval(() => { if (++n === 3) { clearInterval(id); r() } }, 1) }); await new Promise((r) => setTimeout(r, 8)); n`,
    3,
  ],
  [
    "strange delays are none",
    `const s = []; for (const delay of [-5, NaN, "x", undefined, {}, 2 ** 31]) setTimeout(() => s.push(1), delay); await new Promise((r) => setTimeout(r, 8)); s.length`,
    6,
  ],
  [
    "refuse what is no function",
    `${THROWN} [thrown(() => setTimeout("1")), thrown(() => queueMicrotask()), thrown(() => setInterval())]`,
    Array(3).fill("TypeError"),
  ],
];

const PERFORMANCE_CASES: Case[] = [
  ["starts with the run", `performance.now() >= 0 && performance.now() < 1000`, true],
  [
    "never goes back, in steps of a tenth of a millisecond",
    `let ok = true, last = 0; for (let i = 0; i < 200; i++) { const t = performance.now(); ok &&= t >= last && Math.abs(t * 10 - Math.round(t * 10)) < 1e-6; last = t } ok`,
    true,
  ],
  [
    "goes on",
    `const a = performance.now(); await new Promise((r) => setTimeout(r, 10)); performance.now() - a >= 8`,
    true,
  ],
  [
    "has an origin",
    `Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1000`,
    true,
  ],
];

/** What a guest may replace; nothing of it must matter to the library. */
const POISON = `
  const evil = () => { throw new Error("poisoned") };
  const { defineProperty, getOwnPropertyDescriptor } = Object;
  const { ownKeys } = Reflect;
  const kept = { __proto__: null, constructor: 1, length: 1, name: 1, prototype: 1, caller: 1, arguments: 1 };
  kept[Symbol.toStringTag] = kept[Symbol.species] = kept[Symbol.hasInstance] = 1;
  const owners = [
    Array.prototype, Map.prototype, String.prototype, Object.getPrototypeOf(Uint8Array.prototype), ArrayBuffer.prototype,
    Promise.prototype, Object.getPrototypeOf([][Symbol.iterator]()), Function.prototype,
  ];
  for (let at = 0; at < owners.length; at++) {
    const keys = ownKeys(owners[at]);
    for (let index = 0; index < keys.length; index++) {
      const found = getOwnPropertyDescriptor(owners[at], keys[index]);
      if (kept[keys[index]] || !found.configurable) continue;
      defineProperty(owners[at], keys[index], typeof found.value === "function"
        ? { __proto__: null, value: evil } : { __proto__: null, get: evil });
    }
  }
  const names = [0, 1, 2, "value", "get", "set", "writable", "enumerable", "configurable", "done", "next"];
  for (let at = 0; at < names.length; at++) {
    defineProperty(Object.prototype, names[at], { __proto__: null, set: evil, get: () => undefined, configurable: true });
  }
  const globals = [
    "Array", "Error", "TypeError", "Uint8Array", "ArrayBuffer", "Promise", "String", "Number", "Symbol", "Reflect", "Map",
    "Iterator",
  ];
  for (let at = 0; at < globals.length; at++) globalThis[globals[at]] = evil;
  Object.defineProperty = Object.getOwnPropertyDescriptor = Object.keys = evil;
`;

const POISON_CASES: Case[] = [
  [
    "URL",
    `const u = new URL("b?c=1", "http://a/"); const p = u.searchParams; p.append("d", "2"); p.delete("c"); p.set("e", "3"); p.sort(); u.hash = "h"; const found = p.getAll("d"); u.href + found[0] + p.size`,
    "http://a/b?d=2&e=3#h22",
  ],
  [
    "URLSearchParams of arrays",
    `new URLSearchParams([["a", "1"], ["b", "2"]]).toString()`,
    "a=1&b=2",
  ],
  [
    "TextEncoder and TextDecoder",
    `const d = new TextDecoder(); const b = new TextEncoder().encode("\u00fcx"); d.decode(b, { stream: true }) + d.decode()`,
    "\u00fcx",
  ],
  ["structuredClone", `const c = structuredClone({ a: [1, { b: 2 }] }); c.a[1].b`, 2],
  [
    "base64 and its errors",
    `let n; try { atob("*") } catch (e) { n = e.name + e.code } n + btoa("a")`,
    "InvalidCharacterError5YQ==",
  ],
  ["crypto", `const id = crypto.randomUUID(); id.length`, 36],
  [
    "events and aborting",
    `const c = new AbortController(); let n = 0; const s = AbortSignal.any([c.signal]); s.addEventListener("abort", () => n++, { once: true }); c.abort(); n + s.reason.name`,
    "1AbortError",
  ],
  [
    "timers",
    `let n = 0; const id = setTimeout(() => n++, 1); clearTimeout(id); setTimeout(() => n++, 0, 1, 2); queueMicrotask(() => n++); n`,
    0,
  ],
  [
    "console",
    `console.log("%s", 1, { a: 1 }); console.group("g"); console.count(); console.time(); console.timeEnd(); console.trace(); console.groupEnd(); console.table([1]); 1`,
    1,
  ],
];

const LOOKS: Case[] = [
  ["globals are not enumerable", `Object.keys(globalThis)`, []],
  [
    "methods are",
    `[Object.keys(TextDecoder.prototype), Object.keys(AbortController.prototype), Object.keys(URL), Object.keys(crypto).sort()]`,
    [
      ["encoding", "fatal", "ignoreBOM", "decode"],
      ["signal", "abort"],
      ["parse", "canParse"],
      ["getRandomValues", "randomUUID", "subtle"],
    ],
  ],
  [
    "the library's source is not shown",
    `setTimeout.toString().includes("[native code]") && URL.toString().includes("[native code]")`,
    true,
  ],
  [
    "names and lengths",
    `[URL.name, URL.prototype.toString.name, setTimeout.name, AbortSignal.any.name, atob.name, console.log.name]`,
    ["URL", "toString", "setTimeout", "any", "atob", "log"],
  ],
  [
    "tags",
    `[crypto, performance, crypto.subtle, console, new AbortController(), new Event("x"), new TextEncoder()].map((v) => Object.prototype.toString.call(v))`,
    [
      "[object Crypto]",
      "[object Performance]",
      "[object SubtleCrypto]",
      "[object console]",
      "[object AbortController]",
      "[object Event]",
      "[object TextEncoder]",
    ],
  ],
];

const CONSOLE_CASES: [what: string, source: string, lines: string[]][] = [
  [
    "shows values as Node does",
    `console.log("a", 1, -0, 2n, null, undefined, true, "it's", ["it's", 'x'], { a: { b: { c: { d: 1 } } } })`,
    ["a 1 -0 2n null undefined true it's [ \"it's\", 'x' ] { a: { b: { c: [Object] } } }"],
  ],
  [
    "fills in placeholders",
    `console.log("%s %d %i %f %j %o %O %c|%%", "t", "4.5", 4.9, "1.5x", { a: 1 }, [1], { b: 2 }, "color: red", "rest")`,
    ['t 4.5 4 1.5 {"a":1} [ 1 ] { b: 2 } |% rest'],
  ],
  [
    "leaves placeholders without values",
    `console.log("%s %d", 1); console.log("100%", 1)`,
    ["1 %d", "100% 1"],
  ],
  [
    "Map, Set, holes, typed arrays",
    `console.log(new Map([["k", { v: 1 }]]), new Set([1, "x"]), [1, , , 2], new Uint8Array(2), [])`,
    [
      "Map(1) { 'k' => { v: 1 } } Set(2) { 1, 'x' } [ 1, <2 empty items>, 2 ] Uint8Array(2) [ 0, 0 ] []",
    ],
  ],
  [
    "cycles",
    `const a = { n: 1 }; a.self = a; console.log(a)`,
    ["<ref *1> { n: 1, self: [Circular *1] }"],
  ],
  [
    "describes functions and class instances",
    `class A { x = 1 }; console.log(() => 1, new A(), Symbol("s"), [function f() {}, "f"], new WeakMap(), Promise.resolve())`,
    ["[Function (anonymous)] { x: 1 } Symbol(s) [ [Function: f], 'f' ] [WeakMap] [Promise]"],
  ],
  [
    "sets long lists in columns",
    `console.log(Array.from({ length: 12 }, (_, n) => n), "a b c d e f g".split(" "))`,
    [
      "[\n   0,  1, 2, 3, 4,\n   5,  6, 7, 8, 9,\n  10, 11\n] [\n  'a', 'b', 'c',\n  'd', 'e', 'f',\n  'g'\n]",
    ],
  ],
  [
    "shows errors by the names they have",
    `class LostError extends Error { name = "LostError" }
    for (const error of [new DOMException("m", "AbortError"), new LostError("m")]) console.log([error])`,
    [/^\[\n {2}AbortError: m\n {6}at .*\n\]$/, /^\[\n {2}LostError: m\n[^]*\n\]$/].map((text) =>
      expect.stringMatching(text),
    ),
  ],
  [
    "breaks long objects over lines",
    `console.log({ first: "x".repeat(40), second: "y".repeat(40) })`,
    [`{\n  first: '${"x".repeat(40)}',\n  second: '${"y".repeat(40)}'\n}`],
  ],
  [
    "indents groups",
    `console.group("one"); console.log("in\\nside"); console.groupCollapsed(); console.log("deep"); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log("out")`,
    ["one", "  in\n  side", "    deep", "out"],
  ],
  [
    "counts",
    `console.count(); console.count("x"); console.count(); console.countReset(); console.count(); console.countReset("none")`,
    ["default: 1", "x: 1", "default: 2", "default: 1", "Count for 'none' does not exist"],
  ],
  [
    "asserts",
    `console.assert(true, "no"); console.assert(false); console.assert(0, "why %s", 1); console.assert(null, { a: 1 })`,
    ["Assertion failed", "Assertion failed: why 1", "Assertion failed: { a: 1 }"],
  ],
  [
    "draws tables",
    `console.table([{ a: 1, b: "x" }, { a: 2 }])`,
    [
      "┌─────────┬───┬─────┐\n│ (index) │ a │ b   │\n├─────────┼───┼─────┤\n│ 0       │ 1 │ 'x' │\n│ 1       │ 2 │     │\n└─────────┴───┴─────┘",
    ],
  ],
  [
    "draws tables of values and chosen columns",
    `console.table(["p"]); console.table([{ a: 1, b: 2 }], ["b"]); console.table(5)`,
    [
      "┌─────────┬────────┐\n│ (index) │ Values │\n├─────────┼────────┤\n│ 0       │ 'p'    │\n└─────────┴────────┘",
      "┌─────────┬───┐\n│ (index) │ b │\n├─────────┼───┤\n│ 0       │ 2 │\n└─────────┴───┘",
      "5",
    ],
  ],
  [
    "dir takes no placeholders",
    `console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 }); console.dir("%s")`,
    ["{ a: [Object] }", "'%s'"],
  ],
  ["escapes what a terminal would obey", `console.log("\\u001b[2J")`, ["\\x1B[2J"]],
  [
    "a sparse array costs nothing",
    `const a = []; a.length = 4e9; console.log(a)`,
    ["[ <4000000000 empty items> ]"],
  ],
];

type ConsoleLine = PoolEvents["console"];

export function webApisContract(terrain: Terrain): void {
  const { environment, engine } = terrain;
  const base = { environment, engine, workers: 1, limits: { timeoutMs: 10_000 } };

  describe(`web APIs, ${environment}, ${engine}`, () => {
    let pool: Pool;
    beforeAll(async () => {
      pool = await terrain.createPool({
        ...base,
        functions: {
          urlParts: `(url, base, names) => {
            const parsed = base === undefined ? URL.parse(url) : URL.parse(url, base);
            return parsed && names.map((name) => parsed[name]);
          }`,
          setUrl:
            "(url, part, value) => { 'sloppy'; const u = new URL(url); Reflect.set(u, part, value); return u.href; }",
          pairs: "(query) => [[...new URLSearchParams(query)], String(new URLSearchParams(query))]",
          digest: "async (name, data) => new Uint8Array(await crypto.subtle.digest(name, data))",
          decode: "(label, bytes) => new TextDecoder(label).decode(bytes)",
        },
      });
    });
    afterAll(() => pool.close({ force: true }));

    const groups: [string, Case[]][] = [
      ["URL", URL_CASES],
      ["URLSearchParams", QUERY_CASES],
      ["encoding", ENCODING_CASES],
      ["structuredClone", CLONE_CASES],
      ["base64", BASE64_CASES],
      ["crypto", CRYPTO_CASES],
      ["events", EVENT_CASES],
      ["aborting", ABORT_CASES],
      ["DOMException", EXCEPTION_CASES],
      ["timers", TIMER_CASES],
      ["performance", PERFORMANCE_CASES],
      ["looks", LOOKS],
      ["arguments", WEB_IDL_CASES],
    ];
    for (const [name, cases] of groups) {
      describe(name, () => {
        it.each(cases)("%s", async (_what, source, expected) => {
          expect(await pool.eval(source)).toEqual(expected);
        });
      });
    }

    describe("as the platform has it", () => {
      it.each(URL_INPUTS)("parses %j %j", async (url, base) => {
        const found = await pool.run("urlParts", [url, base, PARTS]);
        let expected: unknown = null;
        try {
          const parsed = new URL(url, base);
          expected = PARTS.map((name) => parsed[name as "href"]);
        } catch {
          // The platform refuses it as well.
        }
        expect(found).toEqual(expected);
      });

      it.each(URL_SETS)("sets %s.%s = %j", async (url, part, value) => {
        const expected = new URL(url);
        Reflect.set(expected, part, value);
        expect(await pool.run("setUrl", [url, part, value])).toBe(expected.href);
      });

      it.each(QUERIES)("reads the query %j", async (query) => {
        const params = new URLSearchParams(query);
        expect(await pool.run("pairs", [query])).toEqual([[...params], String(params)]);
      });

      it.each(["SHA-1", "SHA-256", "SHA-384", "SHA-512"])("digests %s", async (name) => {
        const data = new TextEncoder().encode("skep".repeat(1000)).subarray(3, 2000);
        const expected = new Uint8Array(await crypto.subtle.digest(name, data));
        expect(await pool.run("digest", [name, data])).toEqual(expected);
      });

      it.each(["utf-8", "utf-16le", "utf-16be", "koi8-r", "iso-8859-2", "windows-1251"])(
        "decodes %s",
        async (label) => {
          const bytes = Uint8Array.from({ length: 512 }, (_, index) => (index * 7) % 256);
          const decoded = new TextDecoder(label).decode(bytes);
          expect(await pool.run("decode", [label, bytes])).toBe(decoded);
        },
      );
    });

    describe("as the platform does it", () => {
      it.each(WEB_API_PROGRAMS)("$what", async ({ inputs, source }) => {
        const many = fc.sample(inputs, 400);
        const outside = (0, eval)(source) as (input: unknown) => unknown;
        const found = await pool.eval(`many.map(${source})`, {
          globals: { many },
        });
        const expected = many.map((input) => outside(input));
        for (const [index, one] of (found as unknown[]).entries()) {
          expect(one, JSON.stringify(many[index])).toEqual(expected[index]);
        }
      });
    });

    describe("whatever the guest replaced", () => {
      it.each(POISON_CASES)("%s", async (_what, source, expected) => {
        // The engine itself sets a script's completion value as a property called value.
        const guarded = `try { ${source} } finally { delete Object.prototype.value }`;
        expect(await pool.eval(`${POISON}\n${guarded}`)).toEqual(expected);
      });
    });

    describe("console", () => {
      it.each(CONSOLE_CASES)("%s", async (_what, source, lines) => {
        expect((await written(source)).map((line) => line.text)).toEqual(lines);
      });

      it("has levels", async () => {
        const lines = await written(
          "for (const m of ['debug', 'log', 'info', 'warn', 'error', 'dir', 'table', 'dirxml', 'trace']) console[m]('x')",
        );
        expect(lines.map((line) => line.level)).toEqual(
          "debug log info warn error log log log debug".split(" "),
        );
        expect(lines.at(-1)?.text).toMatch(/^Trace: x/);
      });

      it("gives the values as they were", async () => {
        const [line] = await written("console.group(); console.log('%s', { a: 1 }, 2)");
        expect(line?.values).toEqual(["%s", { a: 1 }, 2]);
      });

      it("measures time", async () => {
        const lines = await written(
          "console.time('t'); console.timeLog('t', { a: 1 }); console.timeEnd('t'); console.timeEnd('t')",
        );
        expect(lines[0]?.text).toMatch(/^t: [\d.]+ms \{ a: 1 \}$/);
        expect(lines[1]?.text).toMatch(/^t: [\d.]+ms$/);
        expect(lines[2]?.text).toBe("No such label 't' for console.timeEnd()");
      });

      it("shows what a listener threw", async () => {
        const [line] = await written(
          "const t = new EventTarget(); t.addEventListener('x', () => { throw new RangeError('oops') }); t.dispatchEvent(new Event('x'))",
        );
        expect(line?.level).toBe("error");
        expect(line?.text).toMatch(/^Uncaught RangeError: oops/);
      });

      it.each([
        ["a timer", "setTimeout(fail, 1)"],
        ["a microtask", "queueMicrotask(fail)"],
        [
          "a listener",
          "const t = new EventTarget(); t.addEventListener('x', fail); t.dispatchEvent(new Event('x'))",
        ],
      ])("shows what %s threw, and warns of it", async (_what, source) => {
        const warnings: unknown[] = [];
        const off = pool.on("warning", ({ name, message, runId }) =>
          warnings.push({ name, message, runId }),
        );
        const [line, ...others] = await written(
          `const fail = () => { throw new RangeError("late") }; ${source}; await new Promise((resolve) => setTimeout(resolve, 20))`,
        );
        off();
        expect(others).toEqual([]);
        expect(line).toMatchObject({ level: "error" });
        expect(line?.text).toMatch(/^Uncaught RangeError: late\n +at fail \(eval\.js:1:/);
        expect(warnings).toEqual([
          {
            name: "uncaught-in-callback",
            message: "A guest callback threw: late",
            runId: line?.runId,
          },
        ]);
      });

      async function written(source: string): Promise<ConsoleLine[]> {
        const lines: ConsoleLine[] = [];
        const off = pool.on("console", (line) => lines.push(line));
        await pool.eval(`${source}; undefined`);
        off();
        return lines;
      }
    });

    describe("from run to run", () => {
      it("keeps nothing", async () => {
        await pool.eval(`
          globalThis.d = new TextDecoder(); d.decode(new Uint8Array([228, 184]), { stream: true });
          console.group("open"); console.count("n"); console.time("t");
          globalThis.c = new AbortController(); c.signal.onabort = () => { globalThis.late = 1 };
          URL.prototype.toString = () => "mine"; TextDecoder = null; crypto.randomUUID = () => "same"; 1`);
        const lines: string[] = [];
        const off = pool.on("console", ({ text }) => lines.push(text));
        const found = await pool.eval(
          `console.log("left"); console.count("n"); [typeof d, typeof c, String(new URL("a:b")), new TextDecoder().decode(new Uint8Array([173])), crypto.randomUUID() === "same"]`,
        );
        off();
        expect(found).toEqual(["undefined", "undefined", "a:b", "\ufffd", false]);
        expect(lines).toEqual(["left", "n: 1"]);
      });

      it("runs timers that are due together in one go, each with its jobs", async () => {
        const many = `let ran = 0;
          const sleep = () => new Promise((done) => setTimeout(() => { ran++; done(); }, 5));
          await Promise.all(Array.from({ length: 5000 }, sleep)); ran`;
        expect(await pool.eval(many, { timeoutMs: 4_500 })).toBe(5000);
        const order = `const order = [];
          for (const n of [1, 2, 3]) setTimeout(() => { order.push(n); Promise.resolve().then(() => order.push(-n)); }, 1);
          const end = Date.now() + 3; while (Date.now() < end);
          await new Promise((done) => setTimeout(done, 1)); order`;
        expect(await pool.eval(order)).toEqual([1, -1, 2, -2, 3, -3]);
        const after = `const end = Date.now() + 3;
          setTimeout(() => console.log("in time"), 1); const result = new Promise((done) => setTimeout(done, 1, 5));
          setTimeout(() => console.log("too late"), 1); while (Date.now() < end); await result`;
        const lines: string[] = [];
        const off = pool.on("console", ({ text }) => lines.push(text));
        expect(await pool.eval(after)).toBe(5);
        off();
        expect(lines).toEqual(["in time"]);
      });

      it("leaves no timer of bootstrap and dependencies behind", async () => {
        const left = "setInterval(() => { globalThis.ticks++ }, 1); setTimeout(() => {}, 0);";
        const prepared = await terrain.createPool({
          ...base,
          dependencies: { clock: { source: `${left} export const clock = 1;` } },
          bootstrap: `globalThis.ticks = 0; await new Promise((done) => setTimeout(done, 20)); globalThis.atStart = ticks; ${left}`,
        });
        try {
          const source =
            "const before = ticks; await new Promise((done) => setTimeout(done, 20)); [atStart > 0, ticks - before]";
          expect(await prepared.eval(source)).toEqual([true, 0]);
          expect(await prepared.eval(source)).toEqual([true, 0]);
        } finally {
          await prepared.close();
        }
      });

      it("draws other random values, and restarts the clock", async () => {
        const one = await pool.eval("crypto.randomUUID()");
        await new Promise((resolve) => setTimeout(resolve, 60));
        const [two, now] = (await pool.eval("[crypto.randomUUID(), performance.now()]")) as [
          string,
          number,
        ];
        expect(two).not.toBe(one);
        expect(now).toBeLessThan(50);
      });

      it("does not count as having called the host", async () => {
        const outcome = await pool.execute({ eval: "new URL('a:b').href + performance.now()" });
        expect(outcome.receipt.hostCalls).toBe(0);
      });
    });

    describe("errors that leave", () => {
      it("keep their names", async () => {
        await expect(pool.eval("atob('*')")).rejects.toMatchObject({
          code: "guest-error",
          name: "InvalidCharacterError",
        });
        await expect(pool.eval("AbortSignal.abort().throwIfAborted()")).rejects.toMatchObject({
          name: "AbortError",
          message: "This operation was aborted",
        });
      });
    });

    describe("http", () => {
      let some: Pool;
      beforeAll(async () => {
        some = await terrain.createPool({ ...base, webApis: ["http"] });
      });
      afterAll(() => some.close({ force: true }));

      const groups: [string, Case[]][] = [
        ["Headers", HEADERS_CASES],
        ["Request", REQUEST_CASES],
        ["Response", RESPONSE_CASES],
      ];
      for (const [name, cases] of groups) {
        describe(name, () => {
          it.each(cases)("%s", async (_what, source, expected) => {
            expect(await some.eval(source)).toEqual(expected);
          });
        });
      }

      it.each(HTTP_POISON_CASES)("whatever the guest replaced: %s", async (_, source, expected) => {
        const guarded = `try { ${source} } finally { delete Object.prototype.value }`;
        expect(await some.eval(`${POISON}\n${guarded}`)).toEqual(expected);
      });

      it("brings no fetch, and nothing of it comes by itself", async () => {
        const names = '["Headers", "Request", "Response", "fetch"].filter((n) => n in globalThis)';
        expect(await some.eval(names)).toEqual(["Headers", "Request", "Response"]);
        expect(await pool.eval(names)).toEqual([]);
      });
    });

    describe("the option webApis", () => {
      const NAMES =
        "console setTimeout queueMicrotask structuredClone TextDecoder URL atob crypto performance Event AbortSignal DOMException";
      const present = `"${NAMES}".split(" ").filter((name) => name in globalThis)`;

      it('"none" leaves the language', async () => {
        const bare = await terrain.createPool({
          ...base,
          webApis: "none",
          functions: { add: "(a, b) => a + b" },
        });
        try {
          expect(await bare.eval(present)).toEqual([]);
          expect(await bare.call["add"]?.(1, 2)).toBe(3);
          expect(await bare.eval("await Promise.resolve(5)")).toBe(5);
        } finally {
          await bare.close();
        }
      });

      it("a list brings what it needs", async () => {
        const some = await terrain.createPool({ ...base, webApis: ["url", "abort"] });
        try {
          expect(await some.eval(present)).toEqual([
            "setTimeout",
            "URL",
            "Event",
            "AbortSignal",
            "DOMException",
          ]);
          expect(await some.eval("new URL('a:b').href")).toBe("a:b");
        } finally {
          await some.close();
        }
      });

      it("refuses names that are none", async () => {
        await expect(
          terrain.createPool({ ...base, webApis: ["fetch"] as never }),
        ).rejects.toMatchObject({
          code: "invalid-argument",
          message: expect.stringMatching(/fetch.*comes with a policy.*structuredClone/),
        });
      });
    });
  });
}
