// Comforts of the console. Every page works without them.
"use strict";

// A part of a page that its server sends again whenever it changes. What is open stays open, what has the focus keeps it.
for (const part of document.querySelectorAll("[data-live]")) {
  const state = document.querySelector("[data-live-state]");
  const stream = new EventSource(part.dataset.live);
  stream.addEventListener("open", () => { state.hidden = false; state.classList.remove("lost"); });
  stream.addEventListener("error", () => { state.classList.add("lost"); });
  stream.addEventListener("numbers", (event) => {
    const open = [...part.querySelectorAll("details[data-keep]")].filter((one) => one.open).map((one) => one.dataset.keep);
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    part.innerHTML = event.data;
    for (const one of part.querySelectorAll("details[data-keep]")) one.open = open.includes(one.dataset.keep);
    if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  });
  addEventListener("pagehide", () => stream.close());
}

// Mark everything of a page; how many are marked; the first key of the search.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form");
  if (!form || !(event.target.matches("[data-tick-all]") || event.target.name === "ids")) return;
  const marks = [...form.querySelectorAll("input[name=ids]")];
  if (event.target.matches("[data-tick-all]")) for (const one of marks) one.checked = event.target.checked;
  const count = marks.filter((one) => one.checked).length;
  const all = form.querySelector("[data-tick-all]");
  if (all) { all.checked = count === marks.length; all.indeterminate = count > 0 && count < marks.length; }
  const told = form.querySelector("[data-ticked]");
  if (told) told.textContent = count ? `(${count})` : "";
  if (count) form.querySelector("input[name=scope][value=marked]")?.click();
});
const reveal = () => { for (const one of document.querySelectorAll("[data-tick-all]")) one.hidden = false; };
reveal();
document.addEventListener("htmx:afterSwap", reveal);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [contenteditable]")) return;
  const field = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (field) { event.preventDefault(); field.focus(); field.select?.(); }
});
