// The editor of the playground: CodeMirror over the plain field, a trial at every keystroke, faults in their places.
import { basicSetup } from "codemirror";
import { EditorView, keymap } from "@codemirror/view";
import { EditorState } from "@codemirror/state";
import { indentWithTab } from "@codemirror/commands";
import { yaml, yamlLanguage } from "@codemirror/lang-yaml";
import { jinja } from "@codemirror/lang-jinja";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";
import { setDiagnostics, lintGutter } from "@codemirror/lint";

const form = document.getElementById("sheet");
const field = document.getElementById("text");
const result = document.getElementById("result");
const state = form.querySelector("[data-state]");
const file = form.elements.file.value;
let known = { keys: {}, values: {} };

const complete = (context) => {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  const value = before.match(/([\w-]+):\s*\[?\s*([\w.-]*)$/);
  if (value && known.values[value[1]]) {
    return { from: context.pos - value[2].length, options: known.values[value[1]].map((label) => ({ label, type: "constant" })) };
  }
  const key = before.match(/(?:^|[{,])\s*([\w-]*)$/);
  if (!key || (!key[1] && !context.explicit)) return null;
  const options = Object.entries(known.keys).map(([label, detail]) => ({ label, info: detail, apply: `${label}: `, type: "property" }));
  return { from: context.pos - key[1].length, options };
};

const language = file.endsWith(".yaml") ? [yaml(), yamlLanguage.data.of({ autocomplete: complete })] : [jinja()];
// In a shadow root its styles are adopted sheets: the policy of the pages allows no style element.
const place = field.parentElement.insertBefore(Object.assign(document.createElement("div"), { className: "editor" }), field);
const root = place.attachShadow({ mode: "open" });
const theme = EditorView.theme({
  "&": { height: "100%", fontSize: ".85rem", backgroundColor: "var(--page)", color: "var(--text)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { overflow: "auto", fontFamily: 'ui-monospace, "DejaVu Sans Mono", "Liberation Mono", Menlo, Consolas, monospace' },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--card)", color: "var(--dim)", borderColor: "var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--row)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--wait-bg)" },
  ".cm-tooltip": { backgroundColor: "var(--card)", color: "var(--text)", borderColor: "var(--line)" },
  ".cm-panels": { backgroundColor: "var(--card)", color: "var(--text)" },
});
const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName), tags.keyword], color: "var(--link)" },
  { tag: [tags.comment, tags.meta], color: "var(--dim)" },
  { tag: [tags.string, tags.literal, tags.content], color: "var(--text)" },
  { tag: [tags.tagName, tags.variableName], color: "var(--good)" },
]);
const view = new EditorView({
  state: EditorState.create({
    doc: field.value,
    extensions: [
      theme,
      syntaxHighlighting(colours),
      basicSetup,
      keymap.of([indentWithTab]),
      lintGutter(),
      language,
      EditorView.contentAttributes.of({ "aria-label": file, tabindex: "0" }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        field.value = update.state.doc.toString();
        later();
      }),
    ],
  }),
  parent: root,
  root,
});
field.hidden = true;

const goTo = (line) => {
  const at = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
  view.dispatch({ selection: { anchor: at.from }, effects: EditorView.scrollIntoView(at.from, { y: "center" }) });
  view.focus();
};

// One trial at a time: what is typed meanwhile is tried once it has ended.
let timer, running = false, again = false;
const later = () => { clearTimeout(timer); timer = setTimeout(attempt, 30); };
const attempt = async () => {
  if (running) { again = true; return; }
  running = true;
  again = false;
  state.textContent = "…";
  try {
    const answer = await fetch(form.dataset.try, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!answer.ok) { state.textContent = answer.status === 401 || answer.redirected ? "401" : String(answer.status); return; }
    const told = await answer.json();
    const open = [...result.querySelectorAll("details[data-keep]")].filter((one) => one.open).map((one) => one.dataset.keep);
    const top = result.scrollTop;
    result.innerHTML = told.html;
    for (const one of result.querySelectorAll("details[data-keep]")) one.open = open.includes(one.dataset.keep);
    result.scrollTop = top;
    state.textContent = `${told.milliseconds} ms`;
    const lines = view.state.doc.lines;
    view.dispatch(setDiagnostics(view.state, told.faults.map((one) => {
      const line = view.state.doc.line(Math.min(Math.max(one.line, 1), lines));
      const from = Math.min(line.from + Math.max(one.column - 1, 0), line.to);
      return { from, to: line.to, severity: "error", message: one.text };
    })));
  } catch {
    state.textContent = "?";
  } finally {
    running = false;
    if (again) attempt();
  }
};

for (const name of ["bundle", "kind", "organisation"]) form.elements[name].addEventListener("input", later);
result.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]");
  if (link) { event.preventDefault(); goTo(Number(link.dataset.line)); }
});
form.addEventListener("submit", () => { field.value = view.state.doc.toString(); });
fetch(form.dataset.words).then((answer) => answer.json()).then((words) => { known = words; });
if (Number(form.dataset.line)) goTo(Number(form.dataset.line));
