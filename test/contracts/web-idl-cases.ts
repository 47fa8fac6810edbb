/** What guests' web APIs make of arguments: conversions, dictionaries, lists and lengths, as WebIDL has them. */
type Case = [what: string, source: string, expected: unknown];

const NAME_OF =
  "const nameOf = (act) => { try { return typeof act(); } catch (error) { return error.name; } };";
const TRANSFERRED =
  "const bytes = new Uint8Array([1, 2, 3]); structuredClone(0, { transfer: [bytes.buffer] });";

export const WEB_IDL_CASES: Case[] = [
  [
    "what is no object is no dictionary",
    `${NAME_OF} [
      () => new TextDecoder("utf-8", 1), () => new TextDecoder("utf-8", "fatal"), () => new TextDecoder().decode(bytes, 5),
      () => structuredClone(1, 5), () => new Event("a", 5), () => new CustomEvent("a", "b"),
    ].map(nameOf)`.replace("bytes", "new Uint8Array(1)"),
    Array.from({ length: 6 }, () => "TypeError"),
  ],
  [
    "null is an empty dictionary",
    `${NAME_OF} [
      () => new TextDecoder("utf-8", null), () => new TextDecoder().decode(new Uint8Array(1), null),
      () => structuredClone(1, null), () => new Event("a", null),
    ].map(nameOf)`,
    ["object", "string", "number", "object"],
  ],
  [
    "what is no object is no list, though it could be iterated",
    `${NAME_OF} [
      () => AbortSignal.any(""), () => AbortSignal.any(5), () => AbortSignal.any(null), () => structuredClone(1, { transfer: "" }),
      () => structuredClone(1, { transfer: null }), () => new URLSearchParams(["ab"]), () => new URLSearchParams([1]),
    ].map(nameOf)`,
    Array.from({ length: 7 }, () => "TypeError"),
  ],
  [
    "listeners are functions, objects or nothing",
    `${NAME_OF} const target = new EventTarget(); [
      () => target.addEventListener("x", 5), () => target.removeEventListener("x", 5), () => target.addEventListener("x", "f"),
      () => target.addEventListener("x", null), () => target.removeEventListener("x", undefined), () => target.addEventListener("x", {}),
      () => target.addEventListener("x", null, { signal: 5 }),
    ].map(nameOf)`,
    ["TypeError", "TypeError", "TypeError", "undefined", "undefined", "undefined", "TypeError"],
  ],
  [
    "delays and ids are numbers, and a BigInt is none",
    `${NAME_OF} [
      () => setTimeout(() => {}, 1n), () => clearTimeout(1n), () => setInterval(() => {}, Symbol()),
      () => clearTimeout({}), () => clearInterval("x"), () => setTimeout("1 + 1"),
    ].map(nameOf)`,
    ["TypeError", "TypeError", "TypeError", "undefined", "undefined", "TypeError"],
  ],
  [
    "classes check what they are called on",
    `${NAME_OF} [
      () => TextEncoder.prototype.encoding, () => TextEncoder.prototype.encode.call({}, "a"), () => TextDecoder.prototype.fatal,
      () => URLSearchParams.prototype.size, () => AbortSignal.prototype.aborted,
    ].map(nameOf)`,
    Array.from({ length: 5 }, () => "TypeError"),
  ],
  [
    "lengths count what is required",
    `[
      URL, URL.parse, URL.canParse, URLSearchParams.prototype.delete, URLSearchParams.prototype.has,
      URLSearchParams.prototype.forEach, structuredClone, setTimeout, setInterval, clearTimeout, queueMicrotask, atob, Event,
      CustomEvent, EventTarget.prototype.addEventListener, EventTarget.prototype.removeEventListener, TextDecoder,
      TextDecoder.prototype.decode, AbortSignal.abort, AbortSignal.any, AbortController.prototype.abort, crypto.subtle.digest,
    ].map((member) => member.length).join("")`,
    "1111111110111122000102",
  ],
  [
    "bytes that were transferred are none",
    `${TRANSFERRED} [
      new TextDecoder().decode(bytes), new TextDecoder().decode(bytes.buffer),
      new Uint8Array(await crypto.subtle.digest("SHA-1", bytes.buffer))[0],
    ]`,
    ["", "", 0xda],
  ],
  [
    "shared bytes can be decoded through a view",
    "const shared = new Uint8Array(new SharedArrayBuffer(2)); shared.fill(97); [new TextDecoder().decode(shared), new TextDecoder().decode(shared.subarray(1))]",
    ["aa", "a"],
  ],
  [
    "an algorithm has a name",
    `const nameOf = (given) => crypto.subtle.digest(given, new Uint8Array(1)).catch((error) => error.name);
    await Promise.all([{}, { name: undefined }, { name: "MD5" }, "SHA256", null, Symbol()].map(nameOf))`,
    [
      "TypeError",
      "TypeError",
      ...Array.from({ length: 3 }, () => "NotSupportedError"),
      "TypeError",
    ],
  ],
  [
    "random values go into integer arrays",
    `${NAME_OF} [
      () => crypto.getRandomValues(), () => crypto.getRandomValues([]), () => crypto.getRandomValues(new ArrayBuffer(1)),
      () => crypto.getRandomValues(new Float32Array(1)), () => crypto.getRandomValues(new DataView(new ArrayBuffer(1))),
      () => crypto.getRandomValues(new Uint8Array(65_537)), () => crypto.getRandomValues(new BigInt64Array(1)),
    ].map(nameOf)`,
    [
      ...Array.from({ length: 3 }, () => "TypeError"),
      "TypeMismatchError",
      "TypeMismatchError",
      "QuotaExceededError",
      "object",
    ],
  ],
  [
    "onabort has its place among the listeners until it is taken away",
    `const orderOf = (...handlers) => {
      const { signal } = (globalThis.controller = new AbortController());
      const order = [];
      for (const handler of handlers) signal.onabort = handler && (() => order.push(handler));
      signal.addEventListener("abort", () => order.push("listener"));
      signal.onabort = null;
      signal.onabort = () => order.push("last");
      controller.abort();
      return order;
    };
    const kept = new AbortController(); const order = [];
    kept.signal.onabort = () => order.push("first");
    kept.signal.addEventListener("abort", () => order.push("listener"));
    kept.signal.onabort = () => order.push("changed");
    kept.abort();
    [orderOf("a", "b"), orderOf(), order]`,
    [
      ["listener", "last"],
      ["listener", "last"],
      ["changed", "listener"],
    ],
  ],
  [
    "a query that is set has the pairs of what was given",
    `const url = new URL("a://b?c"); const query = url.searchParams; url.search = "?x\\ty=1&\\n"; const { href } = url;
    query.append("z", ""); [href, [...query], url.href]`,
    [
      "a://b?xy=1&",
      [
        ["x\ty", "1"],
        ["\n", ""],
        ["z", ""],
      ],
      "a://b?x%09y=1&%0A=&z=",
    ],
  ],
  [
    "malformed escapes in a query leave other characters as they are",
    `[...new URLSearchParams("é%41%=日%zz%41&%41%=%")].flat()`,
    ["éA%", "日%zzA", "A%", "%"],
  ],
  [
    "cloning refuses accessors by their names: reading runs no code",
    "try { structuredClone({ a: { get b() { return 1; } } }) } catch (error) { [error.name, error.code, error.message] }",
    ["DataCloneError", 25, "value.a.b is an accessor property, which cannot be cloned."],
  ],
];
