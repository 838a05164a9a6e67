// The text: a native textarea, so that undo, selection, spelling aids and screen readers work as everywhere. Around it: line
// numbers, marks of problems, colours, indentation. Only the lines one sees are painted, so that size does not matter.
"use strict";

const INDENT = 2;
const SPARE_LINES = 3;
const LONGEST_COLOURED = 2000;
const LONGEST_TYPED = 20000; // putting in more than this as if it were typed takes browsers many seconds

const COLOURS = [
  [/^\s*(?:- )?(?:[\w.-]+):(?=\s|$)/, "key"],
  [/"(?:[^"\\]|\\.)*"/g, "quoted"],
  [/\b[a-z_]+(?:\.[a-z_]+)+\b/g, "path"],
  [/(?<![\w.-])\d+(?:[.:-]\d+)*(?: (?:[A-Z]{3}|kg|g|(?:second|minute|hour|day|week)s?))?(?![\w.-])/g, "number"],
  [/(?:^|\s)#.*$/g, "comment"],
];

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export class TextEditor {
  constructor(area) {
    this.area = area;
    this.lines = [];
    this.marks = new Map();
    this.range = null;
    this.leaving = false;
    this.heard = [];
    this.build();
    this.measure();
    area.addEventListener("input", () => this.changed());
    area.addEventListener("scroll", () => this.paint());
    area.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("selectionchange", () => { if (document.activeElement === area) this.moved(); });
    new ResizeObserver(() => { this.measure(); this.paint(); }).observe(area);
    this.changed(false);
  }

  build() {
    this.view = this.area.parentElement; // the text area itself is never moved: it would lose the keyboard
    const frame = this.view.parentElement;
    this.gutter = element("div", "gutter");
    this.numbers = element("div", "inner");
    this.gutter.append(this.numbers);
    this.painted = element("div", "paint");
    this.inner = element("div", "inner");
    this.painted.append(this.inner);
    for (const part of [this.gutter, this.painted]) part.setAttribute("aria-hidden", "true");
    frame.insertBefore(this.gutter, this.view);
    this.view.prepend(this.painted);
    frame.classList.add("live-code");
    this.gutter.addEventListener("click", (event) => {
      const number = event.target.closest("[data-number]");
      if (number) this.goTo(Number(number.dataset.number), 1);
    });
  }

  measure() {
    const style = getComputedStyle(this.area);
    this.height = parseFloat(style.lineHeight);
    this.padding = parseFloat(style.paddingTop);
    this.left = parseFloat(style.paddingLeft);
    const probe = element("span", "", "0".repeat(100));
    this.inner.append(probe);
    this.width = probe.getBoundingClientRect().width / 100;
    probe.remove();
  }

  get text() { return this.area.value; }

  onChange(action) { this.heard.push(action); }

  changed(tell = true) {
    this.lines = this.text.split("\n");
    this.paint();
    if (tell) for (const action of this.heard) action();
  }

  moved() {
    this.paint();
    if (this.onMove) this.onMove(this.place());
  }

  // Line and column of the caret, both from 1.
  place(at = this.area.selectionEnd) {
    const before = this.text.slice(0, at);
    return { line: before.split("\n").length, column: at - before.lastIndexOf("\n") };
  }

  offset(line, column) {
    let at = 0;
    for (let index = 0; index < Math.min(line - 1, this.lines.length); index += 1) at += this.lines[index].length + 1;
    return Math.min(at + column - 1, this.text.length);
  }

  goTo(line, column) {
    const at = this.offset(line, column);
    this.area.focus({ preventScroll: true });
    this.area.setSelectionRange(at, at);
    this.show(line);
    this.moved();
  }

  show(line) {
    const top = (line - 1) * this.height;
    const area = this.area;
    if (top < area.scrollTop || top > area.scrollTop + area.clientHeight - 3 * this.height) {
      area.scrollTop = Math.max(0, top - area.clientHeight / 3);
    }
  }

  // Where the caret is on the screen, within the view.
  caret() {
    const { line, column } = this.place();
    return {
      left: this.left + (column - 1) * this.width - this.area.scrollLeft,
      top: this.padding + line * this.height - this.area.scrollTop,
    };
  }

  setMarks(problems) {
    this.marks = new Map();
    for (const problem of problems) {
      const there = this.marks.get(problem.line) || [];
      there.push(problem);
      this.marks.set(problem.line, there);
    }
    this.paint();
  }

  setRange(range) {
    this.range = range;
    this.paint();
  }

  paint() {
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.paintNow());
  }

  paintNow() {
    const { scrollTop, scrollLeft, clientHeight } = this.area;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - SPARE_LINES);
    const last = Math.min(this.lines.length, first + Math.ceil(clientHeight / this.height) + 2 * SPARE_LINES);
    const here = this.place().line;
    const texts = [];
    const numbers = [];
    for (let index = first; index < last; index += 1) {
      const marks = this.marks.get(index + 1) || [];
      const classes = this.classes(index + 1, marks, here);
      const line = element("div", `ln ${classes}`);
      line.append(...this.coloured(this.lines[index], marks));
      texts.push(line);
      const number = element("div", `ln ${classes}`, String(index + 1));
      number.dataset.number = index + 1;
      if (marks.length) number.title = marks.map((mark) => mark.message).join("\n");
      numbers.push(number);
    }
    this.inner.replaceChildren(...texts);
    this.numbers.replaceChildren(...numbers);
    const down = this.padding + first * this.height - scrollTop;
    this.inner.style.transform = `translate(${-scrollLeft}px, ${down}px)`;
    this.numbers.style.transform = `translateY(${down}px)`;
    this.gutter.style.width = `${Math.max(3, String(this.lines.length).length) + 2.5}ch`;
  }

  classes(line, marks, here) {
    const found = [];
    if (marks.some((mark) => mark.severity === "error")) found.push("has-error");
    else if (marks.length) found.push("has-warning");
    if (line === here) found.push("here");
    if (this.range && line >= this.range[0] && line <= this.range[1]) found.push("ruled");
    return found.join(" ");
  }

  coloured(line, marks) {
    if (line.length > LONGEST_COLOURED) return [document.createTextNode(line || "\u200b")];
    const classes = new Array(line.length).fill("");
    for (const [pattern, name] of COLOURS) {
      for (const found of pattern.global ? line.matchAll(pattern) : [line.match(pattern)].filter(Boolean)) {
        classes.fill(name, found.index, found.index + found[0].length);
      }
    }
    for (const mark of marks) {
      const start = Math.min(mark.column - 1, Math.max(0, line.length - 1));
      const rest = line.slice(start).match(/^("(?:[^"\\]|\\.)*"?|[^\s,\]]+|\s)/);
      const end = start + (rest ? rest[0].length : 1);
      for (let at = start; at < Math.min(end, line.length); at += 1) classes[at] += ` at-${mark.severity}`;
    }
    const parts = [];
    for (let at = 0; at < line.length;) {
      let end = at + 1;
      while (end < line.length && classes[end] === classes[at]) end += 1;
      parts.push(classes[at] ? element("span", classes[at].trim(), line.slice(at, end)) : document.createTextNode(line.slice(at, end)));
      at = end;
    }
    return parts.length ? parts : [document.createTextNode("\u200b")];
  }

  // Replace a part the way typing does, so that Ctrl+Z takes it back.
  put(start, end, insert) {
    if (this.area.readOnly || (start === end && insert === "")) return;
    const { area } = this;
    const [top, left, focused] = [area.scrollTop, area.scrollLeft, document.activeElement];
    area.focus({ preventScroll: true });
    area.setSelectionRange(start, end);
    this.putting = true;
    const done = insert.length <= LONGEST_TYPED && (insert === "" ? document.execCommand("delete") : document.execCommand("insertText", false, insert));
    if (!done) {
      area.setRangeText(insert, start, end, "end");
      this.changed();
    }
    this.putting = false;
    area.scrollTop = top;
    area.scrollLeft = left;
    if (focused && focused !== area && focused.isConnected) focused.focus({ preventScroll: true });
  }

  // Become this text by changing only what differs.
  become(text) {
    const old = this.text;
    if (old === text) return;
    let start = 0;
    while (start < old.length && start < text.length && old[start] === text[start]) start += 1;
    let end = 0;
    while (end < old.length - start && end < text.length - start && old[old.length - 1 - end] === text[text.length - 1 - end]) end += 1;
    const caret = this.area.selectionEnd;
    this.put(start, old.length - end, text.slice(start, text.length - end));
    const moved = caret <= start ? caret : Math.max(start, caret + text.length - old.length);
    this.area.setSelectionRange(moved, moved);
  }

  key(event) {
    if (event.defaultPrevented || event.isComposing || this.area.readOnly) return;
    const command = event.ctrlKey || event.metaKey;
    if (event.key === "Tab" && !command && !event.altKey) {
      if (this.leaving) return;
      event.preventDefault();
      this.indent(event.shiftKey);
    } else if (event.key === "Enter" && !command && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.newLine();
    } else if (command && event.key === "/") {
      event.preventDefault();
      this.comment();
    }
    if (event.key !== "Shift") this.leaving = event.key === "Escape";
  }

  // The whole lines of the selection, as [start, end) of the text.
  selectedLines() {
    const { selectionStart, selectionEnd } = this.area;
    const start = this.text.lastIndexOf("\n", selectionStart - 1) + 1;
    const next = this.text.indexOf("\n", Math.max(selectionStart, selectionEnd - (selectionEnd > selectionStart ? 1 : 0)));
    return [start, next < 0 ? this.text.length : next];
  }

  changeLines(change) {
    const [start, end] = this.selectedLines();
    const changed = change(this.text.slice(start, end).split("\n")).join("\n");
    const several = this.area.selectionStart !== this.area.selectionEnd;
    const caret = this.area.selectionEnd + changed.length - (end - start);
    this.put(start, end, changed);
    if (several) this.area.setSelectionRange(start, start + changed.length);
    else this.area.setSelectionRange(Math.max(start, caret), Math.max(start, caret));
  }

  indent(back) {
    const { selectionStart, selectionEnd } = this.area;
    if (!back && selectionStart === selectionEnd) {
      const wide = INDENT - ((this.place().column - 1) % INDENT);
      this.put(selectionStart, selectionEnd, " ".repeat(wide));
      return;
    }
    this.changeLines((lines) => lines.map((line) => {
      if (back) return line.replace(/^ {1,2}/, "");
      return line ? " ".repeat(INDENT) + line : line;
    }));
  }

  newLine() {
    const { selectionStart, selectionEnd } = this.area;
    const start = this.text.lastIndexOf("\n", selectionStart - 1) + 1;
    const line = this.text.slice(start, selectionStart);
    const indent = line.match(/^ */)[0];
    if (/^ *- $/.test(line)) {
      this.put(start, selectionEnd, "");
      return;
    }
    this.put(selectionStart, selectionEnd, `\n${this.next(line, indent)}`);
    this.show(this.place().line);
  }

  // What the next line begins with: sentences of a list go on, keys of a rule stay below each other.
  next(line, indent) {
    if (/^ *- (any|all|none): *$/.test(line)) return `${indent}    - `;
    if (/^ *- \w+:/.test(line)) return `${indent}  `;
    if (/^ *- \S/.test(line)) return `${indent}- `;
    if (/^ *(when|then|never|always|rules|replace|examples|expect):\s*$/.test(line)) return `${indent}  - `;
    if (/:\s*$/.test(line)) return `${indent}  `;
    return indent;
  }

  comment() {
    this.changeLines((lines) => {
      const written = lines.filter((line) => line.trim());
      const off = written.length > 0 && written.every((line) => /^ *#/.test(line));
      const at = Math.min(...written.map((line) => line.match(/^ */)[0].length));
      return lines.map((line) => {
        if (!line.trim()) return line;
        return off ? line.replace(/^( *)# ?/, "$1") : `${line.slice(0, at)}# ${line.slice(at)}`;
      });
    });
  }
}
