/**
 * Jobs that well-known packages are used for. Each is the text of a function of the package's
 * namespace, evaluated inside a sandbox and outside, and its result is plain data.
 */
const PACKAGE_JOBS: Record<string, string> = {
  "lodash-es": `({ chunk, groupBy, merge, sortBy, template, default: all }) => [
    chunk([1, 2, 3, 4, 5], 2),
    groupBy([6.1, 4.2, 6.3], Math.floor),
    merge({ a: [{ b: 2 }, { d: 4 }] }, { a: [{ c: 3 }, { e: 5 }] }),
    sortBy([{ n: 3 }, { n: 1 }, { n: 2 }], "n"),
    template("hello <%= user %>!")({ user: "fred" }),
    all([3, 1, 2]).sort().map((n) => n * n).value(),
  ]`,
  "date-fns": `({ addDays, addMonths, differenceInBusinessDays, format, formatDistance, parse }) => [
    addDays(new Date(2024, 1, 28), 2),
    format(addMonths(new Date(2024, 0, 31), 1), "EEEE, do MMMM yyyy, HH:mm:ss.SSS"),
    differenceInBusinessDays(new Date(2024, 6, 20), new Date(2024, 6, 1)),
    formatDistance(new Date(2024, 0, 1), new Date(2024, 3, 1), { addSuffix: true }),
    parse("02/11/2014", "MM/dd/yyyy", new Date(0)),
  ]`,
  zod: `({ z }) => {
    const user = z.object({
      name: z.string().min(2),
      email: z.email(),
      age: z.coerce.number().int().optional(),
      tags: z.array(z.enum(["a", "b"])).default([]),
    });
    const bad = user.safeParse({ name: "x", email: "nobody", tags: ["c"] });
    return [
      user.parse({ name: "Ada", email: "ada@example.com", age: "36" }),
      bad.error.issues.map(({ path, message, code }) => ({ path, message, code })),
      z.toJSONSchema(z.object({ id: z.uuid() })),
    ];
  }`,
  marked: `({ marked, Marked }) => [
    marked.parse("# Title\\n\\n* one\\n* **two**\\n\\n| a | b |\\n|---|---|\\n| 1 | <2> |\\n"),
    new Marked({ gfm: true, breaks: true }).parseInline("a\\n\`b\` [c](https://example.com)"),
    marked.lexer("> quote").map((token) => token.type),
  ]`,
  acorn: `({ parse, tokenizer }) => [
    JSON.parse(JSON.stringify(parse("export const f = async (x) => x?.y ?? 1n;", {
      ecmaVersion: "latest", sourceType: "module", locations: true,
    }), (_, value) => typeof value === "bigint" ? String(value) : value)),
    [...tokenizer("a => /b/u", { ecmaVersion: "latest" })].map((token) => token.type.label),
    (() => { try { parse("let = ;", { ecmaVersion: 2024 }); } catch (error) { return String(error); } })(),
  ]`,
  ajv: `({ default: exported }) => {
    const Ajv = exported.default ?? exported;
    const validate = new Ajv({ allErrors: true }).compile({
      type: "object",
      properties: {
        id: { type: "integer", minimum: 1 },
        tags: { type: "array", items: { type: "string", pattern: "^[a-z]+$" }, uniqueItems: true },
      },
      required: ["id"],
      additionalProperties: false,
    });
    return [
      validate({ id: 1, tags: ["a", "b"] }),
      validate({ id: 0, tags: ["a", "a", "B"], more: 1 }),
      JSON.parse(JSON.stringify(validate.errors)),
    ];
  }`,
  mathjs: `({ evaluate, derivative, det, format, inv, simplify, unit, parse }) => [
    evaluate("12.7 cm to inch").toString(),
    evaluate("9 / 3 + 2i").toString(),
    derivative("x^2 + x", "x").toString(),
    simplify("3 + 2 / 4").toString(),
    det([[1, 2], [3, 4]]),
    inv([[1, 2], [3, 5]]),
    format(unit(5, "kg").multiply(2), 3),
    parse("f(x, y) = x ^ y").compile().evaluate()(2, 10),
    evaluate("bignumber(2) ^ 100").toString(),
  ]`,
  papaparse: `({ default: Papa }) => [
    Papa.parse('name,age\\n"Lovelace, Ada",36\\nGrace,85\\n', { header: true, dynamicTyping: true, skipEmptyLines: true }).data,
    Papa.unparse([{ a: 1, b: 'x "y"' }, { a: 2, b: "p,q" }]),
    Papa.parse("a;b\\n1;2;3").meta.delimiter,
  ]`,
  handlebars: `({ default: Handlebars }) => {
    const own = Handlebars.create();
    own.registerHelper("shout", (text) => String(text).toUpperCase());
    own.registerPartial("row", "<li>{{shout name}}: {{price}}</li>");
    const render = own.compile("<ul>{{#each items}}{{> row}}{{else}}none{{/each}}</ul>{{{raw}}}{{escaped}}");
    return [
      render({ items: [{ name: "tea", price: 3 }, { name: "<b>", price: 4 }], raw: "<i>", escaped: "<i>" }),
      render({ items: [] }),
      own.parse("{{a.b}}").body.length,
    ];
  }`,
  immer: `({ produce, enablePatches, produceWithPatches, applyPatches, current, isDraft }) => {
    enablePatches();
    const base = { todos: [{ text: "a", done: false }, { text: "b", done: false }], n: 1 };
    const next = produce(base, (draft) => { draft.todos[1].done = true; draft.todos.push({ text: "c" }); });
    const [result, patches, inverse] = produceWithPatches(base, (draft) => { delete draft.n; draft.todos.shift(); });
    return [
      base, next, next.todos[0] === base.todos[0], Object.isFrozen(next),
      result, patches, inverse, applyPatches(result, inverse),
      produce([1], (draft) => { draft.push(isDraft(draft), current(draft).length); }),
    ];
  }`,
  nanoid: `({ nanoid, customAlphabet, customRandom, urlAlphabet }) => {
    let seed = 1;
    const bytes = (count) => Uint8Array.from({ length: count }, () => (seed = (seed * 16807) % 2147483647) & 255);
    return [
      customRandom("abcdef", 10, bytes)(),
      urlAlphabet.length,
      /^[\\w-]{21}$/.test(nanoid()) && nanoid() !== nanoid(),
      /^[01]{64}$/.test(customAlphabet("01", 64)()),
    ];
  }`,
  "fast-json-patch": `({ compare, applyPatch, validate, getValueByPointer, observe, generate }) => {
    const before = { user: { name: "a", tags: ["x", "y"] }, n: 1 };
    const after = { user: { name: "b", tags: ["y", "z"], extra: null }, m: 2 };
    const patch = compare(before, after);
    const watched = { list: [1] };
    const observer = observe(watched);
    watched.list.push(2);
    return [
      patch,
      applyPatch(structuredCloneOf(before), patch).newDocument,
      validate([{ op: "remove", path: "/missing" }], before)?.name,
      getValueByPointer(after, "/user/tags/1"),
      generate(observer),
    ];
    function structuredCloneOf(value) { return JSON.parse(JSON.stringify(value)); }
  }`,
  yaml: `({ parse, parseDocument, stringify }) => {
    const text = "# kept\\nbase: &base { a: 1 }\\nlist:\\n  - *base\\n  - |\\n    two\\n    lines\\nwhen: 2001-12-14\\nnone: ~\\n";
    const document = parseDocument(text);
    document.setIn(["list", 2], "three");
    return [
      parse(text),
      String(document),
      stringify({ nested: { list: [1, "two", null, true] }, text: "a\\nb" }),
      parseDocument("a: [1, 2").errors.map((error) => error.code),
    ];
  }`,
  "urlpattern-polyfill": `({ URLPattern }) => [
    ["https://example.com/books/:id", "https://example.com/books/12?edition=2"],
    ["https://*.example.com/(\\\\d+)?", "https://shop.example.com/5"],
    ["https://example.com/:name.:extension", "https://example.com/caf%C3%A9.png"],
    [{ hostname: "{*.}?example.com" }, "https://www.example.com/"],
    [{ pathname: "/:first{-:second}?/*" }, "http://a/x-y/z/w"],
    [{ pathname: "/:path+", search: "q=:query" }, "http://a/b/c/d?q=1"],
    [{ pathname: "/exact" }, "http://a/Exact"],
    [{ protocol: "data", pathname: "foo*" }, "data:foobar"],
    ["/books/:id", "https://example.com/books/1", "https://example.com"],
    [{ pathname: "/books" }, { pathname: "/books" }],
    [{ pathname: "/x" }, "no URL"],
    ["https://example.com/(", "https://example.com/"],
  ].map(([pattern, input, base]) => {
    try {
      const made = base === undefined ? new URLPattern(pattern) : new URLPattern(pattern, base);
      const { protocol, hostname, pathname, search, hasRegExpGroups } = made;
      const found = made.exec(input);
      const groups = found && ["protocol", "hostname", "pathname", "search"].map((part) => found[part].groups);
      return [protocol, hostname, pathname, search, hasRegExpGroups, made.test(input), groups];
    } catch (error) { return error.name; }
  })`,
  "lz-string": `({ default: lz }) => {
    const text = "the quick brown fox, the lazy dog, ".repeat(40) + "ünïcödé 🦊";
    return [
      lz.compressToBase64(text),
      lz.decompressFromBase64(lz.compressToBase64(text)) === text,
      [...lz.compressToUint8Array("abcabcabc")],
      lz.decompressFromEncodedURIComponent(lz.compressToEncodedURIComponent(text)) === text,
    ];
  }`,
};

/** Guest source that does a package's job. */
export function guestJob(name: string): string {
  return `(${PACKAGE_JOBS[name]})(await import(${JSON.stringify(name)}))`;
}

/** The same outside, as data that crossed a wall as well. */
export function hostJob(name: string, namespace: unknown): unknown {
  const job = (0, eval)(`(${PACKAGE_JOBS[name]})`) as (namespace: unknown) => unknown;
  return structuredClone(job(namespace));
}
