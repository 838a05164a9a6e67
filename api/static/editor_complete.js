// Completion: words that fit where the caret is, from the server that knows the vocabulary. A listbox the text controls.
"use strict";

import { announce, ask, later, newest } from "./editor_ask.js";

const MOST = 50;

export class Completion {
  constructor(editor, address, file) {
    this.editor = editor;
    this.address = address;
    this.file = file;
    this.items = [];
    this.active = -1;
    this.only = newest();
    this.list = document.createElement("ul");
    this.list.id = "completions";
    this.list.className = "completions";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Words that fit here");
    this.list.hidden = true;
    editor.view.append(this.list);
    const { area } = editor;
    area.setAttribute("aria-autocomplete", "list");
    area.setAttribute("aria-haspopup", "listbox");
    area.setAttribute("aria-controls", "completions");
    this.soon = later(150, () => this.ask(false));
    area.addEventListener("keydown", (event) => this.key(event), true);
    area.addEventListener("input", (event) => this.typed(event));
    area.addEventListener("blur", () => this.close());
    area.addEventListener("scroll", () => this.close());
    area.addEventListener("click", () => this.close());
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) this.accept(Number(option.dataset.index));
    });
  }

  get open() { return !this.list.hidden; }

  typed(event) {
    const typing = event.inputType === "insertText" && event.data && /[\w. [-]$/.test(event.data);
    if (!this.editor.putting && (typing || (this.open && event.inputType === "deleteContentBackward"))) this.soon();
    else this.close();
  }

  key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === " ") {
      event.preventDefault();
      this.ask(true);
      return;
    }
    if (!this.open) return;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key in moves) {
      this.choose(Math.min(this.items.length - 1, Math.max(0, this.active + moves[event.key])));
    } else if (event.key === "Enter" || event.key === "Tab") {
      if (event.shiftKey || !this.accept(this.active)) return;
    } else if (event.key === "Escape") {
      this.close();
    } else {
      if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") this.close();
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  async ask(wanted) {
    const { editor } = this;
    const { text, area } = editor;
    const at = area.selectionEnd;
    if (area.readOnly || area.selectionStart !== at) return;
    const place = editor.place();
    const answer = await this.only(() => ask(this.address, { file: this.file, text, ...place }));
    if (!answer || !answer.ok || editor.text !== text || area.selectionEnd !== at) return;
    this.items = answer.data.items.slice(0, MOST);
    this.line = place.line;
    if (this.items.length && (wanted || !this.finished())) this.show();
    else {
      this.close();
      if (wanted) announce("Nothing to suggest here");
    }
  }

  // Whether what is typed is already the only word that fits.
  finished() {
    return this.items.length === 1 && this.there(this.items[0]) === this.items[0].insert;
  }

  there(item) {
    return this.editor.lines[this.line - 1].slice(item.replace[0] - 1, item.replace[1] - 1);
  }

  show() {
    this.list.replaceChildren(...this.items.map((item, index) => {
      const option = document.createElement("li");
      option.id = `completion-${index}`;
      option.setAttribute("role", "option");
      option.dataset.index = index;
      const label = document.createElement("b");
      label.textContent = item.label;
      const detail = document.createElement("small");
      detail.textContent = item.detail || "";
      option.append(label, detail);
      return option;
    }));
    const { left, top } = this.editor.caret();
    this.list.hidden = false;
    const room = this.editor.view.clientWidth - this.list.offsetWidth - 8;
    this.list.style.left = `${Math.max(4, Math.min(left, room))}px`;
    const below = this.editor.area.clientHeight - top;
    const flip = below < this.list.offsetHeight && top - this.editor.height > this.list.offsetHeight;
    this.list.style.top = `${flip ? top - this.editor.height - this.list.offsetHeight : top + 2}px`;
    this.choose(0);
    announce(`${this.items.length} ${this.items.length === 1 ? "suggestion" : "suggestions"}, ${this.items[0].label}`);
  }

  choose(index) {
    this.active = index;
    for (const option of this.list.children) option.setAttribute("aria-selected", String(Number(option.dataset.index) === index));
    const option = this.list.children[index];
    this.editor.area.setAttribute("aria-activedescendant", option.id);
    const { offsetTop, offsetHeight } = option;
    if (offsetTop < this.list.scrollTop) this.list.scrollTop = offsetTop;
    else if (offsetTop + offsetHeight > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = offsetTop + offsetHeight - this.list.clientHeight;
  }

  // False when there is nothing to put in: then the key means what it always means.
  accept(index) {
    const item = this.items[index];
    const same = this.there(item) === item.insert;
    this.close();
    if (same) return false;
    const start = this.editor.offset(this.line, item.replace[0]);
    this.editor.put(start, start + item.replace[1] - item.replace[0], item.insert);
    return true;
  }

  close() {
    this.list.hidden = true;
    this.editor.area.removeAttribute("aria-activedescendant");
  }
}
