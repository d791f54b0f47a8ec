// The list of the conversations that are kept.

import { button, by, element, when } from "./elements.js";

/** Return the address, on this page, of a conversation; the one without a name has one too. */
export const addressOf = (id) => `#=${encodeURIComponent(id)}`;

export class Conversations {
  /** `on.remove(conversation)` deletes one, `on.further()` shows more of them. */
  constructor(on) {
    this.on = on;
    this.found = [];
    this.more = false;
    by("more-conversations").onclick = () => on.further();
    this.toggle = by("show-list");
    this.toggle.onclick = () => this.open(this.toggle.getAttribute("aria-expanded") !== "true");
    by("list").onclick = (event) => { if (event.target.closest("a")) this.open(false); };
  }

  get isOpen() {
    return this.toggle.getAttribute("aria-expanded") === "true";
  }

  /** Open or close the list where it lies over the conversation, on a narrow screen. */
  open(whether) {
    const had = by("list").contains(document.activeElement);
    this.toggle.setAttribute("aria-expanded", String(whether));
    by("list").classList.toggle("open", whether);
    document.querySelector("main").inert = whether;
    if (whether) by("new").focus();
    else if (had) this.toggle.focus();
  }

  count(id) {
    return this.found.find((each) => each.id === id)?.turns ?? 0;
  }

  /** Show those that were `found`, of which there may be `more`; `current` is the one that is open. */
  show({ found, more }, current) {
    this.found = found;
    this.more = more;
    by("more-conversations").hidden = !more;
    by("no-conversations").hidden = found.length > 0;
    by("conversations").replaceChildren(...found.map((each) => this.row(each, each.id === current)));
    const title = found.find((each) => each.id === current)?.title;
    by("title").textContent = title ?? "New conversation";
    document.title = title ? `${title} · fourgig` : "fourgig";
  }

  row(conversation, current) {
    const { id, title, latest, tier } = conversation;
    // An agent that has tiers tells where a conversation lies: from "hot" to "frozen".
    const about = tier ? `${when(latest)} · ${tier}` : when(latest);
    const open = element("a", { class: "open", href: addressOf(id) }, title, element("small", {}, about));
    if (current) open.setAttribute("aria-current", "page");
    return element("li", {}, open, button("✕", () => this.on.remove(conversation), `Delete: ${title}`));
  }
}
