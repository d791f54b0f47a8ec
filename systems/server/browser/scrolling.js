// Following what is said, as long as the reader is at its end: whoever scrolls up is left where they are.

const NEAR = 24; // pixels

export class Follower {
  /** `place` scrolls, `newest` is the button that leads to its end. */
  constructor(place, newest) {
    this.place = place;
    this.newest = newest;
    this.following = true;
    this.last = 0;
    this.height = 0;
    place.addEventListener("scroll", () => this.scrolled(), { passive: true });
    newest.onclick = () => {
      this.toEnd();
      place.focus({ preventScroll: true });
    };
    const sizes = new ResizeObserver(() => this.changed());
    sizes.observe(place); // a keyboard on the screen makes it smaller
    for (const each of place.children) sizes.observe(each);
  }

  get left() {
    return this.place.scrollHeight - this.place.clientHeight - this.place.scrollTop;
  }

  scrolled() {
    // This page's own doing, perhaps of a moment ago; or what is shown became shorter, and `changed` comes next.
    if (this.place.scrollTop === this.last || this.place.scrollHeight !== this.height) return;
    const up = this.place.scrollTop < this.last;
    this.last = this.place.scrollTop;
    // The first step of a smooth movement upwards is smaller than what counts as being at the end.
    this.following = this.left <= (up ? 1 : NEAR);
    this.newest.hidden = this.following;
  }

  changed() {
    this.height = this.place.scrollHeight;
    if (this.following) this.toEnd();
    else this.newest.hidden = this.left <= NEAR;
  }

  toEnd() {
    this.following = true;
    this.newest.hidden = true;
    this.place.scrollTop = this.place.scrollHeight;
    this.last = this.place.scrollTop;
  }
}
