// What stands beside the cards: trying a case, running the examples, proving. Each follows the text while it is open.
"use strict";

import { announce, ask, complaint, later, newest } from "./editor_ask.js";

const POLL_AFTER = 1000;
const TRY_AFTER = 400;

export class Panels {
  constructor(page) {
    this.page = page;
    this.tabs = [...document.querySelectorAll("[role=tab]")];
    this.open = "structure";
    this.tried = newest();
    this.found = newest();
    this.soon = later(TRY_AFTER, () => this.try());
    this.prepareTabs();
    this.prepareTry();
    this.on("tests", "click", (event) => this.inTests(event));
    this.on("proof", "click", (event) => this.inProof(event));
  }

  on(id, kind, action) { document.getElementById(id).addEventListener(kind, action); }

  prepareTabs() {
    const list = document.querySelector("[role=tablist]");
    list.hidden = false;
    for (const tab of this.tabs) {
      document.getElementById(tab.getAttribute("aria-controls")).setAttribute("role", "tabpanel");
      document.getElementById(tab.getAttribute("aria-controls")).setAttribute("aria-labelledby", tab.id);
    }
    list.addEventListener("click", (event) => {
      const tab = event.target.closest("[role=tab]");
      if (tab) this.select(tab);
    });
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const at = this.tabs.indexOf(document.activeElement);
      this.select(this.tabs[(at + step + this.tabs.length) % this.tabs.length], true);
    });
    const wanted = location.hash.startsWith("#tab-") && document.getElementById(location.hash.slice(1));
    if (wanted) this.select(wanted);
  }

  select(tab, focus = false) {
    for (const each of this.tabs) {
      const chosen = each === tab;
      each.setAttribute("aria-selected", String(chosen));
      each.tabIndex = chosen ? 0 : -1;
      document.getElementById(each.getAttribute("aria-controls")).hidden = !chosen;
    }
    if (focus) tab.focus();
    this.open = tab.id.replace("tab-", "");
    this.textChanged(true);
  }

  // The text is another one now, or a panel was opened: show what is true of it.
  textChanged(opened = false) {
    if (this.open === "try") {
      if (opened && !this.looked) this.find();
      else this.soon();
    } else if (this.open === "tests") this.tests();
    else if (this.open === "proof") this.proof();
  }

  question(more = {}) {
    return { file: this.page.file, text: this.page.editor.text, ...more };
  }

  async put(id, question, only) {
    const place = document.getElementById(id);
    place.setAttribute("aria-busy", "true");
    const answer = await only(() => ask(`${this.page.address}/${question.to}`, question.body));
    if (!answer) return null;
    place.removeAttribute("aria-busy");
    if (answer.ok) this.swap(place, answer.data.html);
    else {
      const note = document.createElement("p");
      note.className = "error";
      note.textContent = complaint(answer);
      place.replaceChildren(note);
    }
    return answer.ok ? answer.data : null;
  }

  swap(place, html) {
    const open = [...place.querySelectorAll("details[open][data-key]")].map((each) => each.dataset.key);
    const active = place.contains(document.activeElement) && document.activeElement.id;
    place.innerHTML = html;
    for (const key of open) {
      const found = place.querySelector(`[data-key="${CSS.escape(key)}"]`);
      if (found) found.open = true;
    }
    if (active) document.getElementById(active)?.focus({ preventScroll: true });
  }

  // --- Try it -------------------------------------------------------------------------------------------------------

  prepareTry() {
    this.cases = document.getElementById("case");
    this.facts = document.getElementById("facts");
    this.on("find-case", "submit", (event) => { event.preventDefault(); this.find(); });
    this.cases.addEventListener("change", () => this.take());
    this.facts.addEventListener("input", () => this.soon());
    this.on("keep-example", "submit", (event) => { event.preventDefault(); this.keep(); });
  }

  async find() {
    this.looked = true;
    const query = document.getElementById("case-search").value;
    const answer = await this.found(() => ask(`${this.page.address}/cases.json`, this.question({ query })));
    if (!answer || !answer.ok) return;
    this.cases.innerHTML = answer.data.html;
    announce(`${this.cases.options.length} cases`);
    this.take();
  }

  async take() {
    const answer = await ask(`${this.page.address}/case.json`, this.question({ case: this.cases.value }));
    if (!answer.ok) {
      document.getElementById("tried").textContent = complaint(answer);
      return;
    }
    this.facts.value = answer.data.facts;
    document.getElementById("example-name").value = answer.data.name;
    this.try();
  }

  async try() {
    await this.put("tried", { to: "try.json", body: this.question({ facts: this.facts.value, case: this.cases.value }) }, this.tried);
  }

  async keep() {
    const name = document.getElementById("example-name").value;
    const answer = await ask(`${this.page.address}/keep.json`, this.question({ facts: this.facts.value, name }));
    this.after(answer, document.getElementById("kept"));
  }

  // An example was added to a file of the draft; when that is the file on the screen, the text has it too.
  after(answer, place) {
    place.textContent = "";
    if (!answer.ok) {
      place.textContent = complaint(answer);
      return;
    }
    place.innerHTML = answer.data.html;
    if (answer.data.file === this.page.file) this.page.editor.become(answer.data.text);
    else document.getElementById("revision").textContent = answer.data.revision;
    announce("Kept as an example");
  }

  // --- Examples and proof -------------------------------------------------------------------------------------------

  async tests() {
    this.run = this.run || newest();
    await this.put("tests", { to: "test.json", body: this.question() }, this.run);
  }

  async inTests(event) {
    const restate = event.target.closest("[data-restate]");
    if (restate) {
      const answer = await ask(`${this.page.address}/restate.json`, this.question({ name: restate.dataset.restate }));
      this.after(answer, restate.parentElement.querySelector(".kept"));
      if (answer.ok) this.tests();
      return;
    }
    const line = event.target.closest("[data-line]");
    if (!line || line.dataset.file !== this.page.file) return;
    event.preventDefault();
    this.page.editor.goTo(Number(line.dataset.line), 1);
  }

  async proof(start = false) {
    if (this.starting) return; // its answer says how far it is, a look in between might not know of it yet
    this.starting = start;
    clearTimeout(this.polling);
    this.proved = this.proved || newest();
    const data = await this.put("proof", { to: start ? "prove.json" : "proof.json", body: this.question() }, this.proved);
    if (start) this.starting = false;
    if (!data) return;
    if (data.running) {
      this.polling = setTimeout(() => { if (this.open === "proof") this.proof(); }, POLL_AFTER);
      this.waiting = true;
    } else if (this.waiting) {
      this.waiting = false;
      announce(data.said);
      this.page.check();
    }
  }

  async inProof(event) {
    const { target } = event;
    if (target.closest("#start-proof")) this.proof(true);
    const keep = target.closest("[data-finding]");
    if (keep) {
      const answer = await ask(`${this.page.address}/finding.json`, this.question({ job: keep.dataset.job, finding: Number(keep.dataset.finding) }));
      this.after(answer, keep.parentElement.querySelector(".kept"));
    }
    this.inTests(event);
  }
}
