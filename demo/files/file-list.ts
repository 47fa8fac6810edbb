/** The files of a mount as rows: a click opens one. */
import type { PoolFiles } from "skep";
import { create } from "../dom.ts";
import { bytes, count } from "../format.ts";

const MAXIMUM_ROWS = 200;

export interface ListedFile {
  /** From the mount on. */
  name: string;
  type: "file" | "directory";
  size: number;
}

export async function listFiles(files: PoolFiles): Promise<{ listed: ListedFile[]; more: number }> {
  const entries = await files.readdir(files.mount, { recursive: true });
  // What is in a directory comes below it.
  entries.sort((left, right) => (left.name < right.name ? -1 : 1));
  const listed = await Promise.all(
    entries.slice(0, MAXIMUM_ROWS).map(async ({ name, type }) => {
      // A guest may have removed it meanwhile.
      const status = await files.stat(`${files.mount}/${name}`).catch(() => undefined);
      return { name, type, size: status?.size ?? 0 };
    }),
  );
  return { listed, more: Math.max(0, entries.length - MAXIMUM_ROWS) };
}

export interface FileActions {
  open(name: string): void;
  remove(name: string): void;
}

export class FileList {
  readonly #parent: HTMLElement;
  readonly #actions: FileActions;
  #shown = "";

  constructor(parent: HTMLElement, actions: FileActions) {
    this.#parent = parent;
    this.#actions = actions;
  }

  show(listed: readonly ListedFile[], more: number, opened: string): void {
    const key = JSON.stringify([listed, more, opened]);
    if (key === this.#shown) return;
    this.#shown = key;
    const focused = document.activeElement?.getAttribute("aria-label");
    const rows = listed.map((file) => this.#row(file, file.name === opened));
    if (more > 0) rows.push(create("li", "note", `… ${count(more)} more`));
    if (rows.length === 0) rows.push(create("li", "empty", "No files."));
    const hadFocus = this.#parent.contains(document.activeElement);
    this.#parent.replaceChildren(...rows);
    if (!hadFocus) return;
    // The rows are new ones: the focus goes to what is where it was.
    const buttons = [...this.#parent.querySelectorAll("button")];
    const next = buttons.find((button) => button.ariaLabel === focused) ?? buttons[0];
    (next ?? this.#parent).focus();
  }

  #row({ name, type, size }: ListedFile, isOpened: boolean): HTMLElement {
    const row = create("li", "file");
    if (type === "file") {
      const open = create("button", "quiet file-name", name);
      open.type = "button";
      open.ariaLabel = `Open ${name}`;
      if (isOpened) open.ariaCurrent = "true";
      open.addEventListener("click", () => this.#actions.open(name));
      row.append(open, create("span", "note", size < 1024 ? `${size} B` : bytes(size)));
    } else row.append(create("span", "file-name", `${name}/`));
    const remove = create("button", "small", "Delete");
    remove.type = "button";
    remove.ariaLabel = `Delete ${name}`;
    remove.addEventListener("click", () => this.#actions.remove(name));
    row.append(remove);
    return row;
  }
}
