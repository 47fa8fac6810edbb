/** Where source is typed: Enter runs it when it is complete, arrows bring back what was typed. */
import { javascript } from "@codemirror/lang-javascript";
import { indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { minimalSetup } from "codemirror";
import { isComplete } from "./complete-input.ts";

export interface InputActions {
  run(source: string): void;
  /** What was typed before, oldest first. */
  inputs(): readonly string[];
}

export interface Input {
  readonly source: string;
  replace(source: string): void;
  /** As Enter does, but also where the source is not complete. */
  submit(): void;
  focus(): void;
}

export function createInput(parent: HTMLElement, actions: InputActions): Input {
  /** How far back in what was typed; 0 is what is being typed. */
  let back = 0;
  let draft = "";

  function replace(text: string, cursor = text.length): void {
    const { length } = view.state.doc;
    view.dispatch({
      changes: { from: 0, to: length, insert: text },
      selection: { anchor: cursor },
      scrollIntoView: true,
    });
  }

  function submit(): boolean {
    const source = view.state.doc.toString();
    if (source.trim() === "") return true;
    back = 0;
    replace("");
    actions.run(source);
    return true;
  }

  function walk(step: 1 | -1): boolean {
    const { doc, selection } = view.state;
    const line = doc.lineAt(selection.main.head).number;
    if (!selection.main.empty || line !== (step === 1 ? 1 : doc.lines)) return false;
    const inputs = actions.inputs();
    const target = back + step;
    if (target < 0 || target > inputs.length) return false;
    if (back === 0) draft = doc.toString();
    back = target;
    const text = target === 0 ? draft : (inputs.at(-target) ?? "");
    const firstLineEnd = text.includes("\n") ? text.indexOf("\n") : text.length;
    replace(text, step === 1 ? firstLineEnd : text.length);
    return true;
  }

  const view = new EditorView({
    parent,
    state: EditorState.create({
      extensions: [
        // Where these keys decline, the editor's own meaning of them holds: Enter begins a line.
        Prec.high(
          keymap.of([
            { key: "Enter", run: () => isComplete(view.state.doc.toString()) && submit() },
            { key: "Mod-Enter", run: submit },
            { key: "ArrowUp", run: () => walk(1) },
            { key: "ArrowDown", run: () => walk(-1) },
          ]),
        ),
        minimalSetup,
        javascript(),
        indentOnInput(),
        syntaxHighlighting(classHighlighter),
        EditorView.lineWrapping,
        placeholder("JavaScript, to be run with Enter"),
        EditorView.contentAttributes.of({
          "aria-label": "Input",
          "aria-describedby": "repl-keys",
          id: "repl-code",
        }),
      ],
    }),
  });

  return {
    get source() {
      return view.state.doc.toString();
    },
    replace(text) {
      back = 0;
      replace(text);
    },
    submit: () => void submit(),
    focus: () => view.focus(),
  };
}
