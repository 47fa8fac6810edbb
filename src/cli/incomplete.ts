/** Whether what was typed goes on in the next line. */
import { scan } from "../registry/scanner.ts";

/** An open bracket, or a template that has not ended. */
export function isIncomplete(source: string): boolean {
  let depth = 0;
  for (const { kind, text } of scan(source)) {
    if (kind === "sign" && "([{".includes(text)) depth++;
    else if (kind === "sign" && ")]}".includes(text)) depth--;
    else if (kind === "template") {
      const isStart = text.startsWith("`");
      const goesOn = text.endsWith("${");
      const hasEnded = text.endsWith("`") && text.length > 1;
      if (isStart && goesOn) depth++;
      else if (isStart && !hasEnded) return true;
      else if (!isStart && hasEnded) depth--;
      else if (!isStart && !goesOn) return true;
    }
  }
  return depth > 0 || endsInComment(source);
}

/** A block comment that has no end swallows everything behind it. */
function endsInComment(source: string): boolean {
  const start = source.lastIndexOf("/*");
  if (start < 0 || source.includes("*/", start + 2)) return false;
  // Only outside of texts: closing it there leaves no tokens behind it.
  const tokens = scan(`${source}*/`);
  return (tokens.at(-1)?.end ?? 0) <= start;
}
