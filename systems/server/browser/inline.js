// What stands within a line of Markdown: emphasis, code, links.
//
// What may open something waits on a stack of bounded height, so that looking for what a closing mark closes takes no
// longer the more was opened.

import { element } from "./elements.js";

const HIGHEST = 32;
const LONGEST_TICKS = 8;
const TARGET = /\(\s?<?((?:[^\s()<>]|\([^\s()<>]{0,512}\)){1,2048})>?(?:\s"[^"]{0,512}")?\s?\)/y;
const ADDRESS = /<?https?:\/\/[^\s<>[\]"'`|]{1,2048}>?/y;
const SPECIAL = /[\\`*_~[\]!<h\n]/g;
const ESCAPED = /[!-/:-@[-`{-~]/;
const WORD = /[\p{L}\p{N}]/u;
const NAMES = { "*1": "em", "_1": "em", "*2": "strong", "_2": "strong", "~2": "del" };

/** Return `text` as a fragment of the document. */
export function inline(text) {
  const reader = new Reader(text);
  reader.read();
  return reader.result();
}

/** Return an address that may be followed from a page, or null: the web's, and nothing that runs. */
export function followed(address) {
  try {
    const url = new URL(address);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

function link(address, ...children) {
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.stack = [];
    this.push("", "");
    this.unclosed = new Set(); // lengths of runs of backticks that nothing ahead closes
  }

  get top() {
    return this.stack.at(-1);
  }

  push(mark, kind) {
    this.stack.push({ mark, kind, node: document.createDocumentFragment(), plain: "" });
  }

  result() {
    this.flatten(1);
    return this.whole(this.top);
  }

  say(text) {
    this.top.plain += text;
  }

  /** Return the node of what was opened, with the text that waited. */
  whole(opened) {
    if (opened.plain) opened.node.append(opened.plain);
    opened.plain = "";
    return opened.node;
  }

  append(node) {
    this.whole(this.top).append(node);
  }

  /** What was opened from this place of the stack on was nothing but its marks. */
  flatten(from) {
    while (this.stack.length > from) {
      const { mark, node, plain } = this.stack.pop();
      this.say(mark);
      if (node.hasChildNodes()) this.append(node);
      this.say(plain);
    }
  }

  open(mark, kind) {
    if (this.stack.length > HIGHEST) this.say(mark);
    else this.push(mark, kind);
  }

  read() {
    const { text } = this;
    while (this.at < text.length) {
      SPECIAL.lastIndex = this.at;
      const next = SPECIAL.exec(text)?.index ?? text.length;
      this.say(text.slice(this.at, next));
      this.at = next;
      if (next < text.length) this.special(text[next]);
    }
  }

  special(character) {
    const { text, at } = this;
    if (character === "\n") {
      this.append(element("br"));
      this.at += 1;
    } else if (character === "\\" && ESCAPED.test(text[at + 1] ?? "")) {
      this.say(text[at + 1]);
      this.at += 2;
    } else if (character === "`") {
      this.code();
    } else if ("*_~".includes(character)) {
      this.emphasis(character);
    } else if (character === "[" || (character === "!" && text[at + 1] === "[")) {
      const mark = character === "!" ? "![" : "[";
      this.open(mark, "[");
      this.at += mark.length;
    } else if (character === "]") {
      this.closeLink();
    } else if (!this.address()) {
      this.say(character);
      this.at += 1;
    }
  }

  run(character) {
    let end = this.at;
    while (this.text[end] === character) end += 1;
    return end - this.at;
  }

  code() {
    const length = this.run("`");
    const begin = this.at + length;
    const end = length > LONGEST_TICKS || this.unclosed.has(length) ? -1 : this.closingTicks(begin, length);
    if (end < 0) {
      this.unclosed.add(length);
      this.say("`".repeat(length));
      this.at = begin;
      return;
    }
    const inner = this.text.slice(begin, end).replaceAll("\n", " ");
    const padded = inner.length > 2 && inner[0] === " " && inner.at(-1) === " " && inner.trim();
    this.append(element("code", {}, padded ? inner.slice(1, -1) : inner));
    this.at = end + length;
  }

  closingTicks(from, length) {
    const { text } = this;
    let at = text.indexOf("`", from);
    while (at >= 0) {
      let end = at;
      while (text[end] === "`") end += 1;
      if (end - at === length) return at;
      at = text.indexOf("`", end);
    }
    return -1;
  }

  emphasis(character) {
    const { text, at } = this;
    let length = this.run(character);
    this.at += length;
    const before = text[at - 1] ?? " ", after = text[this.at] ?? " ";
    const within = character === "_" && WORD.test(before) && WORD.test(after);
    if (length > 3 || within || (character === "~" && length !== 2)) {
      this.say(character.repeat(length));
      return;
    }
    if (before.trim()) {
      let place;
      while (length && (place = this.opened(character, length)) > 0) {
        const { kind } = this.stack[place];
        this.flatten(place + 1);
        const made = element(NAMES[kind]);
        made.append(this.whole(this.stack.pop()));
        this.append(made);
        length -= Number(kind[1]);
      }
    }
    if (!length) return;
    if (!after.trim()) this.say(character.repeat(length));
    else if (length === 3) {
      this.open(character.repeat(2), `${character}2`);
      this.open(character, `${character}1`);
    } else this.open(character.repeat(length), `${character}${length}`);
  }

  opened(character, most) {
    let place = this.stack.length - 1;
    while (place > 0) {
      const { kind, node, plain } = this.stack[place];
      const filled = plain || node.hasChildNodes() || place < this.stack.length - 1;
      if (kind[0] === character && Number(kind[1]) <= most && filled) return place;
      place -= 1;
    }
    return -1;
  }

  closeLink() {
    let place = this.stack.length - 1;
    while (place > 0 && this.stack[place].kind !== "[") place -= 1;
    this.at += 1;
    if (place <= 0) {
      this.say("]");
      return;
    }
    TARGET.lastIndex = this.at;
    const found = TARGET.exec(this.text);
    const address = found && !this.stack[place].dead ? followed(found[1]) : null;
    if (address === null) {
      this.flatten(place);
      this.say("]");
      return;
    }
    this.flatten(place + 1);
    const { mark } = this.top;
    const node = this.whole(this.stack.pop());
    // A picture would be fetched from elsewhere: it is a link to it.
    if (mark === "![" && !node.hasChildNodes()) node.append("picture");
    this.append(link(address, node));
    this.at = TARGET.lastIndex;
    for (const each of this.stack) if (each.kind === "[") each.dead = true; // no link within a link
  }

  address() {
    const { text, at } = this;
    if (this.stack.some((each) => each.kind === "[" && !each.dead)) return false;
    if (text[at] === "h" && WORD.test(text[at - 1] ?? " ")) return false;
    ADDRESS.lastIndex = at;
    let found = ADDRESS.exec(text)?.[0];
    if (!found || (text[at] === "<") !== found.endsWith(">")) return false;
    if (text[at] === "<") {
      found = found.slice(1, -1);
      this.at += 2;
    } else {
      let end = found.length;
      while (".,;:!?*_~".includes(found[end - 1]) || (found[end - 1] === ")" && !found.includes("("))) end -= 1;
      found = found.slice(0, end);
    }
    const address = followed(found);
    this.append(address === null ? found : link(address, found));
    this.at += found.length;
    return true;
  }
}
