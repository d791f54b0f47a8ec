// What is remembered: looked through, corrected, forgotten.

import { button, by, choose, element, when } from "./elements.js";
import { kept } from "./server.js";

const BEGINNING = 60; // characters: what a note was shortened to is found by its beginning

export class Memories {
  /** `on.changed()` is called after something was corrected or forgotten. */
  constructor(on) {
    this.on = on;
    this.dialog = by("memories");
    by("close-memories").onclick = () => this.dialog.close();
    by("older").onclick = () => this.find(this.oldest);
    by("search").onsubmit = (event) => {
      event.preventDefault();
      this.find();
    };
  }

  /** Open it with the turns that contain `words`. */
  async open(words = "") {
    by("containing").value = words;
    if (!this.dialog.open) this.dialog.showModal();
    by("containing").focus();
    await this.find();
    if (words.length > BEGINNING && !by("found-turns").childElementCount) {
      by("containing").value = words.slice(0, BEGINNING);
      await this.find();
    }
  }

  /** Show the newest turns, or add those before one. */
  async find(before) {
    const containing = by("containing").value.trim();
    let found, more = [];
    try {
      found = await kept.turns({ containing, before });
      if (found.length) more = await kept.turns({ containing, before: found[0].id });
    } catch (error) {
      by("found").textContent = error.message;
      return;
    }
    if (before === undefined) by("found-turns").replaceChildren();
    this.oldest = found[0]?.id;
    by("older").hidden = !more.length;
    by("found-turns").append(...found.reverse().map((turn) => this.row(turn)));
    const shown = by("found-turns").childElementCount;
    by("found").textContent = shown ? `${shown} shown, the newest first` : "Nothing was found.";
  }

  row(turn) {
    const said = element("p", {}, turn.question);
    const about = element("p", { class: "quiet" }, `${when(turn.created)}, ${turn.answer ? "answered" : "corrected"}: ${turn.answer.replace(/\s+/g, " ").slice(0, 120)}`);
    const named = turn.question.slice(0, 80);
    const actions = element("div", { class: "actions" },
      button("Correct", () => this.edit(row, turn), `Correct: ${named}`),
      button("Forget", () => this.forget(row, turn), `Forget: ${named}`));
    const row = element("li", {}, said, about, actions);
    return row;
  }

  edit(row, turn) {
    const field = element("textarea", { value: turn.question, rows: 3, maxLength: 16384, "aria-label": "What is to be remembered instead" });
    const back = (shown) => {
      const made = this.row(shown);
      row.replaceWith(made);
      made.querySelector("button").focus();
    };
    const form = element("form", { class: "edit" }, field,
      element("p", { class: "quiet" }, "The reply to it goes: it may repeat what was wrong."),
      element("div", { class: "buttons" }, element("button", { class: "first" }, "Remember this"), button("Cancel", () => back(turn))));
    form.onsubmit = (event) => {
      event.preventDefault();
      this.change(async () => back(await kept.correct(turn.id, field.value.trim())));
    };
    form.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // the dialog stays
      event.stopPropagation();
      back(turn);
    };
    row.replaceChildren(form);
    field.focus();
  }

  async forget(row, turn) {
    if (!await choose("Forget this, and the reply to it? It is taken out of the file.", { Forget: "danger" })) return;
    await this.change(async () => {
      await kept.forget(turn.id);
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      (next?.querySelector("button") ?? by("containing")).focus();
      by("found").textContent = "Forgotten.";
    });
  }

  async change(act) {
    try {
      await act();
      this.on.changed();
    } catch (error) {
      by("found").textContent = error.message;
    }
  }
}
