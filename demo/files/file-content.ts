/** A file's bytes as text to edit, or as what is to be seen of them where they are no text. */

/** More would make the field slow. */
const MAXIMUM_EDITED_BYTES = 512 * 1024;
const SHOWN_BYTES = 512;
const BYTES_PER_LINE = 16;

export interface FileContent {
  text: string;
  isEditable: boolean;
  /** A field has its own line ends, and the file is to keep its. */
  lineEnd: "\n" | "\r\n";
}

export const NO_CONTENT: FileContent = { text: "", isEditable: true, lineEnd: "\n" };

export function decodeContent(bytes: Uint8Array): FileContent {
  const given = bytes.length <= MAXIMUM_EDITED_BYTES ? decodeText(bytes) : undefined;
  if (given !== undefined) {
    const text = given.replaceAll("\r\n", "\n");
    const lines = text.split("\n").length - 1;
    // A mixture of line ends would not survive the field.
    const lineEnds = given.length - text.length;
    if (!text.includes("\r") && (lineEnds === 0 || lineEnds === lines)) {
      return { text, isEditable: true, lineEnd: lineEnds === 0 ? "\n" : "\r\n" };
    }
  }
  return { text: hexadecimal(bytes), isEditable: false, lineEnd: "\n" };
}

export function encodeContent(text: string, lineEnd: FileContent["lineEnd"]): Uint8Array {
  return new TextEncoder().encode(text.replaceAll("\n", lineEnd));
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

function hexadecimal(bytes: Uint8Array): string {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, SHOWN_BYTES); at += BYTES_PER_LINE) {
    const part = Array.from(bytes.subarray(at, at + BYTES_PER_LINE));
    lines.push(part.map((byte) => byte.toString(16).padStart(2, "0")).join(" "));
  }
  if (bytes.length > SHOWN_BYTES) lines.push("…");
  return lines.join("\n");
}
