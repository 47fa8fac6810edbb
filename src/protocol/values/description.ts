/** Stands in a console line for what cannot cross the wall: a function, a symbol, a promise. */
export class Description {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** As JSON has no functions and symbols either. */
  toJSON(): undefined {
    return undefined;
  }
}
