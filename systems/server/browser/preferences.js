// Settings: how the page looks, which stays on this device, and how much of a conversation the model is shown.

import { by } from "./elements.js";
import { random } from "./link.js";
import { token } from "./server.js";
import { showTargets } from "./targets.js";

export class Preferences {
  /** `ask(message)` sends a `settings` message; `leave()` forgets the token. */
  constructor({ ask, leave }) {
    this.ask = ask;
    this.id = null;
    by("show-settings").onclick = () => this.open();
    by("close-settings").onclick = () => by("settings").close();
    by("settings-form").onsubmit = (event) => {
      event.preventDefault();
      this.setHistory();
    };
    by("set-history").onclick = () => this.setHistory();
    by("leave").onclick = () => {
      by("settings").close();
      leave();
    };
    for (const name of ["theme", "size"]) by(name).onchange = (event) => this.look(name, event.target.value);
    window.addEventListener("storage", ({ key, newValue }) => {
      const name = ["theme", "size"].find((each) => key === `fourgig.${each}`);
      if (name && newValue) document.documentElement.dataset[name] = newValue;
    });
  }

  open() {
    for (const name of ["theme", "size"]) {
      by(name).querySelector(`[value="${document.documentElement.dataset[name]}"]`).checked = true;
    }
    by("leave").hidden = token() === null;
    by("settings").showModal();
    this.request({});
    showTargets();
  }

  look(name, value) {
    document.documentElement.dataset[name] = value;
    try {
      localStorage.setItem(`fourgig.${name}`, value);
    } catch {
      // It holds until the page is closed.
    }
  }

  setHistory() {
    const field = by("history-length");
    if (field.value !== "" && field.reportValidity()) this.request({ history_length: field.valueAsNumber });
  }

  async request(changes) {
    this.id = random();
    try {
      await this.ask({ type: "settings", id: this.id, ...changes });
    } catch (error) {
      by("in-force").textContent = error.message;
    }
  }

  /** Take a message of the server, if it is the answer to what was asked here. */
  take(message) {
    if (message.id !== this.id) return;
    // An engine served alone has nothing to set.
    by("history").hidden = message.kind === "BadInput";
    by("in-force").textContent = message.said ?? message.message ?? `Not now: ${message.reason}.`;
  }
}
