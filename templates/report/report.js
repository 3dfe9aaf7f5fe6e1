"use strict";
// Links work without this script. It also lights the block of the document, and keeps both panes in view.
(() => {
  const reduce = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const scroll = (element) =>
    element.scrollIntoView({ block: "center", behavior: reduce ? "auto" : "smooth" });
  const centre = (pane, element) => {
    const offset = element.getBoundingClientRect().top - pane.getBoundingClientRect().top;
    pane.scrollTop += offset - pane.clientHeight / 2;
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".finding a[href^='#']");
    if (!link) return;
    for (const lit of document.querySelectorAll(".lit")) lit.classList.remove("lit");
    link.closest(".finding").classList.add("lit");
    const block = document.getElementById(link.dataset.block);
    if (block) {
      block.classList.add("lit");
      const paper = block.closest(".paper");
      if (paper.scrollHeight > paper.clientHeight) centre(paper, block);
    }
    const target = document.getElementById(link.hash.slice(1));
    if (!target) return;
    const folded = target.closest("details");
    if (folded) folded.open = true;
    const pane = target.closest("pre");
    if (pane && pane.scrollHeight > pane.clientHeight) centre(pane, target);
    else scroll(target);
  });
})();
