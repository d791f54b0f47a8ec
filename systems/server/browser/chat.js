// The conversation that is shown: asking, stopping, asking anew, and what of it is kept on the server.

import { button, by, element } from "./elements.js";
import { random } from "./link.js";
import { Follower } from "./scrolling.js";
import { kept } from "./server.js";
import { Turn } from "./turn.js";

export const SESSION = "default"; // the token's own: every device that shows it sees the same

const GO_ON = "Please continue exactly where you stopped.";

export class Chat {
  /**
   * `on` has `note(words)`, `busy(whether)`, `said()` after a turn ended, and
   * `heeded(act)`, which says why an act failed.
   */
  constructor(link, on) {
    this.link = link;
    this.on = on;
    this.keeps = false;
    this.forgetting = false; // what is asked anew, before it is asked
    this.waiting = null; // { id, conversation, turn } of what is being answered, perhaps in another conversation
    this.place = by("turns");
    this.follower = new Follower(by("talk"), by("newest"));
    this.fresh();
  }

  fresh() {
    this.show(random(), [], 0);
  }

  /** Show a kept conversation, of which there are `count` turns; the one that is shown is shown as it is kept. */
  async open(id, count = 0) {
    if (this.id !== id) this.show(id, [], 0);
    const found = await kept.turns({ conversation: id });
    if (this.id !== id) return; // the person has gone on meanwhile
    this.show(id, found.map((each) => this.earlier(each)), count - found.length);
  }

  /** Whether the server has something of it. */
  get isKept() {
    return this.turns.some((turn) => turn.id !== null);
  }

  reload() {
    return this.open(this.id, this.turns.length + this.hidden);
  }

  show(id, turns, hidden) {
    this.id = id;
    this.turns = turns;
    this.hidden = hidden;
    if (this.waiting?.conversation === id) this.turns.push(this.waiting.turn);
    this.place.replaceChildren(...turns.map((turn) => turn.node));
    if (hidden > 0) this.place.prepend(element("p", {}, button("Earlier", () => this.on.heeded(() => this.more()))));
    this.offer();
    this.follower.toEnd();
  }

  async more() {
    const found = await kept.turns({ conversation: this.id, before: this.turns[0].id });
    const height = this.follower.place.scrollHeight;
    const turns = found.map((each) => this.earlier(each));
    this.place.firstElementChild.remove();
    this.place.prepend(...turns.map((turn) => turn.node));
    this.turns.unshift(...turns);
    this.hidden = found.length ? this.hidden - found.length : 0;
    if (this.hidden > 0) this.place.prepend(element("p", {}, button("Earlier", () => this.on.heeded(() => this.more()))));
    this.offer();
    this.follower.place.scrollTop += this.follower.place.scrollHeight - height;
    by("talk").focus();
  }

  earlier({ id, question, answer }) {
    const turn = new Turn(question, this.actions(), id);
    turn.answered(answer);
    if (!answer) turn.mark("The reply is not kept: it was to what this said before it was corrected.");
    return turn;
  }

  actions() {
    return {
      edit: (turn, words) => this.on.heeded(() => this.anew(turn, words)),
      again: (turn) => this.on.heeded(() => this.anew(turn, turn.question)),
      goOn: () => this.ask(GO_ON),
      note: (words) => this.on.note(words),
    };
  }

  offer() {
    by("empty").hidden = this.turns.length > 0;
    this.on.busy(this.waiting !== null);
    this.turns.forEach((turn, at) => {
      // What was not answered is nowhere but here.
      const known = turn.state === "whole" ? this.keeps && turn.id !== null : true;
      turn.offer(known && this.waiting === null, at === this.turns.length - 1);
    });
  }

  /** Ask this, if nothing is being answered; return whether. */
  ask(words) {
    if (this.waiting !== null || this.forgetting) return false;
    const turn = new Turn(words, this.actions());
    this.turns.push(turn);
    this.place.append(turn.node);
    this.waiting = { id: random(), conversation: this.id, turn };
    this.offer();
    this.follower.toEnd();
    this.send(this.waiting);
    return true;
  }

  async send(waiting) {
    try {
      await this.link.connect();
    } catch (error) {
      if (this.waiting === waiting) this.ended(() => waiting.turn.failed(error.message));
      return;
    }
    if (this.waiting !== waiting) return; // stopped before it was sent
    const { id, conversation, turn } = waiting;
    this.link.send({ type: "ask", id, session: SESSION, conversation: conversation || undefined, text: turn.question });
  }

  /** Take a message of the server. */
  take(message) {
    if (message.id !== this.waiting?.id) return; // of a connection that was given up
    const { turn } = this.waiting;
    switch (message.type) {
      case "token": return turn.add(message.text);
      case "reply": return this.ended(() => turn.answered(message.text, message));
      case "stopped": return this.ended(() => turn.stopped(message.kept));
      case "refusal":
        return this.ended(() => turn.failed(`Not now: ${message.reason}. Try again in ${Math.ceil(message.retry_after_s)} s.`));
      case "error": return this.ended(() => turn.failed(message.message));
    }
  }

  lost() {
    if (this.waiting) this.ended(() => this.waiting.turn.failed("The connection was lost before the reply was whole."));
  }

  /** Stop what is being answered; what was said until then is kept, unless `keep` is false. */
  stop(keep = true) {
    if (this.waiting === null) return;
    if (this.link.open) this.link.send({ type: "cancel", id: this.waiting.id, keep });
    else this.ended(() => this.waiting.turn.stopped(false));
  }

  ended(say) {
    say();
    this.waiting = null;
    this.offer();
    this.on.said();
  }

  /** Ask `words` in the place of `turn` and of everything after it; or of it alone, if it was never answered. */
  async anew(turn, words) {
    if (this.waiting !== null || this.forgetting) return;
    try {
      this.forgetting = true;
      if (turn.id !== null) await kept.forgetConversation(this.id, turn.id);
    } finally {
      this.forgetting = false;
    }
    const at = this.turns.indexOf(turn);
    const gone = turn.id === null ? this.turns.splice(at, 1) : this.turns.splice(at);
    for (const each of gone) each.node.remove();
    this.ask(words);
    by("text").focus();
  }

  /** Learn which of the server's turns are those that are shown. */
  async identify() {
    if (!this.keeps) return;
    const { id } = this, { length } = this.turns;
    const found = await kept.turns({ conversation: id });
    if (this.id !== id || this.turns.length !== length || this.waiting) return; // it is done again after the next turn
    const known = new Set(this.turns.map((turn) => turn.id));
    for (const turn of [...this.turns].reverse()) {
      const last = found.at(-1);
      if (last === undefined) break;
      if (turn.state !== "whole" || turn.source === "command") continue;
      const same = turn.id === null ? !known.has(last.id) && turn.question === last.question : turn.id === last.id;
      if (same) turn.id = found.pop().id;
      else if (turn.id !== null || !known.has(last.id)) break; // else it is not saved yet
    }
    // Something was said or forgotten elsewhere, or kept although the connection was lost.
    if (found.length) return this.reload();
    this.offer();
  }

  /** Return everything that was said in it: from the server, where that keeps it. */
  async said() {
    if (this.keeps) return kept.all(this.id);
    return this.turns.filter((turn) => turn.state === "whole").map(({ question, text }) => ({ question, answer: text }));
  }
}
