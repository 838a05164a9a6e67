// The editor page: one text, and around it marks, completion, cards, trials and proofs that all follow it.
"use strict";

import { announce, ask, complaint, later, newest } from "./editor_ask.js";
import { Completion } from "./editor_complete.js";
import { Panels } from "./editor_panels.js";
import { StructureView } from "./editor_structure.js";
import { TextEditor } from "./editor_text.js";

const CHECK_AFTER = 350;
const FOLLOW_AFTER = 250;

class Page {
  constructor(root) {
    this.root = root;
    this.address = root.dataset.address;
    this.file = root.dataset.file;
    this.area = document.getElementById("text");
    this.editor = new TextEditor(this.area);
    this.saved = this.area.defaultValue; // not its value: people type before scripts run, and browsers restore what was typed
    this.only = newest();
    this.problems = [];
    this.structure = new StructureView(document.getElementById("structure"), this.editor, this.address, this.file);
    this.structure.refresh = () => this.check();
    this.structure.onAnswer((data) => this.show(data));
    this.panels = new Panels(this);
    if (!this.area.readOnly) new Completion(this.editor, `${this.address}/complete.json`, this.file);
    this.soon = later(CHECK_AFTER, () => this.check());
    this.editor.onChange(() => { this.say(); this.soon(); });
    this.follow = later(FOLLOW_AFTER, () => this.followCaret());
    this.editor.onMove = (place) => { this.where(place); if (!this.structure.busy) this.follow(); };
    this.listen();
    this.reveal();
    this.where(this.editor.place());
    this.check();
  }

  reveal() {
    for (const id of ["format", "keys", "where"]) {
      const found = document.getElementById(id);
      if (found) found.hidden = false;
    }
  }

  listen() {
    const form = document.getElementById("save");
    form.addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    document.getElementById("format")?.addEventListener("click", () => this.format());
    document.addEventListener("keydown", (event) => this.key(event));
    document.getElementById("problems").addEventListener("click", (event) => {
      const link = event.target.closest("a[data-line]");
      if (!link) return;
      event.preventDefault();
      this.editor.goTo(Number(link.dataset.line), Number(link.dataset.column));
    });
    window.addEventListener("beforeunload", (event) => { if (this.dirty) event.preventDefault(); });
    document.getElementById("conflict").addEventListener("click", (event) => this.resolve(event));
  }

  get dirty() { return this.editor.text !== this.saved; }

  key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    if (event.key === "s") {
      event.preventDefault();
      if (!this.area.readOnly) this.save();
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.check(true);
    }
  }

  say(text) {
    const place = document.getElementById("saved");
    if (place) place.textContent = text ?? (this.dirty ? "Not saved yet" : this.wasSaved ? "Saved" : "");
  }

  where({ line, column }) {
    const here = this.problems.filter((problem) => problem.line === line).map((problem) => problem.message);
    document.getElementById("where").textContent = [`Line ${line}, column ${column}`, ...here].join(" · ");
  }

  followCaret() {
    if (document.activeElement !== this.area) return;
    if (this.structure.follow(this.editor.place().line)) this.check();
  }

  async check(aloud = false) {
    const answer = await this.only(() => ask(`${this.address}/check.json`, { file: this.file, text: this.editor.text, open: this.structure.opened }));
    if (!answer) return;
    if (!answer.ok) {
      this.say(complaint(answer));
      return;
    }
    this.show(answer.data, aloud);
  }

  // Everything that follows from a text: marks, list of problems, cards, and what the open panel shows.
  show(data, aloud = false) {
    const before = this.problems.length;
    this.problems = data.problems;
    this.editor.setMarks(data.problems);
    const list = document.getElementById("problems");
    if (list.innerHTML !== data.list) list.innerHTML = data.list;
    this.structure.show(data);
    if (document.activeElement === this.area) this.structure.reveal();
    const span = data.spans.find((each) => each.id === data.open);
    if (span) this.editor.setRange([span.line, span.end]);
    this.where(this.editor.place());
    this.say();
    if (aloud && before === this.problems.length) announce(this.problems.length ? `${this.problems.length} problems` : "No problems");
    this.panels.textChanged();
  }

  async save() {
    const { text } = this.editor;
    const base = document.querySelector("input[name=base]");
    this.say("Saving…");
    const answer = await ask(`${this.address}/save.json`, { file: this.file, text, base: base.value });
    if (answer.ok) {
      base.value = answer.data.base;
      this.saved = text;
      this.wasSaved = true;
      document.getElementById("revision").textContent = answer.data.revision;
      this.say();
    } else if (answer.status === 409 && answer.data.html) {
      this.say("Not saved");
      this.theirs = answer.data;
      const place = document.getElementById("conflict");
      place.innerHTML = answer.data.html;
      place.querySelector("[tabindex]").focus();
    } else {
      this.say(`Not saved. ${complaint(answer)}`);
    }
  }

  resolve(event) {
    const choice = event.target.closest("[data-resolve]");
    if (!choice) return;
    document.querySelector("input[name=base]").value = this.theirs.base;
    if (choice.dataset.resolve === "theirs") {
      this.editor.become(this.theirs.text);
      this.saved = this.theirs.text;
    }
    document.getElementById("conflict").replaceChildren();
    this.area.focus();
    this.say(choice.dataset.resolve === "theirs" ? "Their text" : "Your text, not saved yet: saving it now replaces theirs");
  }

  async format() {
    const { text } = this.editor;
    const answer = await ask(`${this.address}/format.json`, { file: this.file, text });
    if (this.editor.text !== text) return;
    if (!answer.ok) {
      this.say(complaint(answer));
      return;
    }
    const { line } = this.editor.place();
    this.editor.become(answer.data.text);
    this.editor.goTo(line, 1);
    this.say(this.dirty ? "Formatted, not saved yet" : "It was in good form already");
  }
}

const root = document.getElementById("editor");
if (root) new Page(root);
