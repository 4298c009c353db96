"use strict";
// Good or bad, and a note why: kept in the dataset, and taken back by pressing again.
{
  const { h } = motet;
  const PAUSE = 700; // ms after the last letter

  // Returns {element, keys(event) -> taken, close()}; null where nothing can be judged.
  motet.judge = (one, { judging }) => {
    if (!judging || !one.judgeable) return null;
    let label = one.label ?? null;
    let saving = Promise.resolve(), waiting = 0;

    const press = (verdict, text, key) => h("button", {
      type: "button", class: "call " + verdict, "aria-pressed": "false", title: `${text} (${key})`, on: { click: () => choose(verdict) },
    }, motet.icon(verdict), h("span", { text }));
    const good = press("good", "Good", "g"), bad = press("bad", "Bad", "b");
    const note = h("textarea", { id: "note", rows: 2, maxlength: 2000, placeholder: "Why?", dir: "auto", on: { input: typed, change: keep, keydown: leave } });
    const field = h("div", { class: "remark" }, h("label", { for: "note", text: "Note" }), note);
    const said = h("p", { class: "saved", role: "status" });
    const element = h("section", { class: "judge", "aria-label": "Judge" }, h("div", { class: "calls" }, good, bad), field, said);

    function leave(event) {
      event.stopPropagation();
      if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) { event.preventDefault(); note.blur(); good.focus(); }
    }

    // A note is kept a moment after its last letter, and whatever else ends the typing.
    let typing = 0;

    function typed() {
      clearTimeout(typing);
      if (!label?.verdict) return;
      typing = setTimeout(keep, PAUSE);
      said.textContent = "Not saved yet.";
    }

    function keep() {
      clearTimeout(typing);
      if (label?.verdict && note.value !== (label.note ?? "")) save(label.verdict);
      else if (label?.verdict) shows();
    }

    function choose(verdict) {
      const back = label?.verdict === verdict;
      save(back ? "" : verdict);
    }

    // One after the other, so that the last press is what stands.
    function save(verdict) {
      const before = label;
      const text = note.value;
      label = verdict ? { ...label, verdict, note: text } : null;
      shows("Saving …");
      waiting += 1;
      saving = saving.then(() => motet.store.judge(one.id, verdict, text)).then((told) => {
        waiting -= 1;
        if (waiting) return;
        label = told.label ?? (told.judged ? { verdict: told.judged, note: text } : null);
        shows(label ? "Saved." : "Taken back.");
      }, (error) => {
        waiting -= 1;
        label = before;
        shows(`Not saved: ${error.message}`, true);
      });
    }

    function shows(sentence = "", wrong = false) {
      const verdict = label?.verdict ?? "";
      good.setAttribute("aria-pressed", verdict === "good");
      bad.setAttribute("aria-pressed", verdict === "bad");
      const by = label && (label.by || label.at) && !sentence ? [label.by ? `by ${label.by}` : "", String(label.at ?? "").slice(0, 10)].filter(Boolean).join(", ") : "";
      said.textContent = sentence || (by ? `Judged ${by}` : "");
      said.classList.toggle("wrong", wrong);
      field.hidden = !verdict && !note.value && document.activeElement !== note;
    }

    function keys(event) {
      if (event.key === "g") choose("good");
      else if (event.key === "b") choose("bad");
      else if (event.key === "n") { field.hidden = false; note.focus(); } else return false;
      return true;
    }

    note.value = label?.note ?? "";
    note.addEventListener("blur", () => {
      if (!label?.verdict && note.value.trim()) { said.textContent = "Good or bad? The note is kept with it."; }
      else field.hidden = !label?.verdict;
    });
    shows();
    addEventListener("pagehide", keep);
    const close = () => { removeEventListener("pagehide", keep); keep(); };
    return { element, keys, close };
  };
}
