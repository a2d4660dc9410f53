/** A command line that the table lets pass and the command cannot use: a sentence, and perhaps a hint. */

export class Misuse extends Error {
  override readonly name = "Misuse";
  readonly hint: string;

  constructor(message: string, hint = "") {
    super(message);
    this.hint = hint;
  }
}
