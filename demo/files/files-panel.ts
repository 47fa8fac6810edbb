/** The files that guests share, as the page reads and writes them. */
import type { Pool, PoolFiles } from "skep";
import { byId, setText } from "../dom.ts";
import { bytes, count } from "../format.ts";
import { offerFile } from "../saved-file.ts";
import { decodeContent, encodeContent, type FileContent, NO_CONTENT } from "./file-content.ts";
import { FileList, listFiles } from "./file-list.ts";

const nameField = byId("file-name", HTMLInputElement);
const text = byId("file-text", HTMLTextAreaElement);
const save = byId("file-save", HTMLButtonElement);
const download = byId("file-download", HTMLButtonElement);
const upload = byId("file-upload", HTMLInputElement);
const usage = byId("files-usage", HTMLElement);
const summary = byId("files-summary", HTMLElement);

export class FilesPanel {
  readonly #list: FileList;
  #files: PoolFiles | undefined;
  /** The file in the form; empty while a new one is being made. */
  #opened = "";
  #content: FileContent = NO_CONTENT;
  #refreshes = 0;

  constructor() {
    this.#list = new FileList(byId("files", HTMLElement), {
      open: (name) => this.#do(() => this.#open(name)),
      remove: (name) => this.#do(() => this.#remove(name)),
    });
    byId("file-new", HTMLButtonElement).addEventListener("click", () => {
      this.#fill("", NO_CONTENT);
      nameField.focus();
      this.refresh();
    });
    byId("file-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#do(() => this.#save());
    });
    download.addEventListener("click", () => this.#do(() => this.#download()));
    byId("file-choose", HTMLButtonElement).addEventListener("click", () => upload.click());
    upload.addEventListener("change", () => this.#do(() => this.#upload()));
    this.#fill("", NO_CONTENT);
  }

  onPool(pool: Pool): void {
    this.#files = pool.files;
    this.refresh();
  }

  /** Shows what there is now: guests may have written meanwhile. */
  refresh(): void {
    void this.#refresh().catch((error: unknown) => this.#failed(error));
  }

  async #refresh(): Promise<void> {
    const files = this.#files;
    if (files === undefined) return;
    const refresh = ++this.#refreshes;
    const { listed, more } = await listFiles(files);
    const isThere = listed.some(({ name, type }) => name === this.#opened && type === "file");
    const isUntouched = text.value === this.#content.text && nameField.value === this.#opened;
    const fresh = isThere && isUntouched ? await this.#read(this.#opened) : undefined;
    if (refresh !== this.#refreshes || files !== this.#files) return;
    if (fresh !== undefined && fresh.text !== this.#content.text) this.#fill(this.#opened, fresh);
    this.#list.show(listed, more, this.#opened);
    download.disabled = !isThere;
    const { bytes: used, maxBytes, files: entries } = files.usage();
    setText(
      usage,
      `${count(entries)} files and directories, ${bytes(used)} of ${bytes(maxBytes)}.`,
    );
  }

  async #open(name: string): Promise<string> {
    const content = await this.#read(name);
    this.#fill(name, content);
    return content.isEditable
      ? `Opened ${name}.`
      : `${name} is no text, or too much of it: this is how it begins. Download it to see it all.`;
  }

  async #save(): Promise<string> {
    const name = nameField.value.trim();
    if (name === "") throw new Error("The file needs a name.");
    const folder = name.slice(0, Math.max(0, name.lastIndexOf("/")));
    if (folder !== "") await this.#mounted.mkdir(this.#pathOf(folder), { recursive: true });
    const data = encodeContent(text.value, this.#content.lineEnd);
    await this.#mounted.writeFile(this.#pathOf(name), data);
    this.#fill(name, { ...this.#content, text: text.value });
    return `Saved ${name}.`;
  }

  async #remove(name: string): Promise<string> {
    await this.#mounted.rm(this.#pathOf(name), { recursive: true });
    return `Deleted ${name}.`;
  }

  async #download(): Promise<string> {
    const name = this.#opened;
    offerFile(
      name.slice(name.lastIndexOf("/") + 1),
      await this.#mounted.readFile(this.#pathOf(name)),
    );
    return `Downloaded ${name}.`;
  }

  async #upload(): Promise<string> {
    const chosen = [...(upload.files ?? [])];
    upload.value = "";
    for (const file of chosen) {
      const data = new Uint8Array(await file.arrayBuffer());
      await this.#mounted.writeFile(this.#pathOf(file.name), data);
    }
    return `Uploaded ${chosen.map(({ name }) => name).join(", ")}.`;
  }

  get #mounted(): PoolFiles {
    if (this.#files === undefined) throw new Error("The pool is not ready.");
    return this.#files;
  }

  async #read(name: string): Promise<FileContent> {
    return decodeContent(await this.#mounted.readFile(this.#pathOf(name)));
  }

  #pathOf(name: string): string {
    return `${this.#mounted.mount}/${name}`;
  }

  #fill(name: string, content: FileContent): void {
    this.#opened = name;
    this.#content = content;
    nameField.value = name;
    text.value = content.text;
    text.readOnly = !content.isEditable;
    save.disabled = !content.isEditable;
  }

  #do(act: () => Promise<string>): void {
    void act().then(
      (told) => {
        setText(summary, told);
        summary.classList.remove("bad");
        this.refresh();
      },
      (error: unknown) => {
        this.#failed(error);
        this.refresh();
      },
    );
  }

  #failed(error: unknown): void {
    setText(summary, error instanceof Error ? error.message : String(error));
    summary.classList.add("bad");
  }
}
