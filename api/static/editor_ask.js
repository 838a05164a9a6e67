// Asking the server: JSON there and back, with the form token; of several questions of one kind only the newest counts.
"use strict";

const token = () => document.querySelector("input[name=csrf_token]").value;

// The answer as { ok, status, data }; never throws, so that a server that is away is a message and not a dead page.
export async function ask(address, body) {
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
      body: JSON.stringify(body),
      redirect: "error",
    });
    const data = await answer.json();
    return { ok: answer.ok, status: answer.status, data };
  } catch {
    const detail = "The server cannot be reached, or you are signed out. Your text is still here: try again in a moment.";
    return { ok: false, status: 0, data: { detail } };
  }
}

// What went wrong, in the server's own words.
export function complaint(answer) {
  const errors = (answer.data.errors || []).map((each) => `${each.field} ${each.message}`);
  return [answer.data.detail || answer.data.title || "That did not work.", ...errors].join(" ");
}

// Runs a question; gives null when a newer one was asked meanwhile.
export function newest() {
  let asked = 0;
  return async (question) => {
    const mine = ++asked;
    const answer = await question();
    return mine === asked ? answer : null;
  };
}

export function later(milliseconds, action) {
  let pending = 0;
  return () => {
    clearTimeout(pending);
    pending = setTimeout(action, milliseconds);
  };
}

export function announce(text) {
  const region = document.getElementById("announcements");
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 100);
}
