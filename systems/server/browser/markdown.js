// Markdown as nodes of the document: what a model says, which may be anything, and may end anywhere.
//
// Every text is read once from left to right, whatever is in it, and nothing nests deeper than a bound: no text can
// make the page busy for long. Nothing becomes markup but what is made here.

import { copyButton } from "./copying.js";
import { element } from "./elements.js";
import { inline } from "./inline.js";

const DEEPEST = 8;
const LONGEST = 200_000; // characters: no model says as much in one reply; such a text is shown as it is
const MOST_CELLS = 64;
const MOST_EMPTY = 8; // lines within an item of a list

const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t](.*))?$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,12})([-*+]|\d{1,9}[.)])(?: {1,4}(?=\S)| +|$)/;

const shown = new WeakMap();

/** Show `text` in `place`; what has not changed since the last time stays, and with it what somebody selected. */
export function show(place, text) {
  if (text.length > LONGEST) {
    shown.delete(place);
    place.replaceChildren(element("p", { class: "as-it-is" }, text));
    return;
  }
  const before = shown.get(place) ?? [];
  const blocks = parsed(text.split(/\r\n|\r|\n/).map(withoutTabs), 0);
  let same = 0;
  while (same < blocks.length && same < before.length && blocks[same].source === before[same]) same += 1;
  while (place.childNodes.length > same) place.lastChild.remove();
  for (const block of blocks.slice(same)) place.append(rendered(block));
  shown.set(place, blocks.map((block) => block.source));
}

function withoutTabs(line) {
  return line.replace(/^\t+/, (tabs) => "    ".repeat(tabs.length));
}

function parsed(lines, depth) {
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const [block, end] = blockAt(lines, at, depth);
    block.source = depth ? "" : `${block.kind}\n${lines.slice(at, end).join("\n")}`;
    blocks.push(block);
    at = end;
  }
  return blocks;
}

function blockAt(lines, at, depth) {
  const line = lines[at];
  const fence = FENCE.exec(line);
  if (fence) return fenced(lines, at, fence);
  const heading = HEADING.exec(line);
  if (heading) return [{ kind: "heading", level: heading[1].length, text: withoutHashes(heading[2] ?? "") }, at + 1];
  if (isRule(line)) return [{ kind: "rule" }, at + 1];
  if (depth < DEEPEST && QUOTE.test(line)) return quoted(lines, at, depth);
  if (depth < DEEPEST && ITEM.test(line)) return listed(lines, at, depth);
  if (at + 1 < lines.length && line.includes("|")) {
    const columns = delimiters(lines[at + 1]);
    if (columns && cells(line).length === columns.length) return tabled(lines, at, columns);
  }
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !begins(lines[end], depth)) end += 1;
  return [{ kind: "paragraph", text: lines.slice(at, end).join("\n") }, end];
}

function begins(line, depth) {
  return FENCE.test(line) || HEADING.test(line) || isRule(line) || (depth < DEEPEST && (QUOTE.test(line) || ITEM.test(line)));
}

function fenced(lines, at, [, mark, language]) {
  const indent = lines[at].indexOf(mark);
  const body = [];
  let end = at + 1;
  for (; end < lines.length; end += 1) {
    const line = lines[end].trim();
    if (line.length >= mark.length && isAll(line, mark[0])) {
      end += 1;
      break;
    }
    const spaces = lines[end].length - lines[end].trimStart().length;
    body.push(lines[end].slice(Math.min(indent, spaces)));
  }
  // Without its end it is code all the same: the rest may still be on its way.
  return [{ kind: "code", language: language.trim().split(/\s/, 1)[0].slice(0, 40), text: body.join("\n") }, end];
}

function quoted(lines, at, depth) {
  let end = at;
  const inner = [];
  while (end < lines.length && QUOTE.test(lines[end])) {
    inner.push(lines[end].replace(QUOTE, ""));
    end += 1;
  }
  return [{ kind: "quote", blocks: parsed(inner, depth + 1) }, end];
}

function listed(lines, at, depth) {
  const first = ITEM.exec(lines[at]);
  const kind = first[2].at(-1); // "-", "*", "+", "." or ")": another begins another list
  const items = [];
  let end = at;
  while (end < lines.length) {
    const item = ITEM.exec(lines[end]);
    if (!item || item[2].at(-1) !== kind || item[1].length > first[1].length + 1 || isRule(lines[end])) break;
    const inner = [lines[end].slice(item[0].length)];
    const least = item[1].length + 2;
    end += 1;
    while (end < lines.length) {
      const line = lines[end];
      const indent = line.length - line.trimStart().length;
      const blank = indent === line.length;
      const belongs = blank ? nextIndent(lines, end) >= least : indent >= least || (inner.at(-1).trim() && !begins(line, depth));
      if (!belongs) break;
      inner.push(line.slice(Math.min(indent, item[0].length)));
      end += 1;
    }
    items.push(parsed(inner, depth + 1));
    if (end < lines.length && !lines[end].trim() && end + 1 < lines.length && ITEM.test(lines[end + 1])) end += 1;
  }
  return [{ kind: "list", start: parseInt(first[2], 10), items }, end];
}

function nextIndent(lines, at) {
  for (let next = at + 1; next <= at + MOST_EMPTY && next < lines.length; next += 1) {
    const line = lines[next];
    if (line.trim()) return line.length - line.trimStart().length;
  }
  return -1;
}

function tabled(lines, at, columns) {
  const rows = [];
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|") && lines[end].trim()) {
    rows.push(cells(lines[end]).slice(0, columns.length));
    end += 1;
  }
  return [{ kind: "table", columns, head: cells(lines[at]), rows }, end];
}

function cells(line) {
  const found = [];
  let cell = "";
  const text = line.trim();
  for (let at = text[0] === "|" ? 1 : 0; at < text.length && found.length < MOST_CELLS; at += 1) {
    if (text[at] === "\\" && text[at + 1] === "|") {
      cell += "|";
      at += 1;
    } else if (text[at] === "|") {
      found.push(cell.trim());
      cell = "";
    } else {
      cell += text[at];
    }
  }
  if (cell.trim()) found.push(cell.trim());
  return found;
}

function delimiters(line) {
  if (!line.includes("-")) return null;
  const found = cells(line);
  if (!found.length || !found.every((cell) => /^:?-+:?$/.test(cell))) return null;
  return found.map((cell) => (cell.endsWith(":") ? (cell.startsWith(":") ? "to-middle" : "to-right") : ""));
}

function isAll(text, character) {
  for (let at = 0; at < text.length; at += 1) if (text[at] !== character) return false;
  return true;
}

function isRule(line) {
  const bare = line.replace(/[ \t]/g, "");
  return bare.length >= 3 && "*-_".includes(bare[0]) && isAll(bare, bare[0]);
}

function withoutHashes(text) {
  let end = text.trimEnd().length;
  const all = end;
  while (text[end - 1] === "#") end -= 1;
  return (end === 0 || text[end - 1] === " " ? text.slice(0, end) : text.slice(0, all)).trim();
}

function rendered(block) {
  switch (block.kind) {
    case "code": {
      const copy = copyButton(() => block.text, "Copy this code");
      // It scrolls sideways, so it must be reached with the keyboard.
      const code = element("pre", { tabIndex: 0 }, element("code", {}, block.text));
      return element("div", { class: "code" }, element("div", {}, element("span", {}, block.language || "code"), copy), code);
    }
    case "heading":
      // Under the page's own headings of the first two levels.
      return element(`h${Math.min(block.level + 2, 6)}`, {}, inline(block.text));
    case "rule":
      return element("hr");
    case "quote":
      return element("blockquote", {}, block.blocks.map(rendered));
    case "list": {
      const ordered = !Number.isNaN(block.start);
      return element(ordered ? "ol" : "ul", ordered ? { start: block.start } : {}, block.items.map(itemOf));
    }
    case "table":
      return element("div", { class: "table", tabIndex: 0 }, tableOf(block));
    default:
      return element("p", {}, inline(block.text));
  }
}

function itemOf(blocks) {
  const [first, ...rest] = blocks;
  if (first?.kind !== "paragraph") return element("li", {}, blocks.map(rendered));
  return element("li", {}, inline(first.text), rest.map(rendered));
}

function tableOf({ columns, head, rows }) {
  const row = (kind, texts) => {
    const made = element("tr");
    columns.forEach((side, at) => made.append(element(kind, { class: side }, inline(texts[at] ?? ""))));
    return made;
  };
  const body = element("tbody", {}, rows.map((texts) => row("td", texts)));
  return element("table", {}, element("thead", {}, row("th", head)), body);
}
