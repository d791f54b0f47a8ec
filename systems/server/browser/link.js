// The WebSocket: opened when it is needed, opened again when it was lost.

import { forgetToken, refusal, token } from "./server.js";

const NOTHING_ASKED = 1000;
const LONGEST_WAIT_S = 30;

export const random = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export class Link {
  /** `on` has what is done with a `message`, when it is `opened` or `lost`, with words for its `state`, and for `login`. */
  constructor(on) {
    this.on = on;
    this.socket = null;
    this.waits = 1;
    this.timer = 0;
  }

  get open() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** Return once it is open. Raises an `Error` whose sentence says why it cannot be. */
  connect() {
    if (this.open) return Promise.resolve();
    this.opening ??= this.opened().finally(() => { this.opening = null; });
    return this.opening;
  }

  opened() {
    clearTimeout(this.timer);
    return new Promise((resolve, reject) => {
      const where = new URL("ws", document.baseURI);
      where.protocol = where.protocol === "https:" ? "wss:" : "ws:";
      where.hash = "";
      const socket = this.socket = new WebSocket(where);
      let wasOpen = false;
      socket.onopen = () => {
        wasOpen = true;
        this.waits = 1;
        if (token() !== null) this.send({ type: "hello", token: token() });
        this.on.state("connected", true);
        this.on.opened();
        resolve();
      };
      socket.onmessage = (event) => this.on.message(JSON.parse(event.data));
      socket.onclose = async (event) => {
        if (this.socket !== socket) return;
        if (wasOpen) this.on.lost();
        if (event.code === NOTHING_ASKED && wasOpen) {
          this.on.state("resting until you ask", true); // a server has few places, and this page asks for none
          return;
        }
        const refused = await refusal();
        const why = refused?.message ?? (wasOpen ? event.reason || "The connection was lost." : UNOPENED);
        reject(new Error(why));
        if (refused?.status === 401) {
          forgetToken();
          this.on.login(why);
        } else {
          this.on.state(`${why}${refused?.status === 403 ? HOW_TO_BE_ALLOWED : ""} Trying again.`);
          this.again();
        }
      };
    });
  }

  again() {
    this.timer = setTimeout(() => this.connect().catch(() => {}), 1000 * this.waits);
    this.waits = Math.min(2 * this.waits, LONGEST_WAIT_S);
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }
}

const UNOPENED = "The server answers, but its WebSocket does not open: what stands between must pass it on.";
const HOW_TO_BE_ALLOWED =
  ` Start the server with --set server.origins=${location.origin} if this page is its own,` +
  " or have the proxy pass on the name that it is asked for.";
