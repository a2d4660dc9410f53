/** A command line that the table lets pass and the command cannot use: a sentence, and perhaps a hint. */

export class Misuse extends Error {
  override readonly name = "Misuse";
  readonly hint: string;
  /** Findings of a configuration, ready to print before the sentence. */
  readonly report: string;

  constructor(message: string, hint = "", report = "") {
    super(message);
    this.hint = hint;
    this.report = report;
  }
}
