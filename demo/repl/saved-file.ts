/** Has the browser save bytes as a file. */
export function offerFile(name: string, content: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([content as Uint8Array<ArrayBuffer>]));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has the bytes by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
