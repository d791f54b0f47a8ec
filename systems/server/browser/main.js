// The page: what its parts have to do with each other.

import { Chat, SESSION } from "./chat.js";
import { addressOf, Conversations } from "./conversations.js";
import { by, choose } from "./elements.js";
import { save } from "./exporting.js";
import { Link } from "./link.js";
import { Memories } from "./memories.js";
import { Preferences } from "./preferences.js";
import { forgetToken, kept, LISTED, models, setToken, token } from "./server.js";

const state = (words, fine = false) => {
  by("state").textContent = words;
  by("state").classList.toggle("fine", fine);
};
/** Do `act`, and say why if it cannot be done. */
async function heeded(act) {
  try {
    await act();
  } catch (error) {
    state(error.message);
  }
}

const typesOnGlass = matchMedia("(pointer: coarse)").matches;

const link = new Link({
  state,
  message: (message) => {
    chat.take(message);
    preferences.take(message);
    if (message.type === "error" && !message.id) state(message.message);
  },
  opened: lookAgain, // a reply may have become whole after the connection was lost
  lost: () => chat.lost(),
  login,
});

const chat = new Chat(link, {
  note: (words) => (chat.keeps ? memories.open(words) : undefined),
  busy,
  heeded,
  said: async () => {
    await heeded(() => chat.identify());
    await heeded(list);
    if (chat.waiting === null) by("talk").setAttribute("aria-busy", "false");
  },
});

const conversations = new Conversations({
  remove,
  further: () => heeded(() => list(conversations.found.length + LISTED)),
});
const memories = new Memories({ changed: () => heeded(async () => {
  await list();
  await chat.reload();
}) });
const preferences = new Preferences({
  ask: async (message) => {
    await link.connect();
    link.send({ ...message, session: SESSION, conversation: chat.id || undefined });
  },
  leave: () => {
    forgetToken();
    location.reload();
  },
});

function busy(whether) {
  if (by("stop").hidden !== whether) return; // nothing new
  const hadButton = [by("send"), by("stop")].includes(document.activeElement);
  by("send").hidden = whether;
  by("stop").hidden = !whether;
  if (whether) by("talk").setAttribute("aria-busy", "true"); // until what is kept of it is known
  // A button that goes away must not take the focus with it.
  if (hadButton) (typesOnGlass ? by(whether ? "stop" : "send") : by("text")).focus();
}

/** Ask the server for the conversations, and show as many as before or more, among them the one that is open. */
async function list(most = conversations.found.length) {
  if (!chat.keeps) return;
  const id = chat.isKept ? chat.id : null;
  conversations.show(await kept.conversations(most, id), chat.id);
  by("export").hidden = by("delete").hidden = !conversations.count(chat.id);
}

function remove({ id, title }) {
  return heeded(async () => {
    const sentence = `Delete “${title}”? What was said in it is taken out of the memory, and cannot be had back.`;
    if (!await choose(sentence, { Delete: "danger" })) return;
    if (chat.waiting?.conversation === id) chat.stop(false);
    await kept.forgetConversation(id);
    if (id === chat.id) anew();
    await list();
  });
}

function anew() {
  history.pushState(null, "", location.pathname + location.search);
  follow();
}

/** Show what the address says. */
async function follow() {
  let id = null;
  try {
    if (location.hash.startsWith("#=")) id = decodeURIComponent(location.hash.slice(2));
  } catch {
    // An address that nobody made.
  }
  await heeded(async () => {
    if (id !== null && chat.keeps) {
      if (conversations.more && !conversations.count(id)) conversations.show(await kept.conversations(0, id), id);
      await chat.open(id, conversations.count(id));
    } else chat.fresh();
  });
  conversations.show(conversations, chat.id);
  by("export").hidden = by("delete").hidden = !conversations.count(chat.id);
}

/** Somebody looks at the page again, perhaps after talking elsewhere. */
function lookAgain() {
  return heeded(async () => {
    if (document.hidden || !chat.keeps || chat.waiting) return;
    const { id } = chat;
    const known = () => conversations.found.find((each) => each.id === id);
    const before = known();
    await list();
    const now = known();
    const changed = before && (now?.latest !== before.latest || now?.turns !== before.turns);
    if (changed && id === chat.id && !chat.waiting) await chat.open(id, now?.turns);
  });
}

function login(why = "") {
  by("login-why").textContent = why;
  state("a token is wanted");
  if (!by("login").open) by("login").showModal();
  by("token").focus();
}

function later(error) {
  state(`${error.message} Trying again.`);
  setTimeout(start, 3000);
}

async function start() {
  try {
    const [served] = await models();
    by("served").textContent = served.id + (served.context_length ? `, ${served.context_length.toLocaleString()} tokens` : "");
    by("warning").hidden = !served.random_weights;
  } catch (error) {
    if (error.status === 401) {
      login(token() === null ? "" : error.message);
      forgetToken();
      return;
    }
    return later(error);
  }
  by("login").close();
  by("token").value = "";
  try {
    conversations.show(await kept.conversations(0), "");
    chat.keeps = true;
  } catch (error) {
    if (error.status !== 404) return later(error); // a system that keeps nothing is no fault
  }
  for (const id of ["list", "show-list", "show-memories"]) by(id).hidden = !chat.keeps;
  by("anew").hidden = by("unkept").hidden = chat.keeps;
  await follow();
  if (!typesOnGlass) by("text").focus();
  link.connect().catch(() => {});
}

by("login-form").onsubmit = (event) => {
  event.preventDefault();
  setToken(by("token").value.trim(), by("stay").checked);
  start();
};
by("ask").onsubmit = (event) => {
  event.preventDefault();
  const words = by("text").value.trim();
  if (!words || !chat.ask(words)) return;
  by("text").value = "";
  if (chat.keeps) history.replaceState(null, "", addressOf(chat.id));
};
by("text").onkeydown = (event) => {
  // On glass the key for a new line has no Shift beside it.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || typesOnGlass) return;
  event.preventDefault();
  by("ask").requestSubmit();
};
by("stop").onclick = () => chat.stop();
by("skip").onclick = () => by("text").focus();
by("new").onclick = () => {
  conversations.open(false);
  anew();
  by("text").focus();
};
by("anew").onclick = () => {
  chat.fresh();
  by("text").focus();
};
by("export").onclick = () => heeded(async () => {
  const form = await choose("Export this conversation as", { Markdown: "", JSON: "" });
  if (form) save(by("title").textContent, await chat.said(), form);
});
by("delete").onclick = () => remove(conversations.found.find((each) => each.id === chat.id));
by("show-memories").onclick = () => memories.open();
document.onkeydown = (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (conversations.isOpen) conversations.open(false);
  else chat.stop();
};
document.addEventListener("visibilitychange", lookAgain);
window.addEventListener("hashchange", follow);
window.addEventListener("storage", () => { if (by("login").open) start(); });

start();
