/** The code editor: CodeMirror, coloured by the page's own style sheet. */
import { javascript } from "@codemirror/lang-javascript";
import { syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { basicSetup } from "codemirror";

export interface Editor {
  source(): string;
  replace(source: string): void;
}

export function createEditor(parent: HTMLElement, source: string): Editor {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: source,
      extensions: [
        basicSetup,
        javascript(),
        syntaxHighlighting(classHighlighter),
        // Tab is not bound, so that it leaves the editor as it leaves any other field.
        EditorView.contentAttributes.of({ "aria-label": "Code of the function", id: "code" }),
      ],
    }),
  });
  return {
    source: () => view.state.doc.toString(),
    replace(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
  };
}
