// How long things take, in ms: pure.
const KEPT = 200;          // answers whose times are kept for the middle one
const WAIT_MOST = 20_000;  // after so long no answer is expected any more

export class Figures {
  answer = null;     // from the server's word that the caller stopped speaking to the first sound of the answer
  answers = [];      // the last ones
  roundTrip = null;  // of a small request to the server
  silence = null;    // from a `clear` to the last sample that was played
  interruptions = 0;
  #stoppedAt = null;

  speechStarted() { this.#stoppedAt = null; }
  speechStopped(now) { this.#stoppedAt = now; }
  get isWaiting() { return this.#stoppedAt !== null; }

  sound(now) {
    if (this.#stoppedAt === null) return;
    this.answer = Math.max(0, now - this.#stoppedAt);
    this.#stoppedAt = null;
    this.answers.push(this.answer);
    if (this.answers.length > KEPT) this.answers.shift();
  }

  tick(now) {
    if (this.isWaiting && now - this.#stoppedAt > WAIT_MOST) this.#stoppedAt = null;
  }

  /** The middle of the answers' times; null without one. */
  get median() {
    if (this.answers.length === 0) return null;
    const sorted = [...this.answers].sort((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) / 2)];
  }

  cleared(ms) {
    this.silence = ms;
    this.interruptions += 1;
  }
}
