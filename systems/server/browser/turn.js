// One turn as it is shown: the question, the reply, what is known of it, and what can be done with it.

import { announce, button, element } from "./elements.js";
import { copyButton } from "./copying.js";
import { show } from "./markdown.js";

const SOURCES = { model: "from the model", cache: "from the cache", command: "a command's answer" };

export class Turn {
  /**
   * `on` has what can be done: `edit(turn, words)`, `again(turn)`, `goOn()`, `note(words)`. `id` is the server's,
   * null while it is not known.
   */
  constructor(question, on, id = null) {
    this.question = question;
    this.on = on;
    this.id = id;
    this.text = "";
    this.state = "answering";
    this.source = "model";
    this.frame = 0;
    this.asked = element("div", { class: "question" }, question);
    this.asking = element("div", { class: "actions right" });
    this.answer = element("div", { class: "answer" });
    this.about = element("div");
    this.actions = element("div", { class: "actions" });
    this.node = element("article", { class: "turn answering", "aria-label": `You asked: ${question.slice(0, 80)}` },
      this.asked, this.asking, this.answer, this.about, this.actions);
  }

  /** What the model said, as it comes; drawn once a frame, however many pieces come. */
  add(piece) {
    this.text += piece;
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    show(this.answer, this.text);
  }

  /** It was answered, now or (without a `reply`) earlier. */
  answered(text, reply = null) {
    this.text = text;
    this.end("whole");
    if (reply === null) return;
    this.source = reply.source;
    this.about.append(element("p", { class: "said-of" }, described(reply)));
    if (reply.finish_reason === "length") this.mark("It was cut at its longest.", button("Continue", () => this.on.goOn()));
    if (reply.memories.length) this.about.append(this.notes(reply.memories));
    announce(`The reply: ${this.answer.innerText}`);
  }

  /** It was stopped; what was said until then is `kept` as the reply, or is nowhere but here. */
  stopped(kept) {
    this.end(kept ? "whole" : "stopped");
    if (kept) this.mark("Stopped here.", button("Continue", () => this.on.goOn()));
    else this.mark("Stopped here. This is not kept.", this.again("Ask again"));
    announce("Stopped.");
  }

  failed(sentence) {
    this.end("failed");
    this.node.classList.add("failed");
    this.mark(sentence, this.again("Try again"));
    announce(sentence);
  }

  end(state) {
    this.state = state;
    this.node.classList.remove("answering");
    this.about.replaceChildren();
    this.draw();
  }

  again(words) {
    return button(words, () => this.on.again(this));
  }

  mark(sentence, ...buttons) {
    this.about.append(element("p", { class: "mark" }, element("span", {}, sentence), ...buttons));
  }

  notes(memories) {
    const each = (words) => element("li", {}, `${words} `, button("Correct or forget", () => this.on.note(words),
      `Correct or forget: ${words.slice(0, 80)}`));
    return element("details", { class: "notes" },
      element("summary", {}, `${memories.length} remembered for this reply`), element("ul", {}, memories.map(each)));
  }

  /** Offer what can be done: `changing` whether what was said can be taken back, `last` whether it is the last turn. */
  offer(changing, last) {
    const ended = this.state !== "answering";
    const ordinary = ended && this.source !== "command";
    this.asking.replaceChildren(...(ordinary && changing ? [button("Edit", () => this.edit(), "Edit the question")] : []));
    this.actions.replaceChildren(
      ...(ended && this.text ? [copyButton(() => this.text, "Copy the reply")] : []),
      ...(ordinary && changing && last && this.state === "whole"
        ? [button("Answer anew", () => this.on.again(this))] : []),
    );
    this.last = last;
  }

  edit() {
    const field = element("textarea", { value: this.question, rows: 3, maxLength: 16384, "aria-label": "The question, edited" });
    const leave = () => {
      form.remove();
      this.asked.hidden = this.asking.hidden = false;
      this.asking.querySelector("button")?.focus();
    };
    const form = element("form", { class: "edit" }, field,
      ...(this.last || this.id === null ? [] : [element("p", { class: "quiet" }, "What was said after it will be forgotten.")]),
      element("div", { class: "buttons" }, element("button", { class: "first" }, "Ask this"), button("Cancel", leave)));
    form.onsubmit = (event) => {
      event.preventDefault();
      const words = field.value.trim();
      if (words) this.on.edit(this, words);
    };
    form.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      leave();
    };
    this.asked.hidden = this.asking.hidden = true;
    this.asked.before(form);
    field.focus();
  }
}

function described(reply) {
  return [
    SOURCES[reply.source] ?? reply.source,
    `${reply.total_s.toFixed(1)} s`,
    ...(reply.tokens_per_s ? [`${reply.tokens_per_s.toFixed(1)} tokens/s`] : []),
    ...(reply.dropped_messages ? [`${reply.dropped_messages} older messages had no room`] : []),
    ...(reply.dropped_notes ? [`${reply.dropped_notes} notes had no room`] : []),
    ...reply.degraded.map((step) => `without ${step.step}`),
  ].join(" · ");
}
