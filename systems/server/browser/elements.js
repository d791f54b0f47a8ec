// Makes elements. Text becomes text nodes, never markup.

export const by = (id) => document.getElementById(id);

/** Return an element with these properties ("class", "aria-…" and "role" are attributes) and children, or lists of them. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class" || key === "role" || key.startsWith("aria-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  // One by one: there may be more of them than a call takes arguments.
  for (const child of children.flat()) made.append(child);
  return made;
}

/** Return a button that does `act`, with `label` read aloud where the words alone do not say enough. */
export function button(words, act, label = words, kind = "") {
  const made = element("button", { type: "button", class: kind, onclick: act }, words);
  if (label !== words) made.setAttribute("aria-label", label);
  return made;
}

/** Return when something was, in the reader's own way of writing it. */
export function when(seconds) {
  return new Date(seconds * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

let saying = 0;

/** Have a screen reader say this once, when it has finished what it is saying. */
export function announce(words) {
  const live = by("live");
  live.textContent = "";
  clearTimeout(saying);
  // The same words twice are a change only if there was something else in between.
  saying = setTimeout(() => { live.textContent = words; }, 50);
}

/** Ask a person to choose one of `answers` (words: kind of button); return it, null if they left. */
export function choose(sentence, answers) {
  const dialog = by("choice");
  by("choice-sentence").textContent = sentence;
  return new Promise((resolve) => {
    const answer = (words) => {
      dialog.close();
      resolve(words);
    };
    const made = Object.entries(answers).map(([words, kind]) => button(words, () => answer(words), words, kind));
    by("choices").replaceChildren(...made, button("Cancel", () => answer(null)));
    dialog.oncancel = () => resolve(null); // Escape
    dialog.showModal();
    by("choices").lastElementChild.focus(); // what harms nobody
  });
}
