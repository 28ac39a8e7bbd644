// A run that goes on: when more has come, the page is drawn anew by the service.
"use strict";

const PAUSE_MILLISECONDS = 1000;
const shown = () => document.getElementById("live");
const summaries = (node) => [...node.querySelectorAll("summary")];
const events = new EventSource(shown().dataset.events);
let isDrawing = false;
let isStale = false;

async function draw() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("live");
  const open = new Set(
    summaries(shown()).filter((each) => each.parentNode.open).map((each) => each.textContent),
  );
  const focused = document.activeElement.textContent;
  const hadFocus = shown().contains(document.activeElement);
  for (const each of summaries(fresh)) each.parentNode.open = open.has(each.textContent);
  shown().replaceWith(fresh);
  // Whoever reads with the keyboard stays where they were.
  if (hadFocus) summaries(fresh).find((each) => each.textContent === focused)?.focus();
}

async function drawSoon() {
  isStale = true;
  if (isDrawing) return;
  isDrawing = true;
  while (isStale) {
    isStale = false;
    await draw();
    await new Promise((resume) => setTimeout(resume, PAUSE_MILLISECONDS));
  }
  isDrawing = false;
}

events.addEventListener("progress", (event) => {
  if (JSON.parse(event.data).num_steps !== Number(shown().dataset.steps)) drawSoon();
});
