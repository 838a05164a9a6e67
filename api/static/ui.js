// Small comforts on top of pages that work without them: copy buttons, live refresh with a visible switch, announcements.
"use strict";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button || !navigator.clipboard) return;
  navigator.clipboard.writeText(button.dataset.copy).then(() => announce("Copied"));
});

let pending = 0;
function announce(text) {
  const region = document.getElementById("announcements");
  if (!region) return;
  region.textContent = "";
  clearTimeout(pending);
  pending = setTimeout(() => { region.textContent = text; }, 250);
}

// The switch "Live" starts and stops the refreshing of the part it names.
function live() {
  for (const box of document.querySelectorAll("[data-live]")) {
    box.hidden = false;
    const input = box.querySelector("input");
    input.checked = localStorage.getItem("live") !== "off";
    input.addEventListener("change", () => localStorage.setItem("live", input.checked ? "on" : "off"));
  }
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const polled = event.detail.elt.closest("[data-polled]");
  if (!polled) return;
  const off = localStorage.getItem("live") === "off";
  const reading = polled.contains(document.activeElement) || polled.querySelector("details[open]");
  if (off || reading || document.hidden) event.preventDefault();
});

document.addEventListener("htmx:afterSwap", (event) => {
  const said = event.target.querySelector && event.target.querySelector("[data-announce]");
  if (said && said.dataset.announce !== announce.last) {
    announce.last = said.dataset.announce;
    announce(said.dataset.announce);
  }
});

document.addEventListener("DOMContentLoaded", () => {
  live();
  const summary = document.querySelector("[data-focus]");
  if (summary) summary.focus();
});
