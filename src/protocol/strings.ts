/** Strings from code units in memory. Most are short, so no object is made for those. */

/** Beyond this many characters the platform's decoder beats building the string in pieces. */
const SHORT_TEXT = 40;
const UNITS_PER_CALL = 4096;

const { fromCharCode } = String;
const utf8 = /*#__PURE__*/ new TextDecoder("utf-8", { ignoreBOM: true });
// "latin1" means windows-1252 to TextDecoder, so what is not ASCII goes through UTF-16.
const utf16 = /*#__PURE__*/ new TextDecoder("utf-16le", { ignoreBOM: true });

/** `count` one-byte code units at `at`. */
export function narrowString(bytes: Uint8Array, at: number, count: number): string {
  if (count <= SHORT_TEXT) return shortString(bytes, at, at + count);
  const part = bytes.subarray(at, at + count);
  if (isAscii(part)) return utf8.decode(part);
  return utf16.decode(Uint16Array.from(part));
}

/** Eight code units per call: a concatenation for each of them would make as many strings. */
function shortString(bytes: Uint8Array, at: number, end: number): string {
  let text = "";
  for (; at + 8 <= end; at += 8) {
    text += fromCharCode(
      bytes[at] as number,
      bytes[at + 1] as number,
      bytes[at + 2] as number,
      bytes[at + 3] as number,
      bytes[at + 4] as number,
      bytes[at + 5] as number,
      bytes[at + 6] as number,
      bytes[at + 7] as number,
    );
  }
  if (at + 4 <= end) {
    text += fromCharCode(
      bytes[at] as number,
      bytes[at + 1] as number,
      bytes[at + 2] as number,
      bytes[at + 3] as number,
    );
    at += 4;
  }
  if (at + 2 <= end) {
    text += fromCharCode(bytes[at] as number, bytes[at + 1] as number);
    at += 2;
  }
  return at < end ? text + fromCharCode(bytes[at] as number) : text;
}

function isAscii(bytes: Uint8Array): boolean {
  let seen = 0;
  for (let index = 0; index < bytes.length; index++) seen |= bytes[index] as number;
  return seen < 0x80;
}

/** `count` two-byte code units at `at`, lone surrogates kept. */
export function wideString(bytes: Uint8Array, at: number, count: number): string {
  const units = new Uint16Array(count);
  new Uint8Array(units.buffer).set(bytes.subarray(at, at + count * 2));
  // TextDecoder replaces lone surrogates; it serves strings that have no surrogates, which is most.
  if (!hasSurrogate(units)) return utf16.decode(units);
  let text = "";
  for (let from = 0; from < units.length; from += UNITS_PER_CALL) {
    text += fromCharCode.apply(null, units.subarray(from, from + UNITS_PER_CALL) as never);
  }
  return text;
}

function hasSurrogate(units: Uint16Array): boolean {
  for (let index = 0; index < units.length; index++) {
    const unit = units[index] as number;
    if (unit >= 0xd800 && unit <= 0xdfff) return true;
  }
  return false;
}
