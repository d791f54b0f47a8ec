// Copying, also where the browser gives pages no clipboard: over plain HTTP from another machine.

import { announce, button, element } from "./elements.js";

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const field = element("textarea", { value: text, class: "unseen" });
  const before = document.activeElement;
  (before?.closest("dialog") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  before?.focus();
  if (!done) throw new Error("This browser does not let the page copy.");
}

/** Return a button that copies what `text` returns. */
export function copyButton(text, label) {
  const made = button("Copy", async () => {
    let said = "Copied";
    try {
      await copy(text());
    } catch {
      said = "Not copied";
    }
    made.textContent = said;
    announce(said);
    setTimeout(() => { made.textContent = "Copy"; }, 2000);
  }, label);
  return made;
}
