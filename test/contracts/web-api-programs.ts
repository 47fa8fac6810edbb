/**
 * Made-up programs over the web APIs that keep a state of their own. Each is a function's text, run
 * inside a sandbox and outside with the same random inputs: the platform is the oracle.
 */
import fc from "fast-check";

/** Pieces that mean something to URL parsers, or nearly so. */
const PIECE = fc.constantFrom(
  ..."http: https: data: a: // / \\ ? # @ : [::1] % %41 %zz .. . é xn-- 127.1 0x a b.c 80 & = + | ^ ~ %2e".split(
    " ",
  ),
  " ",
);
const TEXT = fc.array(PIECE, { maxLength: 7 }).map((pieces) => pieces.join(""));
const KEY = fc.constantFrom("a", "b", "é", "", "a b", "&", "😀");
const BYTE = fc.oneof(
  fc.constantFrom(
    0xef,
    0xbb,
    0xbf,
    0xfe,
    0xff,
    0xe2,
    0x82,
    0xac,
    0xf0,
    0x9f,
    0x98,
    0x80,
    0xed,
    0xa0,
  ),
  fc.constantFrom(0xf4, 0x90, 0xc0, 0xe0, 0x61, 0, 0xd8, 0x3d, 0xde),
  fc.integer({ min: 0, max: 255 }),
);
const CHUNKS = fc.array(fc.array(BYTE, { maxLength: 6 }), { minLength: 1, maxLength: 6 });

export interface WebApiProgram {
  what: string;
  inputs: fc.Arbitrary<unknown[]>;
  /** The text of a function from one input to data. */
  source: string;
}

export const WEB_API_PROGRAMS: WebApiProgram[] = [
  {
    what: "URLs and their queries, changed in turn",
    inputs: fc.array(
      fc.oneof(
        fc.tuple(fc.constantFrom("append", "set", "delete", "has"), KEY, KEY),
        fc.tuple(fc.constantFrom("delete", "get", "getAll", "sort"), KEY),
        fc.tuple(
          fc.constantFrom("search", "hash", "pathname", "username", "password", "port", "protocol"),
          TEXT,
        ),
      ),
      { maxLength: 12 },
    ),
    source: `(steps) => {
      const url = new URL("http://host/path?a=1&b=2&a=3");
      const query = url.searchParams;
      return steps.map(([name, ...given]) => {
        const found = name in query ? query[name](...given) : void (url[name] = given[0]);
        return [found, url.href, String(query), query.size];
      });
    }`,
  },
  {
    what: "decoders fed in chunks",
    inputs: fc.tuple(
      fc.constantFrom("utf-8", "utf-8", "utf-16le", "utf-16be"),
      fc.boolean(),
      fc.boolean(),
      CHUNKS,
      fc.boolean(),
      CHUNKS,
    ),
    source: `([label, fatal, ignoreBOM, first, isLeftOpen, second]) => {
      const decoder = new TextDecoder(label, { fatal, ignoreBOM });
      const texts = [];
      const decode = (chunk, stream) => texts.push(decoder.decode(new Uint8Array(chunk), { stream }));
      try {
        first.forEach((chunk, index) => decode(chunk, isLeftOpen || index < first.length - 1));
        second.forEach((chunk, index) => decode(chunk, index < second.length - 1));
      } catch (error) { texts.push(error.name); }
      return texts;
    }`,
  },
];
