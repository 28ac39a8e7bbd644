// Line numbers beside the spec, mistakes marked; without it the form works as well.
"use strict";

const text = document.getElementById("spec");
const gutter = document.querySelector(".gutter");
const wrong = new Set(text.dataset.wrong.split(" ").filter(Boolean).map(Number));
const drawn = text.value;
let count = 0;

function number() {
  const lines = text.value.split("\n").length;
  if (lines !== count) {
    count = lines;
    gutter.replaceChildren(
      ...Array.from({ length: lines }, (_, index) => {
        const line = document.createElement("span");
        line.textContent = `${index + 1}\n`;
        line.className = wrong.has(index + 1) && text.value === drawn ? "wrong" : "";
        return line;
      }),
    );
  }
  gutter.style.height = `${text.clientHeight}px`;
  gutter.scrollTop = text.scrollTop;
}

function goTo(line) {
  const start = text.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1);
  const end = text.value.indexOf("\n", start);
  text.focus();
  text.setSelectionRange(start, end < 0 ? text.value.length : end);
  const height = text.scrollHeight / count;
  text.scrollTop = Math.max(0, (line - 4) * height);
}

text.addEventListener("input", number);
text.addEventListener("scroll", number);
new ResizeObserver(number).observe(text);
number();
if (wrong.size) goTo(Math.min(...wrong));
