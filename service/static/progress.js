// A running analysis: its events as they come, and the report once it is done.
"use strict";

const page = document.querySelector(".progress");
const bar = page.querySelector("progress");
const output = page.querySelector("output");
const found = page.querySelector(".found");
const state = page.querySelector("header .mark").lastChild;
const steps = [...page.querySelectorAll(".phases li")];
const marks = page.querySelector("template").content;
const events = new EventSource(page.dataset.events);

function item(mark, title, text) {
  const line = document.createElement("li");
  const name = document.createElement("strong");
  const words = document.createElement("p");
  name.textContent = title;
  words.textContent = text;
  line.append(mark, name, words);
  found.hidden = false;
  return line;
}

function word(text) {
  const span = document.createElement("span");
  span.className = "soft";
  span.textContent = text;
  return span;
}

function number(value) {
  return typeof value === "number" ? value.toPrecision(3) : "not finite";
}

function on(name, take) {
  events.addEventListener(name, (event) => take(JSON.parse(event.data)));
}

on("progress", ({ phase, done, total }) => {
  state.data = phase === "queued" ? "Queued" : "Running";
  const present = Math.max(0, steps.findIndex((step) => step.dataset.phase === phase));
  steps.forEach((step, index) => {
    step.classList.toggle("past", index < present);
    if (index === present) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
  });
  if (total) {
    bar.max = total;
    bar.value = done;
  } else bar.removeAttribute("value");
  output.textContent = total ? `${done} of ${total}` : "";
});

on("finding", ({ problem, severity, cause }) => {
  const mark = marks.querySelector(`[data-severity=${severity}]`).cloneNode(true);
  const title = problem.replaceAll("_", " ");
  found.querySelector(".findings").append(item(mark, title, cause.text));
});

on("trial", ({ title, trial }) => {
  const { verified, screened_out: out, after } = trial;
  const text = out ? out.why : after ? `progress ${number(after.progress)}` : "";
  found.querySelector(".tried").hidden = false;
  const mark = word(verified ? "proved" : out ? "ruled out" : "no help");
  found.querySelector(".trials").append(item(mark, title, text));
});

on("done", () => {
  events.close();
  location.reload();
});
