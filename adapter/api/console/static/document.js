// A value that is clicked lights up in every pane. Without this script links lead from pane to pane.
"use strict";
(() => {
  const panes = [...document.querySelectorAll(".scroller")];
  const center = (pane, one) => {
    const off = one.getBoundingClientRect().top - pane.getBoundingClientRect().top;
    pane.scrollTop += off - pane.clientHeight / 3;
  };
  const show = (way, from) => {
    for (const one of document.querySelectorAll(".on")) one.classList.remove("on");
    for (const one of document.querySelectorAll(`[data-ways~="${way}"], [data-way="${way}"]`)) {
      if (!one.closest(".ways") || one.matches("li")) one.classList.add("on");
    }
    for (const pane of panes) {
      // What is marked most exactly comes first.
      const found = pane.querySelector(".v.on:not(.part)") || pane.querySelector(".on");
      if (found && pane !== from) center(pane, found);
    }
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-ways]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const ways = link.dataset.ways.split(" ");
    // A second click goes on to the next way that begins there.
    const now = link.classList.contains("on") ? ways.indexOf(document.body.dataset.way) + 1 : 0;
    const way = ways[now % ways.length];
    document.body.dataset.way = way;
    const at = scrollY;
    const from = link.closest(".scroller");
    const inside = from?.scrollTop;
    location.hash = `w${way}`;
    scrollTo(scrollX, at);
    if (from) from.scrollTop = inside;
    show(way, from);
    link.focus({ preventScroll: true });
  });
  const open = () => { if (/^#w\d+$/.test(location.hash)) show(location.hash.slice(2), null); };
  addEventListener("hashchange", () => { if (location.hash.slice(2) !== document.body.dataset.way) open(); });
  open();
})();
