/** Results, errors and console: bounded lists behind three tabs, always as text, never as markup. */
import { GuestError, type PoolEvents, type Receipt, type RunOutcome, SkepError } from "skep";
import { byId, create, setText } from "./dom.ts";
import { bytes, count, milliseconds, plural, preview, short } from "./format.ts";
import { markSelected, placeReachedBy } from "./tabs.ts";

const MAXIMUM_RESULTS = 100;
const MAXIMUM_ERRORS = 50;
const MAXIMUM_LINES = 300;
const MAXIMUM_LINE_LENGTH = 1_000;
const MAXIMUM_STACK_LENGTH = 2_000;

const TABS = ["results", "errors", "console"] as const;
type Tab = (typeof TABS)[number];

interface Result {
  call: number;
  outcome: RunOutcome;
}

interface ErrorGroup {
  code: string;
  name: string;
  message: string;
  stack: string;
  times: number;
  firstCall: number | undefined;
  receipt: Receipt | undefined;
}

interface Line {
  level: string;
  runId: number;
  text: string;
}

const EMPTY: Record<Tab, string> = {
  results: "Results appear here, the newest first.",
  errors: "No errors. The hostile examples make some.",
  console: "What functions write to their console appears here.",
};

export class OutputView {
  readonly #buttons = TABS.map((name) => byId(`tab-${name}`, HTMLButtonElement));
  readonly #panels = TABS.map((name) => byId(`panel-${name}`, HTMLElement));
  readonly #counts = TABS.map((name) => byId(`count-${name}`, HTMLElement));
  readonly #totals: Record<Tab, number> = { results: 0, errors: 0, console: 0 };
  readonly #isDirty: Record<Tab, boolean> = { results: true, errors: true, console: true };
  #results: Result[] = [];
  #errors = new Map<string, ErrorGroup>();
  #lines: Line[] = [];
  #selected: Tab = "results";

  constructor(readonly onChange: () => void) {
    for (const [index, button] of this.#buttons.entries()) {
      button.addEventListener("click", () => this.select(TABS[index] ?? "results"));
      button.addEventListener("keydown", (event) => this.#move(event, index));
    }
    this.select("results");
  }

  settled(call: number, outcome: RunOutcome): void {
    if (!outcome.ok) this.failed(outcome.error, call);
    push(this.#results, { call, outcome }, MAXIMUM_RESULTS);
    this.#note("results");
  }

  /** An error of a run, or of a definition, which belongs to no call. */
  failed(error: unknown, call?: number): void {
    const { code, name, message, stack, receipt } = describeError(error);
    const key = `${code}\n${name}\n${message}`;
    const known = this.#errors.get(key);
    if (known !== undefined) known.times++;
    else if (this.#errors.size < MAXIMUM_ERRORS) {
      this.#errors.set(key, { code, name, message, stack, receipt, times: 1, firstCall: call });
    }
    this.#note("errors");
  }

  logged({ level, runId, text }: PoolEvents["console"]): void {
    push(this.#lines, { level, runId, text: shorten(text, MAXIMUM_LINE_LENGTH) }, MAXIMUM_LINES);
    this.#note("console");
  }

  clear(): void {
    this.#results = [];
    this.#errors = new Map();
    this.#lines = [];
    for (const tab of TABS) {
      this.#totals[tab] = 0;
      this.#isDirty[tab] = true;
    }
    this.onChange();
  }

  select(tab: Tab): void {
    this.#selected = tab;
    markSelected(this.#buttons, TABS.indexOf(tab));
    for (const [index, name] of TABS.entries()) {
      this.#panels[index]?.toggleAttribute("hidden", name !== tab);
    }
    this.#isDirty[tab] = true;
    this.onChange();
  }

  /** Brings the page up to date: the panel that is seen, and the numbers on the tabs. */
  render(): void {
    for (const [index, tab] of TABS.entries()) {
      const counter = this.#counts[index];
      if (counter !== undefined) {
        setText(counter, short(this.#totals[tab]));
        counter.title = count(this.#totals[tab]);
      }
    }
    const tab = this.#selected;
    const panel = this.#panels[TABS.indexOf(tab)];
    if (panel === undefined || !this.#isDirty[tab]) return;
    this.#isDirty[tab] = false;
    if (this.#totals[tab] === 0) panel.replaceChildren(create("p", "empty", EMPTY[tab]));
    else if (tab === "results") panel.replaceChildren(resultTable(this.#results));
    else if (tab === "errors") panel.replaceChildren(...[...this.#errors.values()].map(errorEntry));
    else panel.replaceChildren(...this.#lines.toReversed().map(consoleLine));
  }

  #note(tab: Tab): void {
    this.#totals[tab]++;
    this.#isDirty[tab] = true;
    this.onChange();
  }

  /** Arrow keys, Home and End move along the tabs. */
  #move(event: KeyboardEvent, index: number): void {
    const target = placeReachedBy(event.key, index, TABS.length);
    const tab = target === undefined ? undefined : TABS[target];
    if (target === undefined || tab === undefined) return;
    event.preventDefault();
    this.select(tab);
    this.#buttons[target]?.focus();
  }
}

/** An error's parts as bounded strings, whoever threw it. */
export function describeError(error: unknown): {
  code: string;
  name: string;
  message: string;
  stack: string;
  receipt: Receipt | undefined;
} {
  if (!(error instanceof SkepError)) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { code: "unexpected", name, message, stack: "", receipt: undefined };
  }
  const { code, name, message, receipt } = error;
  // Of skep's own errors the stack says where skep made them, which nobody here needs.
  const stack = error instanceof GuestError ? shorten(error.stack ?? "", MAXIMUM_STACK_LENGTH) : "";
  return { code, name, message: shorten(message, MAXIMUM_LINE_LENGTH), stack, receipt };
}

function resultTable(results: readonly Result[]): HTMLTableElement {
  const table = create("table");
  const head = table.createTHead().insertRow();
  for (const title of ["Call", "Value", "Time", "Memory", "Worker"]) {
    const cell = create("th", "", title);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const { call, outcome } of results.toReversed()) {
    const row = body.insertRow();
    const { wallMs, peakMemoryBytes, workerId } = outcome.receipt;
    const value = outcome.ok
      ? preview(outcome.value)
      : `${outcome.error.code}: ${shorten(outcome.error.message, 200)}`;
    row.className = outcome.ok ? "" : "bad";
    row.insertCell().textContent = String(call);
    row.insertCell().textContent = value;
    row.insertCell().textContent = milliseconds(wallMs);
    row.insertCell().textContent = bytes(peakMemoryBytes);
    row.insertCell().textContent = workerId === 0 ? "–" : String(workerId);
  }
  return table;
}

function errorEntry(error: ErrorGroup): HTMLElement {
  const entry = create("article", "error");
  const head = create("p", "error-head");
  head.append(create("code", "", error.code), create("strong", "", error.name));
  head.append(create("span", "times", `× ${count(error.times)}`));
  entry.append(head, create("p", "error-message", error.message));
  if (error.stack.trim() !== "") entry.append(create("pre", "", error.stack.trimEnd()));
  const facts = [];
  if (error.firstCall !== undefined) facts.push(`first in call ${count(error.firstCall)}`);
  if (error.receipt !== undefined) {
    const { wallMs, peakMemoryBytes, attempts } = error.receipt;
    facts.push(milliseconds(wallMs), bytes(peakMemoryBytes), plural(attempts, "attempt"));
  }
  if (facts.length > 0) entry.append(create("p", "note", facts.join(" · ")));
  return entry;
}

function consoleLine({ level, runId, text }: Line): HTMLElement {
  const line = create("p", `line ${level}`);
  line.append(create("span", "level", level), create("span", "run", `#${runId}`));
  line.append(create("span", "text", text));
  return line;
}

function push<Item>(items: Item[], item: Item, maximum: number): void {
  items.push(item);
  // Half at a time, see Timeline.
  if (items.length >= maximum * 2) items.splice(0, items.length - maximum);
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
