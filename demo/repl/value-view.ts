/** A value that a guest returned, as text that opens: never as markup. */
import { create } from "../dom.ts";
import { count, plural, preview } from "../format.ts";

/** Entries shown at a time. */
const PAGE = 100;
const MAXIMUM_TEXT_LENGTH = 400;

export function valueView(value: unknown): HTMLElement {
  if (typeof value === "string" && value.length > MAXIMUM_TEXT_LENGTH) return longText(value);
  const { total, from } = entriesOf(value);
  if (total === 0) return create("code", `value ${kindOf(value)}`, titled(value));
  const view = create("details", "value");
  view.append(create("summary", "", titled(value)));
  // Only what is opened is built: a value may be large, and may contain itself.
  view.addEventListener("toggle", () => view.append(listOf(total, from)), { once: true });
  return view;
}

type Entry = readonly [label: string, value: unknown];

interface Entries {
  readonly total: number;
  readonly from: (start: number, end: number) => Entry[];
}

const NOTHING: Entries = { total: 0, from: () => [] };

function entriesOf(value: unknown): Entries {
  if (typeof value !== "object" || value === null || value instanceof Date) return NOTHING;
  if (value instanceof Map) {
    return listed([...value], ([key, item]): Entry => [`${preview(key)} →`, item]);
  }
  if (value instanceof Set) return listed([...value], (item, index): Entry => [`${index}`, item]);
  if (value instanceof ArrayBuffer) return entriesOf(new Uint8Array(value));
  if (value instanceof DataView) return entriesOf(new Uint8Array(value.buffer));
  if (Array.isArray(value)) return listed(value, (item, index): Entry => [`${index}`, item]);
  if (ArrayBuffer.isView(value)) {
    return listed(value as Uint8Array, (item, index): Entry => [`${index}`, item]);
  }
  if (value instanceof Error) return entriesOfError(value);
  return listed(Object.entries(value), (entry): Entry => entry);
}

function entriesOfError(error: Error): Entries {
  const { name, message, stack, cause, ...rest } = error as Error & Record<string, unknown>;
  const entries: Entry[] = [
    ["name", name],
    ["message", message],
    ["stack", stack?.trimEnd()],
  ];
  if (cause !== undefined) entries.push(["cause", cause]);
  return listed([...entries, ...Object.entries(rest)], (entry) => entry);
}

function listed<Item>(
  items: ArrayLike<Item> & { slice(start: number, end: number): ArrayLike<Item> },
  entryOf: (item: Item, index: number) => Entry,
): Entries {
  return {
    total: items.length,
    from: (start, end) =>
      Array.from(items.slice(start, end), (item, index) => entryOf(item, start + index)),
  };
}

function listOf(total: number, from: Entries["from"]): HTMLElement {
  const list = create("ul");
  function showMore(): void {
    const start = list.children.length;
    for (const [label, value] of from(start, start + PAGE)) {
      const item = create("li");
      item.append(create("span", "key", label), valueView(value));
      list.append(item);
    }
    const left = total - list.children.length;
    if (left === 0) return;
    const more = create("button", "small", `${count(left)} more`);
    more.type = "button";
    more.addEventListener("click", () => {
      more.remove();
      showMore();
    });
    list.after(more);
  }
  const box = create("div", "entries");
  box.append(list);
  showMore();
  return box;
}

function longText(text: string): HTMLElement {
  const view = create("details", "value text");
  const summary = `${JSON.stringify(text.slice(0, MAXIMUM_TEXT_LENGTH))} …`;
  view.append(create("summary", "", `${plural(text.length, "character")}: ${summary}`));
  view.addEventListener("toggle", () => view.append(create("pre", "", text)), { once: true });
  return view;
}

/** The preview, and how many there are where that is not seen in it. */
function titled(value: unknown): string {
  const text = preview(value);
  if (value instanceof Map || value instanceof Set) return text.replace(" {", `(${value.size}) {`);
  if (Array.isArray(value)) return value.length > 3 ? `(${count(value.length)}) ${text}` : text;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return text.replace(" [", `(${count((value as Uint8Array).length)}) [`);
  }
  return text;
}

function kindOf(value: unknown): string {
  return value === null ? "undefined" : typeof value;
}
