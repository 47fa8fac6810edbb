/** One run in the transcript: what was typed, what it wrote, what became of it, what it cost. */
import { javascriptLanguage } from "@codemirror/lang-javascript";
import { classHighlighter, highlightCode } from "@lezer/highlight";
import { GuestError, type Receipt, type RunOutcome, type SkepError } from "skep";
import { create } from "../dom.ts";
import { bytes, count, milliseconds } from "../format.ts";
import { describeError } from "../output.ts";
import type { RunNode } from "./run-tree.ts";
import { valueView } from "./value-view.ts";

export class EntryView {
  readonly element: HTMLElement = create("article", "entry");
  readonly #node: RunNode;
  readonly #lines = create("div", "entry-lines");
  readonly #end = create("div", "entry-end");
  #shownLines = 0;
  #isSettled = false;

  constructor(node: RunNode) {
    this.#node = node;
    const typed = create("div", "entry-in");
    const number = create("span", "entry-number", String(node.number));
    number.setAttribute("aria-hidden", "true");
    typed.append(number, highlighted(node.source));
    this.element.setAttribute("aria-label", `Run ${node.number}`);
    this.element.append(typed, this.#lines, this.#end);
    this.update();
  }

  update(): void {
    const { lines, linesLeftOut, outcome } = this.#node;
    for (const { level, text } of lines.slice(this.#shownLines)) {
      const line = create("p", `line ${level}`);
      line.append(create("span", "level", level), create("span", "text", text));
      this.#lines.append(line);
    }
    this.#shownLines = lines.length;
    this.element.setAttribute("aria-busy", String(outcome === undefined));
    if (outcome === undefined || this.#isSettled) return;
    this.#isSettled = true;
    if (linesLeftOut > 0) {
      this.#end.append(create("p", "note", `… ${count(linesLeftOut)} more lines`));
    }
    this.#end.append(...endOf(outcome), receiptLine(outcome.receipt, this.#node.isRolledBack));
  }
}

function highlighted(source: string): HTMLElement {
  const text = create("pre", "entry-source");
  highlightCode(
    source,
    javascriptLanguage.parser.parse(source),
    classHighlighter,
    (code, classes) => text.append(classes === "" ? code : create("span", classes, code)),
    () => text.append("\n"),
  );
  return text;
}

function endOf(outcome: RunOutcome): HTMLElement[] {
  if (outcome.ok) return [valueView(outcome.value)];
  const { error } = outcome;
  if (error.code === "not-marshallable") {
    return [create("p", "soft", `Done. Its ${error.message}`)];
  }
  return [errorView(error)];
}

function errorView(error: SkepError): HTMLElement {
  const { code, name, message, stack } = describeError(error);
  const view = create("div", "error");
  const head = create("p", "error-head");
  head.append(create("code", "", code));
  if (error instanceof GuestError) head.append(create("strong", "", name));
  if (error.location !== undefined) {
    const { file, line, column } = error.location;
    head.append(create("span", "times", `${file}:${line}:${column}`));
  }
  view.append(head, create("p", "error-message", message));
  if (error.frame !== undefined) view.append(create("pre", "frame", error.frame));
  if (stack.trim() !== "") view.append(create("pre", "stack", stack.trimEnd()));
  return view;
}

function receiptLine(receipt: Receipt, isRolledBack: boolean): HTMLElement {
  const line = create("p", "receipt note");
  if (isRolledBack) line.append(create("span", "chip undone", "rolled back"));
  const { wallMs, cpuMs, gas, peakMemoryBytes, workerId, attempts } = receipt;
  const facts = [
    milliseconds(wallMs),
    `cpu ${milliseconds(cpuMs)}`,
    `gas ${count(gas)}`,
    bytes(peakMemoryBytes),
  ];
  if (workerId !== 0) facts.push(`worker ${workerId}`);
  if (attempts > 1) facts.push(`${count(attempts)} attempts`);
  line.append(facts.join(" · "));
  return line;
}
