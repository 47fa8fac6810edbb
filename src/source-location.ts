/** A place in guest source. */
export interface SourceLocation {
  /**
   * The file name of an evaluation, a virtual module such as `./lib.js`, a dependency's alias,
   * `name.js` for the function `name`, or `bootstrap.js`.
   */
  file: string;
  /** From 1; for a function from the first line of its own text. */
  line: number;
  /** From 1, in characters (code points). */
  column: number;
}
