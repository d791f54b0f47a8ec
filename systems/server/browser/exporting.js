// A conversation as a file.

import { element, when } from "./elements.js";

/** Have the browser save a conversation; `form` is "Markdown" or "JSON". */
export function save(title, turns, form) {
  const name = title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "conversation";
  const [text, type, ending] = form === "JSON"
    ? [`${JSON.stringify({ title, turns }, null, 2)}\n`, "application/json", "json"]
    : [asMarkdown(title, turns), "text/markdown", "md"];
  const address = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: address, download: `${name}.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function asMarkdown(title, turns) {
  const parts = turns.map(({ question, answer, created }) => {
    const quoted = question.split("\n").map((line) => `> ${line}`).join("\n");
    return `${created ? `*${when(created)}*\n\n` : ""}${quoted}\n\n${answer}`;
  });
  return `# ${title}\n\n${parts.join("\n\n---\n\n")}\n`;
}
