// The targets that an agent holds itself to, and how the last turns kept them, as a table among the settings.

import { by, element } from "./elements.js";
import { metrics } from "./server.js";

const LINE = /^fourgig_target_(reading|status)\{(.*)\} (\S+)$/gm;
const LABEL = /(\w+)="([^"]*)"/g;

const share = (value) => `${(100 * value).toFixed(1)} %`;
const seconds = (value) => `${value.toFixed(3)} s`;
const SHOWN = {
  p50_s: ["Half of the turns took at most", seconds],
  p95_s: ["95 of 100 turns took at most", seconds],
  p99_s: ["99 of 100 turns took at most", seconds],
  throughput: ["Turns a second", (value) => value.toFixed(2)],
  success: ["Turns that were answered", share],
  processor: ["Processors in use", share],
  memory: ["Memory in use", share],
};

/** Show how the targets are kept now; nothing where the agent has none, or where it does not tell. */
export async function showTargets() {
  let said = "";
  try {
    said = await metrics();
  } catch {
    // Who may not see it has no table.
  }
  const found = {};
  for (const [, what, labels, value] of said.matchAll(LINE)) {
    const named = Object.fromEntries([...labels.matchAll(LABEL)].map(([, name, text]) => [name, text]));
    found[named.reading] = { ...found[named.reading], ...(what === "reading" ? { value: Number(value) } : named) };
  }
  const rows = Object.entries(SHOWN).filter(([reading]) => reading in found).map(([reading, [words, shown]]) =>
    element("tr", {}, element("th", { scope: "row" }, words),
      element("td", { class: "to-right" }, shown(found[reading].value)), element("td", {}, found[reading].status)));
  by("targets").hidden = rows.length === 0;
  by("kept-targets").replaceChildren(...rows);
}
