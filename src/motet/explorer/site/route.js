"use strict";
// Which page is shown: the address after "#" says it, whole. Back and forward are the browser's own.

{
  const { h } = motet;
  const NAMES = { browse: "Browse", one: "Example", overview: "Overview", compare: "Compare" };
  let shown = null; // {page, id, address, close}
  let resting = 0;
  let turn = 0; // of several pages asked for, the last one is shown

  motet.href = (page, { id, params } = {}) => {
    const asked = params ? String(params) : "";
    return `#/${page}${id === undefined ? "" : "/" + encodeURIComponent(id)}${asked ? "?" + asked : ""}`;
  };

  motet.go = (page, { id, params, replace = false } = {}) => {
    const address = motet.href(page, { id, params });
    if (address !== location.hash) {
      try {
        if (replace) history.replaceState(history.state, "", address);
        else history.pushState(null, "", address);
      } catch {
        location.hash = address; // some browsers refuse many changes in a short time
      }
    }
    return arrive();
  };

  function placeOf(hash) {
    const [, page = "browse", id, asked = ""] = /^#\/([a-z]+)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(hash) ?? [];
    let plain;
    try { plain = id === undefined ? undefined : decodeURIComponent(id); } catch { plain = id; }
    return { page: Object.hasOwn(NAMES, page) ? page : "browse", id: plain, params: new URLSearchParams(asked) };
  }

  motet.place = () => placeOf(location.hash);

  async function arrive() {
    const place = placeOf(location.hash);
    const address = motet.href(place.page, place);
    if (shown && shown.address === address) return;
    const page = motet.pages[place.page];
    const first = !shown;
    mark(place);
    if (shown && shown.page === place.page && shown.id === place.id && page?.move?.(place)) {
      shown.address = address;
      return;
    }
    const mine = ++turn;
    const main = document.getElementById("main");
    shown?.close?.();
    shown = { page: place.page, id: place.id, address, close: undefined };
    main.className = place.page;
    main.replaceChildren();
    const { y = 0 } = history.state ?? {};
    clearTimeout(resting);
    scrollTo(0, 0);
    if (!page) {
      motet.entitle(NAMES[place.page]);
      main.append(h("p", { class: "notice", text: `The page “${NAMES[place.page]}” is not part of this site.` }));
      return;
    }
    motet.entitle(page.title?.(place, motet.told) || NAMES[place.page]);
    if (!first) main.focus({ preventScroll: true });
    try {
      const close = await page.show(main, place);
      if (mine === turn) {
        shown.close = close;
        if (y) scrollTo(0, y);
      } else close?.(); // another page was asked for meanwhile
    } catch (error) {
      if (mine === turn) motet.fail(main, error.message);
      if (!error.told) console.error(error);
    }
  }

  // What was asked goes along between the list and the overview, and comes back from an example. The page one is on begins anew.
  function mark(place) {
    const asked = new URLSearchParams(place.page === "one" ? place.params.get("from") ?? "" : place.page === "compare" ? "" : place.params);
    for (const link of document.querySelectorAll(".top [data-page]")) {
      const { page } = link.dataset, params = new URLSearchParams(asked);
      if (page === "overview") params.delete("sort");
      link.href = motet.href(page, { params: page === "compare" || page === place.page ? "" : params });
      if (page === place.page) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  // --- the bar on top ---

  function drawTheme() {
    const button = document.getElementById("theme");
    const other = motet.theme() === "dark" ? "light" : "dark";
    button.replaceChildren(motet.icon(other));
    button.setAttribute("aria-label", `Switch to ${other} colours`);
    button.title = `Switch to ${other} colours`;
  }

  async function name() {
    try {
      motet.told = await motet.store.about();
    } catch {
      return; // the page itself says what is wrong
    }
    const dataset = document.getElementById("dataset");
    dataset.textContent = dataset.title = motet.told.title ?? "";
    const page = motet.pages[motet.place().page];
    if (motet.place().page !== "one") motet.entitle(page?.title?.(motet.place(), motet.told) || NAMES[motet.place().page]);
  }

  document.getElementById("theme").addEventListener("click", () => motet.chooseTheme(motet.theme() === "dark" ? "light" : "dark"));
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address says which page is shown, and is not for this
    document.getElementById("main").focus();
  });
  motet.onTheme(drawTheme);
  drawTheme();
  window.addEventListener("scroll", () => { // how far down a page one was is kept for coming back
    clearTimeout(resting);
    resting = setTimeout(() => {
      try { history.replaceState({ ...history.state, y: scrollY }, ""); } catch { /* too often: the next time will do */ }
    }, 150);
  }, { passive: true });
  window.addEventListener("popstate", arrive);
  window.addEventListener("hashchange", arrive);
  if ("scrollRestoration" in history) history.scrollRestoration = "manual";
  arrive();
  name();
}
