// Loaded before anything is drawn, so that the page does not show itself in other colours first.
"use strict";
for (const [name, usual] of [["theme", "system"], ["size", "medium"]]) {
  let chosen = null;
  try {
    chosen = localStorage.getItem(`fourgig.${name}`);
  } catch {
    // A browser may refuse to keep anything.
  }
  document.documentElement.dataset[name] = chosen ?? usual;
}
