/**
 * Headers, Request, Response by the Fetch standard: guest expressions and what they yield.
 */
type Case = [what: string, source: string, expected: unknown];

const THROWN = `const thrown = (act) => { try { act(); return "nothing"; } catch (e) { return e.name; } };`;
const REJECTED = `const rejected = (promise) => promise.then(() => "nothing", (e) => e.name);`;
const URL = "https://api.example.com/a";

export const HEADERS_CASES: Case[] = [
  [
    "from pairs, records, iterables and other headers",
    `[new Headers([["B", "2"], ["a", "1"]]), new Headers({ b: 2, A: "1" }), new Headers(new Map([["a", "1"], ["b", "2"]])), new Headers(new Headers({ a: 1, b: 2 })), new Headers(), new Headers(undefined)].map((h) => JSON.stringify([...h]))`,
    [...Array<string>(4).fill('[["a","1"],["b","2"]]'), "[]", "[]"],
  ],
  [
    "refuses what headers cannot be made from",
    `${THROWN} [null, 1, "a: b", [["a"]], [["a", "b", "c"]], [1], { a: Symbol() }].map((init) => thrown(() => new Headers(init)))`,
    Array(7).fill("TypeError"),
  ],
  [
    "takes the white space off values, and refuses what a header cannot say",
    `${THROWN} const h = new Headers({ a: " \\t\\r\\n x y \\n", empty: "" }); [h.get("a"), h.get("empty"), ...["a\\nb", "a\\rb", "a\\0b", "\\u0100", "\\ud800"].map((v) => thrown(() => h.set("x", v))), ...["", " ", "a b", "a:", "\\u00e4", "a\\n"].map((n) => thrown(() => h.append(n, "x")))]`,
    ["x y", "", ...Array<string>(11).fill("TypeError")],
  ],
  [
    "keeps Latin-1 as it is",
    `new Headers({ a: "\\u00e9\\u00ff\\u0001" }).get("a")`,
    "\u00e9\u00ff\u0001",
  ],
  [
    "append combines, set replaces, delete removes, whatever the case",
    `const h = new Headers(); h.append("Accept", "a"); h.append("ACCEPT", "b"); const one = h.get("accept"); h.set("aCCept", "c"); const two = h.get("Accept"); h.delete("ACCEPT"); [one, two, h.get("accept"), h.has("accept")]`,
    ["a, b", "c", null, false],
  ],
  [
    "set leaves the first place and drops the others",
    `const h = new Headers([["a", "1"], ["b", "2"], ["A", "3"]]); h.set("a", "x"); [...h].join("|")`,
    "a,x|b,2",
  ],
  [
    "checks names also when reading",
    `${THROWN} const h = new Headers(); [thrown(() => h.get("a b")), thrown(() => h.has("")), thrown(() => h.delete("\\n")), thrown(() => h.get())]`,
    Array(4).fill("TypeError"),
  ],
  [
    "keeps each Set-Cookie apart, and the rest sorted",
    `const h = new Headers([["z", "1"], ["Set-Cookie", "b=2"], ["a", "1"], ["set-cookie", "a=1"], ["Z", "2"]]); [[...h], h.getSetCookie(), h.get("set-cookie")]`,
    [
      [
        ["a", "1"],
        ["set-cookie", "b=2"],
        ["set-cookie", "a=1"],
        ["z", "1, 2"],
      ],
      ["b=2", "a=1"],
      "b=2, a=1",
    ],
  ],
  [
    "iterates keys, values, entries and forEach alike",
    `const h = new Headers({ b: 2, a: 1 }); const seen = []; h.forEach(function (v, k, all) { seen.push(this.t + k + v + (all === h)) }, { t: "-" }); [[...h.keys()], [...h.values()], [...h.entries()], seen, h[Symbol.iterator] === h.entries]`,
    [
      ["a", "b"],
      ["1", "2"],
      [
        ["a", "1"],
        ["b", "2"],
      ],
      ["-a1true", "-b2true"],
      true,
    ],
  ],
  [
    "iterators see what changes behind them",
    `const h = new Headers({ b: 1 }); const seen = []; for (const [k] of h) { seen.push(k); if (k === "b") { h.append("c", 1); h.append("a", 1) } } seen`,
    ["b", "b", "c"],
  ],
  [
    "looks like a WebIDL class",
    `const h = new Headers(); [String(h), String(h.entries()), Headers.length, Headers.prototype.append.length, Headers.prototype.forEach.length, Object.keys(Headers.prototype).includes("get")]`,
    ["[object Headers]", "[object Headers Iterator]", 0, 2, 1, true],
  ],
  [
    "checks its receiver and needs new",
    `${THROWN} [thrown(() => Headers.prototype.get.call({}, "a")), thrown(() => Headers()), thrown(() => Headers.prototype.keys.call({}))]`,
    Array(3).fill("TypeError"),
  ],
];

export const REQUEST_CASES: Case[] = [
  [
    "has defaults",
    `const r = new Request("HTTPS://API.example.com:443/a/../b?c#d"); [r.url, r.method, [...r.headers], r.body, r.bodyUsed, r.redirect, r.credentials, r.mode, r.cache, r.integrity, r.signal.aborted, String(r)]`,
    [
      "https://api.example.com/b?c#d",
      "GET",
      [],
      null,
      false,
      "follow",
      "omit",
      "cors",
      "no-store",
      "",
      false,
      "[object Request]",
    ],
  ],
  [
    "refuses URLs that are relative, broken or carry a password",
    `${THROWN} ["/a", "", "http://", "https://user@a/", "https://u:p@a/"].map((u) => thrown(() => new Request(u))).concat(thrown(() => new Request()))`,
    Array(6).fill("TypeError"),
  ],
  [
    "normalises the methods that are normalised",
    `["get", "Post", "pUT", "delete", "options", "head", "patch", "Query"].map((method) => new Request("${URL}", { method }).method)`,
    ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "patch", "Query"],
  ],
  [
    "refuses methods that are none, or forbidden",
    `${THROWN} ["", "a b", "GET\\n", "connect", "TRACE", "Track"].map((method) => thrown(() => new Request("${URL}", { method })))`,
    Array(6).fill("TypeError"),
  ],
  [
    "gives bodies their type",
    `["text", new URLSearchParams("a=1 2"), new Uint8Array([1]), new ArrayBuffer(1), 5].map((body) => new Request("${URL}", { method: "POST", body }).headers.get("content-type"))`,
    [
      "text/plain;charset=UTF-8",
      "application/x-www-form-urlencoded;charset=UTF-8",
      null,
      null,
      "text/plain;charset=UTF-8",
    ],
  ],
  [
    "leaves a type that was given",
    `new Request("${URL}", { method: "POST", body: "{}", headers: { "Content-Type": "application/json" } }).headers.get("content-type")`,
    "application/json",
  ],
  [
    "reads bodies once",
    `${REJECTED} const r = new Request("${URL}", { method: "POST", body: "\\ufeff\\u00e4" }); const one = await r.text(); [one, r.bodyUsed, await rejected(r.text()), await rejected(r.json())]`,
    ["\u00e4", true, "TypeError", "TypeError"],
  ],
  [
    "refuses a body for GET and HEAD",
    `${THROWN} ["GET", "HEAD", undefined].map((method) => thrown(() => new Request("${URL}", { method, body: "" })))`,
    Array(3).fill("TypeError"),
  ],
  [
    "drops headers that are not the guest's to set",
    `const r = new Request("${URL}", { headers: { Host: "evil", Cookie: "a", "Content-Length": "1", "Sec-Fetch-Mode": "x", "Proxy-Authorization": "x", Origin: "x", Connection: "x", "X-HTTP-Method-Override": "TRACE", "X-Method-Override": "PUT", Authorization: "mine" } }); r.headers.set("transfer-encoding", "chunked"); r.headers.append("te", "x"); [...r.headers]`,
    [
      ["authorization", "mine"],
      ["x-method-override", "PUT"],
    ],
  ],
  [
    "from another request, with what is given instead",
    `const a = new Request("${URL}", { method: "POST", body: "b", headers: { x: 1 }, redirect: "error" }); const b = new Request(a, { headers: { y: 2 } }); [b.url, b.method, b.redirect, [...b.headers], await b.text(), a.bodyUsed]`,
    [URL, "POST", "error", [["y", "2"]], "b", true],
  ],
  [
    "refuses a used request",
    `${THROWN} const a = new Request("${URL}", { method: "POST", body: "b" }); await a.text(); [thrown(() => new Request(a)), thrown(() => a.clone()), thrown(() => new Request(a, { body: "new" }))]`,
    ["TypeError", "TypeError", "nothing"],
  ],
  [
    "clones with a body for each",
    `const a = new Request("${URL}", { method: "PUT", body: "both", headers: { x: 1 } }); const b = a.clone(); b.headers.set("x", 2); [await a.text(), await b.text(), a.headers.get("x"), b.headers.get("x"), b.method]`,
    ["both", "both", "1", "2", "PUT"],
  ],
  [
    "follows a signal with one of its own",
    `${THROWN} const c = new AbortController(); const r = new Request("${URL}", { signal: c.signal }); const other = r.clone(); c.abort("why"); [r.signal === c.signal, r.signal.aborted, r.signal.reason, other.signal.reason, new Request("${URL}", { signal: null }).signal.aborted, thrown(() => new Request("${URL}", { signal: {} }))]`,
    [false, true, "why", "why", false, "TypeError"],
  ],
  [
    "refuses what it cannot do",
    `${THROWN} [{ redirect: "no" }, { mode: "no-cors" }, { mode: "navigate" }, { credentials: "mine" }, { cache: "only-if-cached" }, { integrity: "sha256-x" }].map((init) => thrown(() => new Request("${URL}", init)))`,
    Array(6).fill("TypeError"),
  ],
  [
    "takes a stream for a body with duplex",
    `${THROWN} const body = new Response("s").body; const one = thrown(() => new Request("${URL}", { method: "POST", body })); const r = new Request("${URL}", { method: "POST", body, duplex: "half" }); [one, await r.text()]`,
    ["TypeError", "s"],
  ],
];

export const RESPONSE_CASES: Case[] = [
  [
    "has defaults",
    `const r = new Response(); [r.status, r.ok, r.statusText, r.type, r.url, r.redirected, r.body, [...r.headers], await r.text(), String(r), Response.length]`,
    [200, true, "", "default", "", false, null, [], "", "[object Response]", 0],
  ],
  [
    "takes status, statusText and headers",
    `const r = new Response("x", { status: 404, statusText: "No\\u00e9", headers: { a: 1, "set-cookie": "x" } }); [r.status, r.ok, r.statusText, [...r.headers]]`,
    [
      404,
      false,
      "No\u00e9",
      [
        ["a", "1"],
        ["content-type", "text/plain;charset=UTF-8"],
      ],
    ],
  ],
  [
    "refuses statuses and texts that are none",
    `${THROWN} [0, 199, 600, 70000, NaN].map((status) => thrown(() => new Response("", { status }))).concat(thrown(() => new Response("", { statusText: "a\\nb" })), thrown(() => new Response("x", { status: 204 })), thrown(() => new Response(null, { status: 204 })))`,
    [...Array<string>(5).fill("RangeError"), "TypeError", "TypeError", "nothing"],
  ],
  [
    "reads as text, JSON, a buffer and bytes",
    `const make = () => new Response('{"a":[1,"\\u00fc"]}'); const bytes = await make().bytes(); [await make().text(), await make().json(), (await make().arrayBuffer()).byteLength, bytes instanceof Uint8Array, bytes.length]`,
    ['{"a":[1,"\u00fc"]}', { a: [1, "\u00fc"] }, 14, true, 14],
  ],
  [
    "rejects where the body is not JSON, and for a foreign receiver",
    `${REJECTED} [await rejected(new Response("{").json()), await rejected(Response.prototype.text.call({})), await rejected(new Response("x").text.call(1))]`,
    ["SyntaxError", "TypeError", "TypeError"],
  ],
  [
    "copies the bytes it is given and gives",
    `const b = new Uint8Array([1, 2, 3]); const r = new Response(b.subarray(1)); b[1] = 9; [...await r.bytes()]`,
    [2, 3],
  ],
  [
    "Response.json",
    `${THROWN} const r = Response.json({ a: 1 }, { status: 201, headers: { x: 1 } }); [r.status, r.headers.get("content-type"), r.headers.get("x"), await r.json(), Response.json(1, { headers: { "content-type": "x/y" } }).headers.get("content-type"), thrown(() => Response.json(undefined)), thrown(() => Response.json(1n)), thrown(() => Response.json(1, { status: 204 }))]`,
    [201, "application/json", "1", { a: 1 }, "x/y", "TypeError", "TypeError", "TypeError"],
  ],
  [
    "Response.error",
    `${THROWN} const r = Response.error(); [r.type, r.status, r.ok, r.body, thrown(() => r.headers.set("a", "b")), thrown(() => r.headers.delete("a")), thrown(() => r.clone().headers.append("a", "b"))]`,
    ["error", 0, false, null, "TypeError", "TypeError", "TypeError"],
  ],
  [
    "Response.redirect",
    `${THROWN} const r = Response.redirect("${URL}", 307); [r.status, r.headers.get("location"), Response.redirect("${URL}").status, thrown(() => Response.redirect("/x")), thrown(() => Response.redirect("${URL}", 200)), thrown(() => r.headers.set("location", "x"))]`,
    [307, URL, 302, "TypeError", "RangeError", "TypeError"],
  ],
  [
    "clones, and what one reads the other still has",
    `const a = new Response("both", { status: 201, headers: { x: 1 } }); const b = a.clone(); const one = await b.text(); [one, a.bodyUsed, b.bodyUsed, await a.text(), b.status, b.headers.get("x")]`,
    ["both", false, true, "both", 201, "1"],
  ],
  [
    "can be cloned any number of times, and each has all of it",
    `const a = new Response("many"); const all = [a]; for (let n = 0; n < 200; n++) all.push(all[n % 2 ? 0 : n].clone()); const texts = await Promise.all(all.map((r) => r.text())); [texts.length, new Set(texts).size, texts[200]]`,
    [201, 1, "many"],
  ],
  [
    "clones of what another clone has read already have all of it, apart from each other",
    `const a = new Response("late"); const b = a.clone(); await b.text(); const c = a.clone(); const bytes = await c.bytes(); bytes[0] = 0; const d = a.clone(); a.body.cancel(); [await d.text(), d.bodyUsed]`,
    ["late", true],
  ],
  [
    "the bytes of clones are apart",
    `const a = new Response("ab"); const b = a.clone(); const one = await a.bytes(); one[0] = 0; await b.text()`,
    "ab",
  ],
  [
    "refuses to clone what was used or is being read",
    `${THROWN} const a = new Response("x"); a.body.getReader(); const b = new Response("x"); await b.text(); [thrown(() => a.clone()), thrown(() => b.clone())]`,
    ["TypeError", "TypeError"],
  ],
  [
    "its body is read with a reader",
    `const r = new Response("abc"); const reader = r.body.getReader(); const one = await reader.read(); const two = await reader.read(); await reader.closed; [[...one.value], one.done, two, r.body.locked, r.bodyUsed]`,
    [[97, 98, 99], false, { value: undefined, done: true }, true, true],
  ],
  [
    "its body is iterated",
    `const r = new Response("abc"); let n = 0; for await (const chunk of r.body) n += chunk.length; [n, r.bodyUsed]`,
    [3, true],
  ],
  [
    "a reader locks, and lets go",
    `${THROWN} ${REJECTED} const r = new Response("abc"); const reader = r.body.getReader(); const one = [thrown(() => r.body.getReader()), await rejected(r.text()), await rejected(r.body.cancel())]; reader.releaseLock(); [...one, await rejected(reader.read()), await r.text()]`,
    ["TypeError", "TypeError", "TypeError", "TypeError", "abc"],
  ],
  [
    "what was asked for and let go is the next reader's",
    `${REJECTED} const r = new Response(new Response("abc").body.tee()[0]); const reader = r.body.getReader(); const asked = rejected(reader.read()); reader.releaseLock(); [await asked, (await r.body.getReader().read()).done]`,
    ["nothing", true],
  ],
  [
    "is cancelled",
    `${REJECTED} const r = new Response("abc"); await r.body.cancel(); [r.bodyUsed, await rejected(r.text()), (await r.body.getReader().read()).done]`,
    [true, "TypeError", true],
  ],
  [
    "splits",
    `const [a, b] = new Response("abc").body.tee(); [await new Response(a).text(), await new Response(b).text()]`,
    ["abc", "abc"],
  ],
  [
    "leaving a loop early cancels, or not, and lets go",
    `const r = new Response("abc"); for await (const chunk of r.body) break; const kept = new Response("abc"); for await (const chunk of kept.body.values({ preventCancel: true })) break; [r.body.locked, (await r.body.getReader().read()).done, kept.body.locked, kept.bodyUsed]`,
    [false, true, false, true],
  ],
  [
    "a loop to the end lets go",
    `const r = new Response("abc"); const steps = r.body.values(); await steps.next(); const during = r.body.locked; await steps.next(); [during, r.body.locked, (await steps.next()).done, (await steps.return(5)).value]`,
    [true, false, true, 5],
  ],
];

/** With what the guest may have replaced, see `web-apis.ts`. */
export const HTTP_POISON_CASES: Case[] = [
  [
    "Headers",
    `const h = new Headers([["b", "2"]]); h.append("a", "1"); h.set("b", "3"); h.delete("c"); let s = ""; h.forEach((v, k) => { s += k + v }); s + h.getSetCookie().length`,
    "a1b30",
  ],
  [
    "Request and Response",
    `const q = new Request("${URL}", { method: "post", body: "ab", headers: { x: "1" } }); const r = new Response(q.clone().body, { status: 201 }); const c = r.clone(); const t = await c.text(); t + q.method + q.headers.get("content-type") + r.status + (await q.text())`,
    "abPOSTtext/plain;charset=UTF-8201ab",
  ],
  [
    "readers and JSON",
    `const reader = new Response("abc").body.getReader(); const one = await reader.read(); const j = await new Response('{"a":1}').json(); "" + one.done + j.a`,
    "false1",
  ],
];
