// What the page asks over HTTP, at addresses relative to its own; and the token that it shows.

const KEY = "fourgig.token";

function stores() {
  try {
    return [localStorage, sessionStorage];
  } catch {
    return []; // the browser lets this page keep nothing
  }
}

let unkept = null;

export function token() {
  return unkept ?? stores().map((store) => store.getItem(KEY)).find(Boolean) ?? null;
}

/** Show this token from now on; `stay` also when the browser is opened again, and in other tabs. */
export function setToken(shown, stay) {
  forgetToken();
  unkept = shown;
  const [lasting, passing] = stores();
  (stay ? lasting : passing)?.setItem(KEY, shown);
}

export function forgetToken() {
  unkept = null;
  for (const store of stores()) store.removeItem(KEY);
}

/** A server's refusal; `status` is 0 if it was not reached. */
export class Refused extends Error {
  constructor(status, sentence, code = null) {
    super(sentence);
    this.status = status;
    this.code = code;
  }
}

async function asked(method, address, body) {
  const headers = token() === null ? {} : { authorization: `Bearer ${token()}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  let response, said;
  try {
    response = await fetch(address, { method, headers, body: JSON.stringify(body), cache: "no-store" });
    said = await response.text();
  } catch {
    throw new Refused(0, "The server cannot be reached.");
  }
  return { response, said };
}

/** Return what the server tells of itself, as lines of text. Raises `Refused`. */
export async function metrics() {
  const { response, said } = await asked("GET", "metrics");
  if (!response.ok) throw new Refused(response.status, `The server answered ${response.status}`);
  return said;
}

/** Return what the server answers. Raises `Refused`. */
export async function call(method, address, body) {
  const { response, said } = await asked(method, address, body);
  let found = null;
  try {
    found = JSON.parse(said);
  } catch {
    // Whoever answered was not this server, or had nothing to say.
  }
  if (response.ok && found !== null) return found;
  const sentence = found?.error?.message ?? `The server answered ${response.status} ${response.statusText}`.trim();
  throw new Refused(response.status, sentence, found?.error?.code ?? null);
}

/** Return why a page of this address may not ask anything, or null: a request that does nothing, but is judged. */
export async function refusal() {
  try {
    await call("POST", "v1/chat/completions", {});
  } catch (error) {
    return [0, 401, 403].includes(error.status) ? error : null;
  }
  return null;
}

export const models = async () => (await call("GET", "v1/models")).data;

function query(named) {
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

const address = (conversation) => `v1/fourgig/conversations/${encodeURIComponent(conversation)}`;

async function gone(deleted) {
  try {
    await deleted;
  } catch (error) {
    if (error.code !== "not_found") throw error; // somebody else was quicker
  }
}

/** How many conversations are asked for at once. */
export const LISTED = 50;

export const kept = {
  /** Return the latest conversations, at least `most` if there are so many and up to the one called `id`; and whether there are `more`. */
  async conversations(most, id = null) {
    const found = new Map(); // one that was gone on with meanwhile comes twice
    let page = null;
    do {
      const after = page?.data.at(-1).place;
      page = await call("GET", `v1/fourgig/conversations${query({ limit: LISTED, after })}`);
      for (const each of page.data) found.set(each.id, each);
    } while (page.has_more && (found.size < most || (id !== null && !found.has(id))));
    return { found: [...found.values()], more: page.has_more };
  },
  /** Return the newest page of turns: of a `conversation`, `containing` a text, `before` a turn. */
  turns: async (named) => (await call("GET", `v1/fourgig/turns${query(named)}`)).data,
  forgetConversation: (conversation, since) => gone(call("DELETE", address(conversation) + query({ since }))),
  correct: (turn, question) => call("PATCH", `v1/fourgig/turns/${turn}`, { question }),
  forget: (turn) => gone(call("DELETE", `v1/fourgig/turns/${turn}`)),

  /** Return every turn of a conversation, oldest first. */
  async all(conversation) {
    const found = [];
    let page = await this.turns({ conversation });
    while (page.length) {
      found.unshift(...page);
      page = await this.turns({ conversation, before: page[0].id });
    }
    return found;
  },
};
