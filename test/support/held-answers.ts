/** Answers of a server that wait until a test has done something: no time that a slow machine could exceed. */
export class HeldAnswers {
  readonly #waiting: (() => void)[] = [];
  #left = 0;

  /**
   * Holds the answers to the next requests.
   *
   * @returns sends them, and holds no more
   */
  hold(count = Infinity): () => void {
    this.#left = count;
    return () => this.release();
  }

  release(): void {
    this.#left = 0;
    for (const answer of this.#waiting.splice(0)) answer();
  }

  send(answer: () => void): void {
    if (this.#left === 0) return answer();
    this.#left--;
    this.#waiting.push(answer);
  }
}
