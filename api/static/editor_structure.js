// The structured view: cards made by the server out of the text. Whatever is changed here is sent to the server, which
// rewrites the text; the text is the only truth.
"use strict";

import { announce, ask, complaint } from "./editor_ask.js";

export class StructureView {
  constructor(root, editor, address, file) {
    Object.assign(this, { root, editor, address, file, spans: [], opened: "", busy: false, line: Promise.resolve() });
    root.addEventListener("change", (event) => this.changed(event));
    root.addEventListener("click", (event) => this.clicked(event));
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("focusout", (event) => this.left(event));
  }

  // What the page should do with an answer: { problems, list, structure, spans, open, text }.
  onAnswer(action) { this.answered = action; }

  show(answer) {
    this.spans = answer.spans;
    if (answer.broken) {
      this.root.classList.add("stale");
      return;
    }
    this.root.classList.remove("stale");
    this.opened = answer.open;
    this.swap(answer.structure);
  }

  // Put the new cards in, and the keyboard back where it was.
  swap(html) {
    const focused = this.root.contains(document.activeElement) ? document.activeElement : null;
    const key = focused && focused.dataset.key;
    const typing = focused && "defaultValue" in focused && focused.value !== focused.defaultValue ? focused.value : null;
    const unfolded = [...this.root.querySelectorAll("details[open][data-key]")].map((each) => each.dataset.key);
    const top = this.root.scrollTop;
    this.root.innerHTML = html;
    for (const each of unfolded) {
      const found = this.find(each);
      if (found) found.open = true;
    }
    this.root.scrollTop = top;
    const again = key && this.find(key);
    if (again) {
      if (typing !== null) {
        again.value = typing;
        again.dataset.typed = "";
      }
      again.focus({ preventScroll: true });
    } else if (focused) {
      const near = this.find(`rule:${this.opened}`) || this.root;
      near.focus({ preventScroll: true });
    }
  }

  find(key) { return this.root.querySelector(`[data-key="${CSS.escape(key)}"]`); }

  // What was being typed while new cards came in: the browser does not count it as a change any more.
  left(event) {
    const field = event.target;
    if (!("typed" in field.dataset)) return;
    delete field.dataset.typed;
    if (field.value !== field.defaultValue) field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  changed(event) {
    const field = event.target.closest("[data-part]");
    if (!field) return;
    delete field.dataset.typed;
    const row = field.closest("[data-op]");
    const chosen = { changed: field.dataset.part };
    for (const each of row.querySelectorAll("[data-part]")) {
      if (each.closest("[data-op]") === row) chosen[each.dataset.part] = each.value;
    }
    this.edit(JSON.parse(row.dataset.op), chosen);
  }

  clicked(event) {
    const act = event.target.closest("button[data-op]");
    if (act) {
      this.edit(JSON.parse(act.dataset.op), this.chosenBeside(act));
      return;
    }
    const open = event.target.closest("[data-open]");
    if (open) this.toggle(open.dataset.open);
  }

  // Fields beside a button that say what it is about, such as the id of a new rule.
  chosenBeside(button) {
    const form = button.closest("[data-beside]");
    const fields = form ? [...form.querySelectorAll("[data-name]")] : [];
    return Object.fromEntries(fields.map((each) => [each.dataset.name, each.value]));
  }

  key(event) {
    if (event.key === "Enter" && event.target.matches("input[data-part]")) {
      event.preventDefault();
      event.target.dispatchEvent(new Event("change", { bubbles: true }));
    } else if (event.key === "Enter" && event.target.matches("input[data-name]")) {
      event.preventDefault();
      event.target.closest("[data-beside]").querySelector("button[data-op]").click();
    }
  }

  toggle(rule) {
    this.opened = this.opened === rule ? "" : rule;
    const span = this.spans.find((each) => each.id === rule);
    if (span && this.opened) this.editor.show(span.line);
    this.editor.setRange(this.opened && span ? [span.line, span.end] : null);
    this.refresh();
  }

  // The caret went somewhere: show the rule it stands in.
  follow(line) {
    const span = this.spans.find((each) => line >= each.line && line <= each.end);
    this.editor.setRange(span ? [span.line, span.end] : null);
    if (!span || span.id === this.opened) return false;
    this.opened = span.id;
    return true;
  }

  reveal() {
    const card = this.find(`rule:${this.opened}`);
    if (!card) return;
    const box = card.closest(".rulecard").getBoundingClientRect();
    const frame = this.root.getBoundingClientRect();
    if (box.top < frame.top || box.top > frame.bottom - 60) this.root.scrollTop += box.top - frame.top - 8;
  }

  // One change after the other: each is made in the text that the one before it left.
  edit(operation, chosen) {
    this.line = this.line.then(() => this.change(operation, chosen));
  }

  async change(operation, chosen) {
    this.busy = true;
    this.root.setAttribute("aria-busy", "true");
    const { text } = this.editor;
    const answer = await ask(`${this.address}/edit.json`, { file: this.file, text, operation, chosen, open: this.opened });
    this.busy = false;
    this.root.removeAttribute("aria-busy");
    if (this.editor.text !== text) {
      this.complain("The text was changed at the same moment. Please choose once more.");
      return;
    }
    this.complain(answer.ok ? "" : complaint(answer));
    if (!answer.ok) {
      announce(complaint(answer));
      this.refresh();
      return;
    }
    this.editor.become(answer.data.text);
    this.answered(answer.data);
  }

  complain(text) {
    const place = document.getElementById("structure-complaint");
    place.textContent = text;
    place.hidden = !text;
  }
}
