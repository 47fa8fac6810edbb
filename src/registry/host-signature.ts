/** The TypeScript that describes a host function, as far as it must be understood. */

/** Parameters in their brackets, with type parameters before them, and the type of the result. */
export interface HostSignature {
  readonly parameters: string;
  readonly result: string;
}

/** Reads `(id: number): Promise<User>`, also with an arrow for the colon; undefined when it is neither. */
export function readSignature(signature: unknown): HostSignature | undefined {
  if (typeof signature !== "string") return undefined;
  const text = signature.trim();
  let start = 0;
  if (text.startsWith("<")) {
    start = closing(text, 0) + 1;
    if (start === 0) return undefined;
    while (/\s/.test(text[start] ?? "")) start++;
  }
  const end = text[start] === "(" ? closing(text, start) : -1;
  if (end < 0) return undefined;
  const parameters = text.slice(0, end + 1);
  const result = /^\s*(?::|=>)\s*(\S[^]*?)\s*;?$/.exec(text.slice(end + 1))?.[1];
  if (result === undefined || closing(`(${result})`, 0) !== result.length + 1) return undefined;
  return { parameters, result };
}

/** What a result is that was waited for. */
export function awaited(result: string): string {
  const start = /^Promise\s*</.exec(result)?.[0].length ?? 0;
  if (start > 0 && closing(result, start - 1) === result.length - 1) return result.slice(start, -1);
  return /\bPromise/.test(result) ? `Awaited<${result}>` : result;
}

const BRACKETS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", "<": ">" };
/** A string, a comment or an arrow: what brackets in them say does not count. */
const OPAQUE = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|\/\*[^]*?\*\/|=>/y;

/** Where the bracket at `start` is closed; -1 when it is not, or when a comment hides the rest of a line. */
function closing(text: string, start: number): number {
  const open: (string | undefined)[] = [];
  for (let at = start; at < text.length; at++) {
    OPAQUE.lastIndex = at;
    const character = text[at] ?? "";
    if (OPAQUE.test(text)) at = OPAQUE.lastIndex - 1;
    else if (Object.hasOwn(BRACKETS, character)) open.push(BRACKETS[character]);
    else if (")]}>".includes(character)) {
      if (open.pop() !== character) return -1;
      if (open.length === 0) return at;
    } else if (/["'`]/.test(character) || text.startsWith("//", at)) return -1;
  }
  return -1;
}
